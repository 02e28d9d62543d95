"""Worldpay's event webhooks: verified by the shared key, read as hints. Refuses what is not signed, too old, or not readable."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from tonevault.cde.gateway import Hint, HintAbout, WebhookRefusedError
from tonevault.plumbing.https_line import dig

SIGNATURE_HEADER: Final = "event-signature"
OLDEST: Final = timedelta(days=8)
"""Worldpay sends an event again for a week; later than that it is a replay."""
AHEAD: Final = timedelta(minutes=5)
_SIGNATURE: Final = re.compile(r"(?P<key>[^/,\s]{1,64})/SHA256/(?P<mac>[0-9a-fA-F]{64})")
_REFERENCE: Final = re.compile(r"[-A-Za-z0-9_.:]{1,64}")
_REFUND: Final = re.compile(r"[rR]efund")


def read_webhook(
    keys: tuple[str, ...], headers: Mapping[str, str], body: bytes, now: datetime
) -> tuple[Hint, ...]:
    """The hint of an event. `Event-Signature` is KEY-ID/SHA256/HMAC of the body, several with commas between them."""
    signatures = _SIGNATURE.findall(headers.get(SIGNATURE_HEADER, ""))
    if not signatures:
        raise WebhookRefusedError(f"{SIGNATURE_HEADER}: must be KEY-ID/SHA256/HEX, as Worldpay sends it")
    expected = [hmac.new(key.encode(), body, hashlib.sha256).hexdigest() for key in keys]
    if not any(hmac.compare_digest(mac.lower(), each) for _, mac in signatures for each in expected):
        raise WebhookRefusedError(
            f"{SIGNATURE_HEADER}: is not Worldpay's signature of the body; check webhook_keys"
        )
    try:
        document: object = json.loads(body)
        at = datetime.fromisoformat(str(dig(document, "eventTimestamp")))
    except ValueError:
        raise WebhookRefusedError(
            "body: is not an event of Worldpay; send it from an endpoint of Worldpay's webhooks"
        ) from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if not now - OLDEST < at <= now + AHEAD:
        raise WebhookRefusedError(
            "eventTimestamp: is older than a week or lies ahead, a replay; send it anew, or set this machine's clock"
        )
    event_id, kind = _text(document, "eventId"), str(dig(document, "eventDetails", "type"))
    if event_id is None:
        raise WebhookRefusedError("eventId: is missing; send the event as Worldpay sends it")
    about = HintAbout.REFUND if _REFUND.search(kind) else HintAbout.PAYMENT
    if dig(document, "eventDetails", "classification") == "chargeback":
        about = HintAbout.DISPUTE
    name = "reference" if about is HintAbout.REFUND else "transactionReference"
    reference = _text(document, "eventDetails", name) or _text(
        document, "eventDetails", "transactionReference"
    )
    return (Hint(event_id=event_id, about=about, reference=reference),)


def _text(document: object, *path: str) -> str | None:
    found = dig(document, *path)
    return found if isinstance(found, str) and _REFERENCE.fullmatch(found) else None
