"""Attempts are found by the gateway's reference, for webhooks, and by their day, for reconciliation."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both indexes."""
    op.create_index(
        "ix_payment_attempt_gateway_reference", "payment_attempt", ["account_id", "gateway_reference"]
    )
    op.create_index("ix_payment_attempt_created_at", "payment_attempt", ["account_id", "created_at"])
