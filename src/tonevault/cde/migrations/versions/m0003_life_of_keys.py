"""The life of keys: which are in force, who holds ceremonies, and what was proposed and approved."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the register, the custodians and the ceremonies. Times are whole microseconds since 1970."""
    op.add_column("account_key", sa.Column("superseded_at", sa.BigInteger, nullable=True))
    op.create_table(
        "key_encrypting_key",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("custody", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("retired_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "key_id", name="pk_key_encrypting_key"),
    )
    # Until now a deployment had one key, in files, and its data keys tell its name.
    op.execute(
        "INSERT INTO key_encrypting_key (account_id, key_id, custody, state, made_at) "
        "SELECT '*', key_id, 'file', 'in_force', MIN(created_at) FROM account_key GROUP BY key_id"
    )
    op.create_table(
        "key_custodian",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("credential", sa.String(200), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger, nullable=False),
        sa.Column("left_at", sa.BigInteger, nullable=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "name", name="pk_key_custodian"),
    )
    op.create_table(
        "key_ceremony",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("ceremony_id", sa.String(40), nullable=False),
        sa.Column("act", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("proposer", sa.String(64), nullable=False),
        sa.Column("approver", sa.String(64), nullable=True),
        sa.Column("proposed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "ceremony_id", name="pk_key_ceremony"),
    )
