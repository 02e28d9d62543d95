"""The secure zone's tables. Every primary and unique key begins with the account; no sequence, enum or trigger; no security code."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tonevault.plumbing.sql import UtcTime

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
"""Names are spelled out, so that a later migration can address every constraint on every database."""

ACCOUNT_KEY: Final = Table(
    "account_key",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("superseded_at", UtcTime, nullable=True),
    PrimaryKeyConstraint("account_id", "purpose", "epoch"),
)
"""Data keys and index keys, each wrapped by the key-encrypting key `key_id`. Deleting a row shreds what it sealed.

A row without `superseded_at` is in force, one for each account and purpose; who seals a card holds that row until its commit."""

KEY_ENCRYPTING_KEY: Final = Table(
    "key_encrypting_key",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("key_id", String(64), nullable=False),
    Column("custody", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("retired_at", UtcTime, nullable=True),
    PrimaryKeyConstraint("account_id", "key_id"),
)
"""The register of keys that lie with the custody: `account_id` is `*`, for they wrap the keys of all accounts."""

KEY_CUSTODIAN: Final = Table(
    "key_custodian",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("credential", String(200), nullable=False),
    Column("enrolled_at", UtcTime, nullable=False),
    Column("left_at", UtcTime, nullable=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", UtcTime, nullable=True),
    PrimaryKeyConstraint("account_id", "name"),
)
"""People who hold key ceremonies, each with an Argon2id hash of a passphrase; `account_id` is `*`. A name is never given twice."""

KEY_CEREMONY: Final = Table(
    "key_ceremony",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("ceremony_id", String(40), nullable=False),
    Column("act", String(24), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("proposer", String(64), nullable=False),
    Column("approver", String(64), nullable=True),
    Column("proposed_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime, nullable=True),
    PrimaryKeyConstraint("account_id", "ceremony_id"),
)
"""What one custodian proposed and another approved; `account_id` is `*`, and `subject` the account or key that it is about."""

TOKEN: Final = Table(
    "token",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("token_id", String(40), nullable=False),
    Column("usage", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("brand", String(16), nullable=False),
    Column("first6", String(6), nullable=False),
    Column("last4", String(4), nullable=False),
    Column("length", Integer, nullable=False),
    Column("exp_month", Integer, nullable=False),
    Column("exp_year", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("card_index", LargeBinary, nullable=True),
    Column("replaced_by", String(40), nullable=True),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=True),
    PrimaryKeyConstraint("account_id", "token_id"),
    UniqueConstraint("account_id", "card_index"),
    # PCI DSS 3.2.1: whatever ends a token takes the card with it, so only a live row may hold one.
    CheckConstraint("(state = 'active') = (sealed IS NOT NULL)", name="sealed_while_active"),
    CheckConstraint("card_index IS NULL OR sealed IS NOT NULL", name="index_goes_with_card"),
    Index("ix_token_expires_at", "expires_at"),
)
"""Tokens. `sealed` is nonce, ciphertext and tag of the number; `card_index` the keyed fingerprint, on multi-use tokens alone."""

CHARGE: Final = Table(
    "charge",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("charge_id", String(40), nullable=False),
    Column("token_id", String(40), nullable=False),
    Column("token_new", Boolean, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("description", String(200), nullable=False),
    Column("state", String(24), nullable=False),
    Column("gateway", String(48), nullable=False),
    Column("gateway_reference", String(255), nullable=True),
    Column("code", String(48), nullable=True),
    Column("security_code_check", String(16), nullable=False),
    Column("postal_code_check", String(16), nullable=False),
    Column("address_check", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("capture", String(16), nullable=True),
    Column("initiator", String(16), nullable=True),
    Column("keeps_card", Boolean, nullable=True),
    Column("scheme_reference", String(255), nullable=True),
    Column("is_final", Boolean, nullable=True),
    Column("amount_captured", BigInteger, nullable=True),
    Column("amount_refunded", BigInteger, nullable=True),
    Column("call_off_at", UtcTime, nullable=True),
    PrimaryKeyConstraint("account_id", "charge_id"),
    ForeignKeyConstraint(["account_id", "token_id"], ["token.account_id", "token.token_id"]),
    Index("ix_charge_state", "state"),
)
"""Charges as the merchant sees them. `token_new`: the token was made for this very charge, on a first payment.

