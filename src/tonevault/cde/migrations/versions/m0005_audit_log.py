"""The audit log: entries that only grow, and the heads of their chains."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables. Times are whole microseconds since 1970."""
    op.create_table(
        "audit_chain",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("chain", sa.String(80), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "chain", name="pk_audit_chain"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("chain", sa.String(80), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "chain", "number", name="pk_audit_entry"),
    )
