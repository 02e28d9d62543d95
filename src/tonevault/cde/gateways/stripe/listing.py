"""Stripe's own list of what happened, out of its events: each deed once, with the time that it was done. Pure."""

from datetime import UTC, datetime
from typing import Final

from tonevault.cde.gateway import Kind, Listed, Verdict
from tonevault.cde.gateways.stripe.amounts import from_stripe
from tonevault.cde.gateways.stripe.answers import CAPTURE_REFERENCE
from tonevault.cde.gateways.stripe.forms import REFERENCE
from tonevault.cde.gateways.stripe.views import Event

EVENT_TYPES: Final = (
    "charge.succeeded",
    "payment_intent.succeeded",
    "payment_intent.canceled",
    "refund.created",
)


def line(event: Event) -> Listed | None:
    """The line of an event; None for one that is no deed of its own."""
    subject = event.data.object
    metadata = subject.metadata
    amount = subject.amount
    match event.type:
        case "charge.succeeded":
            kind, reference = Kind.PAYMENT, metadata.get(REFERENCE)
            gateway_reference = subject.payment_intent or subject.id
        case "payment_intent.succeeded" if subject.capture_method == "manual":
            # A capture at Stripe's own dashboard carries no reference of ours: a difference that must show.
            kind, reference, gateway_reference = Kind.CAPTURE, metadata.get(CAPTURE_REFERENCE), subject.id
            amount = subject.amount_received
        case "payment_intent.canceled" if subject.latest_charge and subject.capture_method == "manual":
            # Cancelling takes no metadata, so a void is known by its payment alone.
            kind, reference, gateway_reference = Kind.VOID, None, subject.id
        case "refund.created":
            kind, reference, gateway_reference = Kind.REFUND, metadata.get(REFERENCE), subject.id
        case _:
            return None
    return Listed(
        reference=reference,
        gateway_reference=gateway_reference,
        kind=kind,
        money=from_stripe(amount, subject.currency or ""),
        verdict=Verdict.APPROVED,
        at=datetime.fromtimestamp(event.created, UTC),
    )
