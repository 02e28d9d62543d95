"""Every table of the desk's database. The account stands first in each key, so that the data can be spread by tenant."""

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, Text
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from tonevault.plumbing.sql import UtcTime

METADATA: Final = MetaData()

ID: Final = 34
"""Five letters of prefix, an underscore and 28 letters."""
WORDS: Final = 200
DIGEST: Final = 32
"""HMAC-SHA-256."""


Kind = TypeEngine[Any] | type[TypeEngine[Any]]


def _table(name: str, *items: SchemaItem, key: str | None) -> Table:
    """A table whose primary key is the account and, unless None, the column `key`, which must be among `items`."""
    for item in items:
        if isinstance(item, Column) and item.name == key:
            item.primary_key = True
            item.nullable = False
    return Table(name, METADATA, Column("account_id", String(32), primary_key=True), *items)


def _needed(name: str, kind: Kind) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _maybe(name: str, kind: Kind) -> Column[Any]:
    return Column(name, kind, nullable=True)


ACCOUNT = _table(
    "account",
    _needed("name", String(WORDS)),
    _maybe("country_code", String(3)),
    _needed("created_at", UtcTime),
    key=None,
)

SERIES = _table(
    "series",
    _needed("name", String(16)),
    _needed("number", Integer),
    _needed("digest", LargeBinary(DIGEST)),
    key="name",
)
"""The last number of each gapless series of an account (events, audit), and the head of its hash chain."""

PERSON = _table(
    "person",
    _needed("user_id", String(ID)),
    _needed("login", String(WORDS)),
    _needed("name", String(WORDS)),
    _needed("role", String(16)),
    _needed("password_hash", String(256)),
    _needed("disabled", Boolean),
    _needed("created_at", UtcTime),
    Index("person_login", "account_id", "login", unique=True),
    key="user_id",
)

API_KEY = _table(
    "api_key",
    _needed("key_id", String(ID)),
    _needed("digest", LargeBinary(DIGEST)),
    _needed("name", String(WORDS)),
    _needed("scopes", Text),
    _needed("created_by", String(ID)),
    _needed("created_at", UtcTime),
    _maybe("expires_at", UtcTime),
    _maybe("revoked_at", UtcTime),
    Index("api_key_digest", "account_id", "digest", unique=True),
    key="key_id",
)

LOG_IN = _table(
    "log_in",
    _needed("digest", LargeBinary(DIGEST)),
    _needed("user_id", String(ID)),
    _needed("created_at", UtcTime),
    _needed("seen_at", UtcTime),
    _needed("expires_at", UtcTime),
    key="digest",
)

TICKET = _table(
    "ticket",
    _needed("digest", LargeBinary(DIGEST)),
    _needed("user_id", String(ID)),
    _needed("expires_at", UtcTime),
    key="digest",
)

LOG_IN_FAILURE = _table(
    "log_in_failure",
    _needed("failure_id", String(ID)),
    _needed("login_digest", LargeBinary(DIGEST)),
    _needed("address", String(64)),
    _needed("failed_at", UtcTime),
    Index("log_in_failure_login", "account_id", "login_digest", "failed_at"),
    Index("log_in_failure_address", "address", "failed_at"),
    key="failure_id",
)

AUDIT_ENTRY = _table(
    "audit_entry",
    _needed("number", Integer),
    _needed("at", UtcTime),
    _needed("actor", String(ID)),
    _needed("action", String(48)),
    _needed("subject", String(ID)),
    _needed("detail", Text),
    _needed("digest", LargeBinary(DIGEST)),
    key="number",
)

CUSTOMER = _table(
    "customer",
    _needed("customer_id", String(ID)),
    _needed("name", String(WORDS)),
    _maybe("phone", String(16)),
    _maybe("email", String(254)),
    _maybe("reference", String(WORDS)),
    _needed("created_at", UtcTime),
    _needed("updated_at", UtcTime),
    Index("customer_phone", "account_id", "phone"),
    Index("customer_reference", "account_id", "reference"),
    Index("customer_created", "account_id", "created_at", "customer_id"),
    key="customer_id",
)

