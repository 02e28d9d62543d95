"""Which legs of a call are secured."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column for either leg. Null stands for a call of before, of which it was not known."""
    for leg in ("customer", "agent"):
        op.add_column("phone_call", sa.Column(f"{leg}_secured", sa.Boolean, nullable=True))
