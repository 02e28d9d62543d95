"""Stripe's webhooks: signature and time are verified, then the event is a hint to look. Nothing in it is believed for money."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from tonevault.cde.gateway import Hint, HintAbout, WebhookRefusedError
from tonevault.cde.gateways.stripe.answers import CAPTURE_REFERENCE
from tonevault.cde.gateways.stripe.forms import REFERENCE
from tonevault.cde.gateways.stripe.views import Event, Subject

HEADER: Final = "stripe-signature"
TOLERANCE_S: Final = 300
"""How far a signature's time may be from ours: what Stripe's own libraries allow. An older one may be a replay."""
MAX_PARTS: Final = 32
"""A header has one time and one signature a secret; nobody rolls more than two."""


def hints(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> tuple[Hint, ...]:
    """The hints of a webhook's body. `secrets`: each `whsec_…` that may have signed it, two while one is rolled.

    Raises WebhookRefusedError.
    """
    _verify(headers.get(HEADER), body, secrets, now)
    try:
        event = Event.model_validate_json(body)
    except ValidationError:
        raise WebhookRefusedError(
            "body: is not an event of Stripe's; send it from a webhook endpoint of Stripe"
        ) from None
    return _of(event)


def _verify(header: str | None, body: bytes, secrets: Sequence[str], now: datetime) -> None:
    if header is None:
        raise WebhookRefusedError(f"{HEADER}: is missing; send the webhook as Stripe signs it")
    parts = [part.strip().partition("=") for part in header.split(",")[:MAX_PARTS]]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdigit() or not signatures:
        raise WebhookRefusedError(f"{HEADER}: must be of the form t=…,v1=…, as Stripe sends it")
    signed = times[0].encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    # Every pair is compared, so that the time taken does not tell which secret or signature is near.
    matches = [
        hmac.compare_digest(wanted.encode(), given.encode()) for wanted in expected for given in signatures
    ]
    if not any(matches):
        raise WebhookRefusedError(
            f"{HEADER}: is not Stripe's signature of the body; check the endpoint's signing secret (whsec_…)"
        )
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_S:
        raise WebhookRefusedError(
            f"{HEADER}: is more than {TOLERANCE_S} seconds old, a replay; send it anew, or set this machine's clock"
        )


def _of(event: Event) -> tuple[Hint, ...]:
    subject = event.data.object
    reference = subject.metadata.get(REFERENCE)
    match subject.object:
        case "payment_intent" | "setup_intent":
            first = Hint(event.id, HintAbout.PAYMENT, reference, subject.id)
            capture = subject.metadata.get(CAPTURE_REFERENCE)
            if capture is None:
                return (first,)
            # Two attempts are spoken of by one event: each hint is known by an id of its own.
            return first, Hint(f"{event.id}-capture", HintAbout.PAYMENT, capture, subject.id)
        case "charge":
            return (Hint(event.id, HintAbout.PAYMENT, reference, _payment(subject)),)
        case "refund":
            return (Hint(event.id, HintAbout.REFUND, reference, subject.id),)
        case "dispute":
            return (Hint(event.id, HintAbout.DISPUTE, None, _payment(subject)),)
        case _:
            # An endpoint may be subscribed to more than concerns us.
            return ()


def _payment(subject: Subject) -> str:
    return subject.payment_intent or subject.id