`call_off_at`: the end of its session, after which an unknown payment is called off at the gateway instead of waited for. Null in
the columns after `updated_at` stands for what was so before they were there: taken at once, by the customer."""

PAYMENT_ATTEMPT: Final = Table(
    "payment_attempt",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("attempt_id", String(40), nullable=False),
    Column("charge_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("gateway", String(48), nullable=False),
    Column("node", String(64), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("silent_since", UtcTime, nullable=True),
    Column("kind", String(16), nullable=False),
    Column("operation_id", String(40), nullable=True),
    Column("amount_minor", BigInteger, nullable=True),
    Column("gateway_reference", String(255), nullable=True),
    Column("code", String(48), nullable=True),
    Column("reason", String(200), nullable=True),
    PrimaryKeyConstraint("account_id", "attempt_id"),
    UniqueConstraint("account_id", "charge_id", "number"),
    UniqueConstraint("account_id", "operation_id"),
    Index("ix_payment_attempt_gateway_reference", "account_id", "gateway_reference"),
    Index("ix_payment_attempt_created_at", "account_id", "created_at"),
    ForeignKeyConstraint(["account_id", "charge_id"], ["charge.account_id", "charge.charge_id"]),
)
"""One request to a gateway, written before it leaves; `attempt_id` is the reference that the gateway is given and asked by.

A capture, void or refund has the `operation_id` that asked for it and an amount of its own; a payment has its charge's."""

STORED_CREDENTIAL: Final = Table(
    "stored_credential",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("token_id", String(40), nullable=False),
    Column("gateway", String(48), nullable=False),
    Column("scheme_reference", String(255), nullable=False),
    Column("charge_id", String(40), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("account_id", "token_id", "gateway"),
)
"""The network's id of the first authorisation of a kept card, to which every merchant-initiated charge of it refers."""

GATEWAY_EVENT: Final = Table(
    "gateway_event",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("gateway", String(48), nullable=False),
    Column("event_digest", LargeBinary, nullable=False),
    Column("about", String(16), nullable=False),
    Column("attempt_id", String(40), nullable=True),
    Column("heard_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("account_id", "gateway", "event_digest"),
    Index("ix_gateway_event_heard_at", "heard_at"),
)
"""Webhooks that were heard: one that comes again changes nothing. Their ids may hold anything, so keyed digests stand here."""

RECONCILIATION: Final = Table(
    "reconciliation",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("reconciliation_id", String(40), nullable=False),
    Column("gateway", String(48), nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("compared", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("account_id", "reconciliation_id"),
    UniqueConstraint("account_id", "since", "until"),
)
"""One comparison of our books with the gateway's own list."""

DIFFERENCE: Final = Table(
    "difference",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("reconciliation_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("movement", String(16), nullable=False),
    Column("charge_id", String(40), nullable=True),
    Column("attempt_id", String(40), nullable=True),
    Column("gateway_reference", String(255), nullable=True),
    Column("amount_here", BigInteger, nullable=True),
    Column("amount_there", BigInteger, nullable=True),
    Column("currency", String(3), nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("account_id", "reconciliation_id", "number"),
    ForeignKeyConstraint(
        ["account_id", "reconciliation_id"],
        ["reconciliation.account_id", "reconciliation.reconciliation_id"],
    ),
)
"""One movement of money on which the two do not agree."""

JOB: Final = Table(
    "job",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("due", UtcTime, nullable=False),
    Column("lease_until", UtcTime, nullable=True),
    Column("leased_by", String(64), nullable=True),
    Column("step", Integer, nullable=False),
    PrimaryKeyConstraint("account_id", "kind", "subject"),
    Index("ix_job_due", "due"),
)
"""Work that falls due, swept by every node. A lease keeps two nodes from one job, and lapses when its holder dies."""

CAPTURE_SESSION: Final = Table(
    "capture_session",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("session_id", String(40), nullable=False),
    Column("node", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("charge_id", String(40), nullable=True),
    Column("revision", Integer, nullable=False),
    Column("view", Text, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("account_id", "session_id"),
    Index("ix_capture_session_session_id", "session_id"),
    Index("ix_capture_session_charge_id", "account_id", "charge_id"),
    Index("ix_capture_session_node_state", "node", "state"),
)
"""Capture sessions. `view` is the boundary's CaptureView as JSON: dots, masks and results; `node` the process that held the session."""

AUDIT_CHAIN: Final = Table(
    "audit_chain",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("chain", String(80), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "chain"),
)
"""The head of each audit chain; `account_id` is `*`, for a chain belongs to a writer of a node and carries every account."""

AUDIT_ENTRY: Final = Table(
    "audit_entry",
    METADATA,
    Column("account_id", String(32), nullable=False),
    Column("chain", String(80), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("account_id", "chain", "number"),
)
"""The audit log. Rows are added and never changed; `digest` chains each to the one before it in its chain."""
