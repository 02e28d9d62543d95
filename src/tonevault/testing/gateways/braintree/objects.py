"""Braintree's transactions and verifications, from the ledger's entries."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from tonevault.cde.gateway import Kind
from tonevault.kernel.money import MINOR_DIGITS
from tonevault.testing.gateways.braintree.markup import Value
from tonevault.testing.gateways.ledger import Entry


def moment(seconds: float) -> datetime:
    """A time of the ledger's."""
    return datetime.fromtimestamp(seconds, UTC)


def decimal(amount_minor: int, currency: str) -> str:
    """An amount as Braintree writes it."""
    return str(Decimal(amount_minor).scaleb(-MINOR_DIGITS.get(currency, 2)))


def tried(entry: Entry) -> dict[str, Value]:
    """What processor and issuer said."""
    said = entry.document["said"]
    return {str(name): _text(value) for name, value in said.items()} if isinstance(said, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def transaction(entry: Entry) -> dict[str, Value]:
    """A sale, or the credit of a refund."""
    history = entry.document["history"]
    steps = history if isinstance(history, list) else []
    return {
        "id": entry.entry_id,
        "status": entry.state,
        "type": "credit" if entry.kind is Kind.REFUND else "sale",
        "currency_iso_code": entry.currency,
        "amount": decimal(_amount(entry), entry.currency),
        "merchant_account_id": _text(entry.document["merchant_account"]),
        "order_id": entry.reference,
        "created_at": moment(entry.made_at),
        "updated_at": moment(steps[-1][1] if steps else entry.made_at),
        "refunded_transaction_id": entry.of_entry,
        "credit_card": {"last_4": _text(entry.document["last4"]), "card_type": "Visa", "expired": False},
        **tried(entry),
        "status_history": [
            {"status": status, "timestamp": moment(at), "amount": decimal(amount, entry.currency)}
            for status, at, amount in steps
        ],
    }


def _amount(entry: Entry) -> int:
    """What is asked for now: a capture of a part makes the transaction smaller."""
    captured = entry.document.get("captured")
    return captured if isinstance(captured, int) else entry.amount_minor


def verification(entry: Entry) -> dict[str, Value]:
    """A verification."""
    return {
        "id": entry.entry_id,
        "status": entry.state,
        "currency_iso_code": entry.currency,
        "amount": decimal(entry.amount_minor, entry.currency),
        "created_at": moment(entry.made_at),
        **tried(entry),
    }
