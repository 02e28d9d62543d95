"""Braintree's webhooks: the SDK verifies the signature, the time is checked here, then the notification is a hint to look."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs
from xml.parsers.expat import ExpatError

from pydantic import ValidationError

from tonevault.cde.gateway import Hint, HintAbout, WebhookRefusedError
from tonevault.cde.gateways.braintree.api import RefusedError
from tonevault.cde.gateways.braintree.views import Moment, View
from tonevault.kernel.ids import ALPHABET

MAX_AGE: Final = timedelta(hours=25)
"""Braintree sends a notification again for 24 hours, with the time of the first."""
MAX_AHEAD: Final = timedelta(minutes=5)
"""Clocks differ."""


class Named(View):
    """The transaction that a notification is about."""

    id: str
    order_id: str | None = None
    type: str | None = None


class Disputed(View):
    """A dispute, and the payment that it is of."""

    transaction_details: Named | None = None
    transaction: Named | None = None


class Notification(View):
    """A notification, as far as it is read."""

    kind: str
    timestamp: Moment
    transaction: Named | None = None
    dispute: Disputed | None = None


def hints(
    headers: Mapping[str, str], body: bytes, now: datetime, parse: Callable[[str, str], object]
) -> tuple[Hint, ...]:
    """The hints of a webhook's body, a form with `bt_signature` and `bt_payload`. Raises WebhookRefusedError."""
    if "application/x-www-form-urlencoded" not in headers.get("content-type", ""):
        raise WebhookRefusedError(
            "content-type: must be application/x-www-form-urlencoded, as Braintree sends it"
        )
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=10)
        signature, payload = form["bt_signature"][0], form["bt_payload"][0]
    except (ValueError, KeyError):
        raise WebhookRefusedError(
            "body: must have bt_signature and bt_payload, as Braintree sends them"
        ) from None
    try:
        notification = Notification.model_validate(parse(signature, payload))
    except RefusedError:
        raise WebhookRefusedError(
            "bt_signature: is not Braintree's signature of the payload; check public_key and private_key"
        ) from None
    except (ValidationError, ExpatError, ValueError, KeyError, AttributeError):
        raise WebhookRefusedError(
            "bt_payload: is not a notification of Braintree's; send it from a webhook of Braintree"
        ) from None
    if not -MAX_AHEAD <= now - notification.timestamp <= MAX_AGE:
        raise WebhookRefusedError(
            "bt_payload: is more than 25 hours old, a replay; send it anew, or set this machine's clock"
        )
    return _of(notification, _event_id(payload))


def _of(notification: Notification, event_id: str) -> tuple[Hint, ...]:
    named = notification.transaction
    if notification.dispute is not None:
        named = notification.dispute.transaction_details or notification.dispute.transaction
        return (
            Hint(event_id, HintAbout.DISPUTE, named.order_id if named else None, named.id if named else None),
        )
    if named is None:
        # Checks of the line, pay-outs and the like.
        return ()
    about = HintAbout.REFUND if named.type == "credit" else HintAbout.PAYMENT
    return (Hint(event_id, about, named.order_id, named.id),)


def _event_id(payload: str) -> str:
    """Notifications have no id of their own: one of letters, from what was signed, the same whenever it is sent again."""
    digest = hashlib.sha256(payload.strip().encode()).digest()
    return "bt_" + "".join(ALPHABET[each % 26] for each in digest)