PHONE_CALL = _table(
    "phone_call",
    _needed("call_id", String(ID)),
    _needed("route", String(48)),
    _needed("state", String(16)),
    _maybe("caller", String(16)),
    _maybe("called", String(16)),
    _maybe("customer_header", String(WORDS)),
    _maybe("customer_id", String(ID)),
    _needed("hushed", Boolean),
    _maybe("customer_secured", Boolean),
    _maybe("agent_secured", Boolean),
    _needed("created_at", UtcTime),
    _maybe("answered_at", UtcTime),
    _maybe("ended_at", UtcTime),
    _maybe("end_reason", String(48)),
    Index("phone_call_created", "account_id", "created_at", "call_id"),
    Index("phone_call_state", "state"),
    key="call_id",
)

PAYMENT_SESSION = _table(
    "payment_session",
    _needed("session_id", String(ID)),
    _needed("call_id", String(ID)),
    _maybe("customer_id", String(ID)),
    _maybe("amount_minor", BigInteger),
    _maybe("currency", String(3)),
    _maybe("charge_id", String(ID)),
    _needed("reference", String(WORDS)),
    _needed("description", String(WORDS)),
    _needed("fields", String(WORDS)),
    _needed("usage", String(16)),
    _needed("max_attempts", Integer),
    _needed("first_digit_timeout_ms", Integer),
    _needed("inter_digit_timeout_ms", Integer),
    _needed("created_by", String(ID)),
    _needed("state", String(16)),
    _maybe("reason", String(48)),
    _needed("revision", Integer),
    _maybe("view", Text),
    _maybe("token_id", String(ID)),
    _needed("settled", Boolean),
    _needed("cancel_asked", Boolean),
    _needed("created_at", UtcTime),
    _needed("updated_at", UtcTime),
    _needed("expires_at", UtcTime),
    _maybe("ended_at", UtcTime),
    _maybe("capture", String(16)),
    _maybe("postal_code", String(12)),
    _maybe("address_line", String(60)),
    _maybe("replaces", String(ID)),
    Index("payment_session_created", "account_id", "created_at", "session_id"),
    Index("payment_session_call", "account_id", "call_id"),
    Index("payment_session_settled", "settled"),
    key="session_id",
)

CARD_TOKEN = _table(
    "card_token",
    _needed("token_id", String(ID)),
    _needed("usage", String(16)),
    _needed("state", String(16)),
    _needed("brand", String(16)),
    _needed("first6", String(6)),
    _needed("last4", String(4)),
    _needed("length", Integer),
    _needed("exp_month", Integer),
    _needed("exp_year", Integer),
    _maybe("customer_id", String(ID)),
    _maybe("replaced_by", String(ID)),
    _needed("created_at", UtcTime),
    _maybe("expires_at", UtcTime),
    Index("card_token_created", "account_id", "created_at", "token_id"),
    key="token_id",
)

CHARGE = _table(
    "charge",
    _needed("charge_id", String(ID)),
    _maybe("token_id", String(ID)),
    _maybe("session_id", String(ID)),
    _maybe("customer_id", String(ID)),
    _needed("amount_minor", BigInteger),
    _needed("currency", String(3)),
    _needed("description", String(WORDS)),
    _needed("state", String(24)),
    _maybe("code", String(48)),
    _maybe("gateway", String(48)),
    _maybe("gateway_reference", String(64)),
    _needed("security_code_check", String(16)),
    _needed("postal_code_check", String(16)),
    _needed("address_check", String(16)),
    _needed("created_at", UtcTime),
    _needed("updated_at", UtcTime),
    _maybe("reported_at", UtcTime),
    _maybe("ask_at", UtcTime),
    _needed("asked", Integer),
    _maybe("kind", String(16)),
    _maybe("capture", String(16)),
    _maybe("initiator", String(16)),
    _maybe("amount_captured", BigInteger),
    _maybe("amount_refunded", BigInteger),
    _maybe("is_final", Boolean),
    _maybe("schedule_id", String(ID)),
    _maybe("split_id", String(ID)),
    Index("charge_created", "account_id", "created_at", "charge_id"),
    Index("charge_ask", "ask_at"),
    key="charge_id",
)

