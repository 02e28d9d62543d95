"""Captures, voids and refunds; schedules, splits and reconciliations; what charges and sessions know more of themselves."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add every column and table. Null in a new column stands for what was so before: taken at once, by the customer."""
    for column in (
        sa.Column("capture", sa.String(16), nullable=True),
        sa.Column("postal_code", sa.String(12), nullable=True),
        sa.Column("address_line", sa.String(60), nullable=True),
        sa.Column("replaces", sa.String(34), nullable=True),
    ):
        op.add_column("payment_session", column)
    added: tuple[sa.Column[Any], ...] = (
        sa.Column("kind", sa.String(16), nullable=True),
        sa.Column("capture", sa.String(16), nullable=True),
        sa.Column("initiator", sa.String(16), nullable=True),
        sa.Column("amount_captured", sa.BigInteger, nullable=True),
        sa.Column("amount_refunded", sa.BigInteger, nullable=True),
        sa.Column("is_final", sa.Boolean, nullable=True),
        sa.Column("schedule_id", sa.String(34), nullable=True),
        sa.Column("split_id", sa.String(34), nullable=True),
    )
    for each in added:
        op.add_column("charge", each)
    _create_operations()
    _create_schedules()
    _create_splits_and_reconciliations()


def _create_operations() -> None:
    op.create_table(
        "charge_operation",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("operation_id", sa.String(34), nullable=False),
        sa.Column("charge_id", sa.String(34), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("asked_minor", sa.BigInteger, nullable=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("code", sa.String(48), nullable=True),
        sa.Column("gateway_reference", sa.String(64), nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("reported_at", sa.BigInteger, nullable=True),
        sa.Column("ask_at", sa.BigInteger, nullable=True),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "operation_id"),
    )
    op.create_index("charge_operation_ask", "charge_operation", ["ask_at"])
    op.create_index("charge_operation_charge", "charge_operation", ["account_id", "charge_id"])
    op.create_index(
        "charge_operation_created", "charge_operation", ["account_id", "created_at", "operation_id"]
    )


def _create_schedules() -> None:
    op.create_table(
        "schedule",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("schedule_id", sa.String(34), nullable=False),
        sa.Column("token_id", sa.String(34), nullable=False),
        sa.Column("customer_id", sa.String(34), nullable=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(8), nullable=False),
        sa.Column("every", sa.Integer, nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("max_turns", sa.Integer, nullable=True),
        sa.Column("ends_at", sa.BigInteger, nullable=True),
        sa.Column("retry_days", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(48), nullable=True),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("charge_id", sa.String(34), nullable=True),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "schedule_id"),
    )
    op.create_index("schedule_created", "schedule", ["account_id", "created_at", "schedule_id"])
    op.create_index("schedule_due", "schedule", ["due_at"])


def _create_splits_and_reconciliations() -> None:
    op.create_table(
        "split",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("split_id", sa.String(34), nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "split_id"),
    )
    op.create_index("split_created", "split", ["account_id", "created_at", "split_id"])
    op.create_index("split_due", "split", ["due_at"])
    op.create_table(
        "reconciliation",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("reconciliation_id", sa.String(34), nullable=False),
        sa.Column("gateway", sa.String(48), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("compared", sa.Integer, nullable=False),
        sa.Column("differing", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "reconciliation_id"),
    )
    op.create_index(
        "reconciliation_created", "reconciliation", ["account_id", "created_at", "reconciliation_id"]
    )
