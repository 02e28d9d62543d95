"""Stripe's objects as JSON, from the ledger's entries. What look-ups may not see yet is shown as it was before."""

from collections.abc import Mapping, Sequence

from tonevault.cde.gateway import Kind
from tonevault.testing.gateways.ledger import Document, Entry


def intent(
    entry: Entry, now: float, expand: Sequence[str] = (), *, own_answer: bool = False
) -> dict[str, object]:
    """A PaymentIntent or SetupIntent. `own_answer`: the answer to the deed itself, which sees what was done."""
    document: Document = entry.document
    state = entry.state
    if not own_answer and now < entry.visible_at:
        document = {**document, "attempt": None, "error": None, "next_action": None}
        state = "requires_payment_method"
    verification = entry.kind is Kind.VERIFICATION
    newest = "latest_attempt" if verification else "latest_charge"
    error = "last_setup_error" if verification else "last_payment_error"
    attempt = document.get("attempt")
    seen: dict[str, object] = {
        "id": entry.entry_id,
        "object": "setup_intent" if verification else "payment_intent",
        "created": int(entry.made_at),
        "livemode": False,
        "status": state,
        "metadata": document["metadata"],
        "description": document.get("description"),
        "next_action": document.get("next_action"),
        "payment_method_types": ["card"],
        newest: attempt if any(newest in each for each in expand) else _id_of(attempt),
        error: document.get("error"),
    }
    if not verification:
        captured = document.get("amount_captured")
        seen |= {
            "amount": entry.amount_minor,
            "currency": entry.currency,
            "capture_method": document["capture_method"],
            "amount_capturable": entry.amount_minor if state == "requires_capture" else 0,
            "amount_received": captured if state == "succeeded" else 0,
            "cancellation_reason": document.get("cancellation_reason"),
        }
    return seen


def _id_of(attempt: object) -> object:
    return attempt.get("id") if isinstance(attempt, Mapping) else None


def refund(entry: Entry) -> dict[str, object]:
    """A refund."""
    return {
        "id": entry.entry_id,
        "object": "refund",
        "amount": entry.amount_minor,
        "currency": entry.currency,
        "created": int(entry.made_at),
        "payment_intent": entry.of_entry,
        "status": entry.state,
        "metadata": entry.document["metadata"],
    }


def page(
    objects: Sequence[Mapping[str, object]], url: str, limit: int, after: str | None
) -> dict[str, object]:
    """One page of a list, newest first, from behind the object `after`."""
    start = next((place + 1 for place, each in enumerate(objects) if each["id"] == after), 0)
    return {
        "object": "list",
        "url": url,
        "data": list(objects[start : start + limit]),
        "has_more": start + limit < len(objects),
    }
