"""Capture sessions, as views that outlive the process."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of sessions. Times are whole microseconds since 1970."""
    op.create_table(
        "capture_session",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("session_id", sa.String(40), nullable=False),
        sa.Column("node", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("charge_id", sa.String(40), nullable=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("view", sa.Text, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "session_id", name="pk_capture_session"),
    )
    op.create_index("ix_capture_session_session_id", "capture_session", ["session_id"])
    op.create_index("ix_capture_session_charge_id", "capture_session", ["account_id", "charge_id"])
    op.create_index("ix_capture_session_node_state", "capture_session", ["node", "state"])
