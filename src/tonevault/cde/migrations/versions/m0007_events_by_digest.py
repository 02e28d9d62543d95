"""Gateways' events are known again by keyed digests of their ids. Ids that were kept in clear go, and are new if they come once more."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew: a digest needs the account's key, which a migration does not have, and what goes is a week old at most."""
    op.drop_table("gateway_event")
    op.create_table(
        "gateway_event",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("gateway", sa.String(48), nullable=False),
        sa.Column("event_digest", sa.LargeBinary, nullable=False),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("attempt_id", sa.String(40), nullable=True),
        sa.Column("heard_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "gateway", "event_digest", name="pk_gateway_event"),
    )
    op.create_index("ix_gateway_event_heard_at", "gateway_event", ["heard_at"])
