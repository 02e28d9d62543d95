"""The vault's keys and tokens; charges, their attempts, and the jobs that settle them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the first five tables. Times are whole microseconds since 1970, so a plain integer on every database."""
    _create_vault()
    _create_charges()


def _create_vault() -> None:
    op.create_table(
        "account_key",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "purpose", "epoch", name="pk_account_key"),
    )
    op.create_table(
        "token",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("usage", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("brand", sa.String(16), nullable=False),
        sa.Column("first6", sa.String(6), nullable=False),
        sa.Column("last4", sa.String(4), nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("exp_month", sa.Integer, nullable=False),
        sa.Column("exp_year", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("card_index", sa.LargeBinary, nullable=True),
        sa.Column("replaced_by", sa.String(40), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "token_id", name="pk_token"),
        sa.UniqueConstraint("account_id", "card_index", name="uq_token_account_id_card_index"),
        sa.CheckConstraint(
            "(state = 'active') = (sealed IS NOT NULL)", name=op.f("ck_token_sealed_while_active")
        ),
        sa.CheckConstraint(
            "card_index IS NULL OR sealed IS NOT NULL", name=op.f("ck_token_index_goes_with_card")
        ),
    )
    op.create_index("ix_token_expires_at", "token", ["expires_at"])


def _create_charges() -> None:
    op.create_table(
        "charge",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("charge_id", sa.String(40), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("token_new", sa.Boolean, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("gateway", sa.String(48), nullable=False),
        sa.Column("gateway_reference", sa.String(255), nullable=True),
        sa.Column("code", sa.String(48), nullable=True),
        sa.Column("security_code_check", sa.String(16), nullable=False),
        sa.Column("postal_code_check", sa.String(16), nullable=False),
        sa.Column("address_check", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "charge_id", name="pk_charge"),
        sa.ForeignKeyConstraint(
            ["account_id", "token_id"], ["token.account_id", "token.token_id"], name="fk_charge_token"
        ),
    )
    op.create_index("ix_charge_state", "charge", ["state"])
    op.create_table(
        "payment_attempt",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("attempt_id", sa.String(40), nullable=False),
        sa.Column("charge_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("gateway", sa.String(48), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("silent_since", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "attempt_id", name="pk_payment_attempt"),
        sa.UniqueConstraint(
            "account_id", "charge_id", "number", name="uq_payment_attempt_account_id_charge_id_number"
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "charge_id"],
            ["charge.account_id", "charge.charge_id"],
            name="fk_payment_attempt_charge",
        ),
    )
    op.create_table(
        "job",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=True),
        sa.Column("leased_by", sa.String(64), nullable=True),
        sa.Column("step", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "kind", "subject", name="pk_job"),
    )
    op.create_index("ix_job_due", "job", ["due"])
