"""Everything the desk begins with: people, customers, calls, sessions, tokens, charges, events, pauses, idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table. Times are whole microseconds since 1970, so a plain integer on every database."""
    _create_people()
    _create_customers_and_calls()
    _create_payments()
    _create_the_rest()


def _create_people() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("country_code", sa.String(3), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "series",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "name"),
    )
    op.create_table(
        "person",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(34), nullable=False),
        sa.Column("login", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "user_id"),
    )
    op.create_index("person_login", "person", ["account_id", "login"], unique=True)
    op.create_table(
        "api_key",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("key_id", sa.String(34), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("created_by", sa.String(34), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.Column("revoked_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "key_id"),
    )
    op.create_index("api_key_digest", "api_key", ["account_id", "digest"], unique=True)
    op.create_table(
        "log_in",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.String(34), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "digest"),
    )
    op.create_table(
        "ticket",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("user_id", sa.String(34), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "digest"),
    )
    op.create_table(
        "log_in_failure",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("failure_id", sa.String(34), nullable=False),
        sa.Column("login_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("failed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "failure_id"),
    )
    op.create_index("log_in_failure_address", "log_in_failure", ["address", "failed_at"], unique=False)
    op.create_index(
        "log_in_failure_login", "log_in_failure", ["account_id", "login_digest", "failed_at"], unique=False
    )
    op.create_table(
        "audit_entry",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(34), nullable=False),
        sa.Column("action", sa.String(48), nullable=False),
        sa.Column("subject", sa.String(34), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "number"),
    )


def _create_customers_and_calls() -> None:
    op.create_table(
        "customer",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("customer_id", sa.String(34), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(16), nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("reference", sa.String(200), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "customer_id"),
    )
    op.create_index("customer_created", "customer", ["account_id", "created_at", "customer_id"], unique=False)
    op.create_index("customer_phone", "customer", ["account_id", "phone"], unique=False)
    op.create_index("customer_reference", "customer", ["account_id", "reference"], unique=False)
    op.create_table(
        "phone_call",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("call_id", sa.String(34), nullable=False),
        sa.Column("route", sa.String(48), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("caller", sa.String(16), nullable=True),
        sa.Column("called", sa.String(16), nullable=True),
        sa.Column("customer_header", sa.String(200), nullable=True),
        sa.Column("customer_id", sa.String(34), nullable=True),
        sa.Column("hushed", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("end_reason", sa.String(48), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "call_id"),
    )
    op.create_index("phone_call_created", "phone_call", ["account_id", "created_at", "call_id"], unique=False)
    op.create_index("phone_call_state", "phone_call", ["state"], unique=False)


def _create_payments() -> None:
    op.create_table(
        "payment_session",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("session_id", sa.String(34), nullable=False),
        sa.Column("call_id", sa.String(34), nullable=False),
        sa.Column("customer_id", sa.String(34), nullable=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=True),
        sa.Column("currency", sa.String(3), nullable=True),
        sa.Column("charge_id", sa.String(34), nullable=True),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("fields", sa.String(200), nullable=False),
        sa.Column("usage", sa.String(16), nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("first_digit_timeout_ms", sa.Integer, nullable=False),
        sa.Column("inter_digit_timeout_ms", sa.Integer, nullable=False),
        sa.Column("created_by", sa.String(34), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(48), nullable=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("view", sa.Text, nullable=True),
        sa.Column("token_id", sa.String(34), nullable=True),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("cancel_asked", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "session_id"),
    )
    op.create_index("payment_session_call", "payment_session", ["account_id", "call_id"], unique=False)
    op.create_index(
        "payment_session_created", "payment_session", ["account_id", "created_at", "session_id"], unique=False
    )
    op.create_index("payment_session_settled", "payment_session", ["settled"], unique=False)
    op.create_table(
        "card_token",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("token_id", sa.String(34), nullable=False),
        sa.Column("usage", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("brand", sa.String(16), nullable=False),
        sa.Column("first6", sa.String(6), nullable=False),
        sa.Column("last4", sa.String(4), nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.Column("exp_month", sa.Integer, nullable=False),
        sa.Column("exp_year", sa.Integer, nullable=False),
        sa.Column("customer_id", sa.String(34), nullable=True),
        sa.Column("replaced_by", sa.String(34), nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "token_id"),
    )
    op.create_index(
        "card_token_created", "card_token", ["account_id", "created_at", "token_id"], unique=False
    )
    op.create_table(
        "charge",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("charge_id", sa.String(34), nullable=False),
        sa.Column("token_id", sa.String(34), nullable=True),
        sa.Column("session_id", sa.String(34), nullable=True),
        sa.Column("customer_id", sa.String(34), nullable=True),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("code", sa.String(48), nullable=True),
        sa.Column("gateway", sa.String(48), nullable=True),
        sa.Column("gateway_reference", sa.String(64), nullable=True),
        sa.Column("security_code_check", sa.String(16), nullable=False),
        sa.Column("postal_code_check", sa.String(16), nullable=False),
        sa.Column("address_check", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("reported_at", sa.BigInteger, nullable=True),
        sa.Column("ask_at", sa.BigInteger, nullable=True),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "charge_id"),
    )
    op.create_index("charge_ask", "charge", ["ask_at"], unique=False)
    op.create_index("charge_created", "charge", ["account_id", "created_at", "charge_id"], unique=False)


def _create_the_rest() -> None:
    op.create_table(
        "event",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("event_id", sa.String(34), nullable=False),
        sa.Column("type", sa.String(48), nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "number"),
    )
    op.create_index("event_id", "event", ["account_id", "event_id"], unique=True)
    op.create_table(
        "recording_pause",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("session_id", sa.String(34), nullable=False),
        sa.Column("call_id", sa.String(34), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("paused_at", sa.BigInteger, nullable=False),
        sa.Column("resume_by", sa.BigInteger, nullable=False),
        sa.Column("resumed_at", sa.BigInteger, nullable=True),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("try_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "session_id"),
    )
    op.create_index("recording_pause_call", "recording_pause", ["account_id", "call_id"], unique=False)
    op.create_index("recording_pause_state", "recording_pause", ["state"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("account_id", sa.String(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("letters", sa.String(28), nullable=False),
        sa.Column("locked_until", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("answer", sa.LargeBinary, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "digest"),
    )
    op.create_index("idempotency_key_created", "idempotency_key", ["created_at"], unique=False)
