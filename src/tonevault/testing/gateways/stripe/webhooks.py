"""The double's webhooks: the body of an event that was told, and Stripe's signature over it."""

import hashlib
import hmac
import json

from tonevault.testing.gateways.ledger import Told


def event_object(told: Told) -> dict[str, object]:
    """An event as Stripe lists and sends it."""
    return {
        "id": told.event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(told.made_at),
        "livemode": False,
        "type": told.type,
        "data": {"object": told.document},
    }


def event_body(told: Told) -> bytes:
    """The body of its webhook."""
    return json.dumps(event_object(told)).encode()


def signature_header(body: bytes, secret: str, at: float) -> str:
    """The value of `Stripe-Signature` for a body that is sent at this time, in seconds since 1970."""
    signed = f"{int(at)}.".encode() + body
    return f"t={int(at)},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