CHARGE_OPERATION = _table(
    "charge_operation",
    _needed("operation_id", String(ID)),
    _needed("charge_id", String(ID)),
    _needed("kind", String(16)),
    _maybe("asked_minor", BigInteger),
    _needed("amount_minor", BigInteger),
    _needed("currency", String(3)),
    _needed("state", String(16)),
    _maybe("code", String(48)),
    _maybe("gateway_reference", String(64)),
    _needed("reason", String(WORDS)),
    _needed("created_at", UtcTime),
    _needed("updated_at", UtcTime),
    _maybe("reported_at", UtcTime),
    _maybe("ask_at", UtcTime),
    _needed("asked", Integer),
    Index("charge_operation_created", "account_id", "created_at", "operation_id"),
    Index("charge_operation_charge", "account_id", "charge_id"),
    Index("charge_operation_ask", "ask_at"),
    key="operation_id",
)

SCHEDULE = _table(
    "schedule",
    _needed("schedule_id", String(ID)),
    _needed("token_id", String(ID)),
    _maybe("customer_id", String(ID)),
    _needed("amount_minor", BigInteger),
    _needed("currency", String(3)),
    _needed("description", String(WORDS)),
    _needed("unit", String(8)),
    _needed("every", Integer),
    _needed("time_zone", String(64)),
    _needed("starts_at", UtcTime),
    _maybe("max_turns", Integer),
    _maybe("ends_at", UtcTime),
    _needed("retry_days", String(32)),
    _needed("state", String(16)),
    _maybe("reason", String(48)),
    _needed("turn", Integer),
    _needed("tries", Integer),
    _maybe("charge_id", String(ID)),
    _maybe("due_at", UtcTime),
    _needed("created_at", UtcTime),
    _needed("updated_at", UtcTime),
    Index("schedule_created", "account_id", "created_at", "schedule_id"),
    Index("schedule_due", "due_at"),
    key="schedule_id",
)
"""`turn` counts the payments that are over; `tries` those of the present one; `charge_id` is the try that is under way."""

SPLIT = _table(
    "split",
    _needed("split_id", String(ID)),
    _needed("amount_minor", BigInteger),
    _needed("currency", String(3)),
    _needed("description", String(WORDS)),
    _needed("state", String(16)),
    _needed("parts", Text),
    _maybe("due_at", UtcTime),
    _needed("created_at", UtcTime),
    _needed("updated_at", UtcTime),
    Index("split_created", "account_id", "created_at", "split_id"),
    Index("split_due", "due_at"),
    key="split_id",
)

RECONCILIATION = _table(
    "reconciliation",
    _needed("reconciliation_id", String(ID)),
    _needed("gateway", String(48)),
    _needed("since", UtcTime),
    _needed("until", UtcTime),
    _needed("state", String(16)),
    _needed("compared", Integer),
    _needed("differing", Integer),
    _needed("created_at", UtcTime),
    _needed("updated_at", UtcTime),
    Index("reconciliation_created", "account_id", "created_at", "reconciliation_id"),
    key="reconciliation_id",
)

EVENT = _table(
    "event",
    _needed("number", Integer),
    _needed("event_id", String(ID)),
    _needed("type", String(48)),
    _needed("data", Text),
    _needed("created_at", UtcTime),
    Index("event_id", "account_id", "event_id", unique=True),
    key="number",
)

RECORDING_PAUSE = _table(
    "recording_pause",
    _needed("session_id", String(ID)),
    _needed("call_id", String(ID)),
    _needed("state", String(16)),
    _needed("paused_at", UtcTime),
    _needed("resume_by", UtcTime),
    _maybe("resumed_at", UtcTime),
    _needed("tries", Integer),
    _maybe("try_at", UtcTime),
    Index("recording_pause_call", "account_id", "call_id"),
    Index("recording_pause_state", "state"),
    key="session_id",
)

IDEMPOTENCY_KEY = _table(
    "idempotency_key",
    _needed("digest", LargeBinary(DIGEST)),
    _needed("fingerprint", LargeBinary(DIGEST)),
    _needed("letters", String(28)),
    _needed("locked_until", UtcTime),
    _maybe("status", Integer),
    _maybe("answer", LargeBinary),
    _needed("created_at", UtcTime),
    Index("idempotency_key_created", "created_at"),
    key="digest",
)
