"""Captures, voids, refunds and verifications beside payments; kept credentials, heard webhooks, reconciliations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen charges and attempts, create the rest. Times are whole microseconds since 1970."""
    for column in (
        sa.Column("capture", sa.String(16), nullable=True),
        sa.Column("initiator", sa.String(16), nullable=True),
        sa.Column("keeps_card", sa.Boolean, nullable=True),
        sa.Column("scheme_reference", sa.String(255), nullable=True),
        sa.Column("is_final", sa.Boolean, nullable=True),
        sa.Column("amount_captured", sa.BigInteger, nullable=True),
        sa.Column("amount_refunded", sa.BigInteger, nullable=True),
        sa.Column("call_off_at", sa.BigInteger, nullable=True),
    ):
        op.add_column("charge", column)
    with op.batch_alter_table("payment_attempt") as attempt:
        # Until now every attempt was a payment.
        attempt.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default="payment"))
        attempt.add_column(sa.Column("operation_id", sa.String(40), nullable=True))
        attempt.add_column(sa.Column("amount_minor", sa.BigInteger, nullable=True))
        attempt.add_column(sa.Column("gateway_reference", sa.String(255), nullable=True))
        attempt.add_column(sa.Column("code", sa.String(48), nullable=True))
        attempt.add_column(sa.Column("reason", sa.String(200), nullable=True))
        attempt.create_unique_constraint(
            "uq_payment_attempt_account_id_operation_id", ["account_id", "operation_id"]
        )
    with op.batch_alter_table("payment_attempt") as attempt:
        attempt.alter_column("kind", server_default=None)
    _create_credentials_and_events()
    _create_reconciliations()


def _create_credentials_and_events() -> None:
    op.create_table(
        "stored_credential",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("token_id", sa.String(40), nullable=False),
        sa.Column("gateway", sa.String(48), nullable=False),
        sa.Column("scheme_reference", sa.String(255), nullable=False),
        sa.Column("charge_id", sa.String(40), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "token_id", "gateway", name="pk_stored_credential"),
    )
    op.create_table(
        "gateway_event",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("gateway", sa.String(48), nullable=False),
        sa.Column("event_id", sa.String(128), nullable=False),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("attempt_id", sa.String(40), nullable=True),
        sa.Column("heard_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "gateway", "event_id", name="pk_gateway_event"),
    )
    op.create_index("ix_gateway_event_heard_at", "gateway_event", ["heard_at"])


def _create_reconciliations() -> None:
    op.create_table(
        "reconciliation",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("reconciliation_id", sa.String(40), nullable=False),
        sa.Column("gateway", sa.String(48), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("compared", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "reconciliation_id", name="pk_reconciliation"),
        sa.UniqueConstraint("account_id", "since", "until", name="uq_reconciliation_account_id_since_until"),
    )
    op.create_table(
        "difference",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("reconciliation_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("movement", sa.String(16), nullable=False),
        sa.Column("charge_id", sa.String(40), nullable=True),
        sa.Column("attempt_id", sa.String(40), nullable=True),
        sa.Column("gateway_reference", sa.String(255), nullable=True),
        sa.Column("amount_here", sa.BigInteger, nullable=True),
        sa.Column("amount_there", sa.BigInteger, nullable=True),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "reconciliation_id", "number", name="pk_difference"),
        sa.ForeignKeyConstraint(
            ["account_id", "reconciliation_id"],
            ["reconciliation.account_id", "reconciliation.reconciliation_id"],
            name="fk_difference_reconciliation",
        ),
    )
