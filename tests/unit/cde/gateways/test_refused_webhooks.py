"""Every gateway's webhooks that are not to be believed are refused by field and rule, with the way out, and nothing of them is repeated."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from tests.till import ACCOUNT

from tonevault.cde.gateway import Gateway, WebhookRefusedError
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway
from tonevault.plumbing.clock import WallClock
from tonevault.testing.gateways.braintree import webhook_form
from tonevault.testing.gateways.ledger import Told
from tonevault.testing.gateways.stripe import event_body, signature_header

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
CARD = "4242424242424242"
SECRET, KEY = "whsec_test", "shared-key"
HTTP_URL = "http://127.0.0.1:9"
FORM = {"content-type": "application/x-www-form-urlencoded"}
NAMED = re.compile(r"(?P<field>[a-zA-Z][a-zA-Z_-]*): .{20,}")


@dataclass(frozen=True)
class Webhook:
    """One that must be refused for what `blamed` holds."""

    name: str
    gateway: str
    blamed: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def stripe_signed(body: bytes, at: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    return {"stripe-signature": signature_header(body, secret, at.timestamp())}


def worldpay_signed(body: bytes, key: str = KEY) -> dict[str, str]:
    mac = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return {"event-signature": f"key-one/SHA256/{mac}"}


def worldpay_body(at: object, event_id: object = "evt-one") -> bytes:
    details = {"transactionReference": CARD, "type": "settled"}
    return json.dumps({"eventId": event_id, "eventTimestamp": at, "eventDetails": details}).encode()


def braintree_signed(payload: bytes) -> bytes:
    key = hashlib.sha1(b"private").digest()  # noqa: S324 - Braintree's choice
    encoded = base64.encodebytes(payload)
    mac = hmac.new(key, encoded, hashlib.sha1).hexdigest()
    return (
        f"bt_signature=public%7C{mac}&bt_payload=".encode() + encoded.strip().replace(b"+", b"%2B") + b"%0A"
    )


def refused() -> Iterator[Webhook]:
    event = event_body(Told("m", CARD, "charge.succeeded", NOW.timestamp(), {"id": CARD, "object": "charge"}))
    yield Webhook("no signature", "stripe", "stripe-signature", event)
    yield Webhook("nonsense for a signature", "stripe", "stripe-signature", event, {"stripe-signature": CARD})
    yield Webhook(
        "another secret", "stripe", "stripe-signature", event, stripe_signed(event, secret="whsec_other")
    )
    yield Webhook("another body", "stripe", "stripe-signature", event + b" ", stripe_signed(event))
    yield Webhook("a replay", "stripe", "stripe-signature", event, stripe_signed(event, LONG_AGO))
    for name, body in (("no JSON", CARD.encode()), ("no event", json.dumps({"card": CARD}).encode())):
        yield Webhook(name, "stripe", "body", body, stripe_signed(body))
    good = {"id": CARD, "order_id": CARD, "amount": "1"}
    form = webhook_form(
        Told("m", "x", "transaction_settled", NOW.timestamp(), dict(good)), "public", "private"
    )
    yield Webhook("no form", "braintree", "content-type", form)
    yield Webhook("half a form", "braintree", "body", b"bt_payload=" + CARD.encode(), FORM)
    yield Webhook("no text", "braintree", "body", b"\xff\xfe", FORM)
    forged = form.replace(b"public%7C", b"public%7C0")
    yield Webhook("another signature", "braintree", "bt_signature", forged, FORM)
    old = webhook_form(
        Told("m", "x", "transaction_settled", LONG_AGO.timestamp(), dict(good)), "public", "private"
    )
    yield Webhook("a replay", "braintree", "bt_payload", old, FORM)
    yield Webhook("no XML", "braintree", "bt_payload", braintree_signed(CARD.encode()), FORM)
    body = worldpay_body(NOW.isoformat())
    yield Webhook("no signature", "worldpay", "event-signature", body)
    yield Webhook("nonsense for a signature", "worldpay", "event-signature", body, {"event-signature": CARD})
    yield Webhook("another key", "worldpay", "event-signature", body, worldpay_signed(body, "other"))
    for name, blamed, wrong in (
        ("no JSON", "body", CARD.encode()),
        ("no time", "body", worldpay_body(CARD)),
        ("a replay", "eventTimestamp", worldpay_body(LONG_AGO.isoformat())),
        ("no id", "eventId", worldpay_body(NOW.isoformat(), None)),
    ):
        yield Webhook(name, "worldpay", blamed, wrong, worldpay_signed(wrong))


def opened(name: str) -> Gateway:
    match name:
        case "stripe":
            return StripeGateway("sk_test_x", WallClock(), webhook_secrets=(SECRET,), base_url=HTTP_URL)
        case "braintree":
            access = BraintreeAccess("m", "public", "private", {"GBP": "m-gbp"}, HTTP_URL)
            return BraintreeGateway(ACCOUNT, access, WallClock())
        case _:
            keys = WorldpayAccess("m", "secret", "default", "Acme", webhook_keys=(KEY,), url=HTTP_URL)
            return WorldpayGateway(ACCOUNT, keys, WallClock())


@pytest.mark.parametrize("webhook", list(refused()), ids=lambda each: f"{each.gateway}: {each.name}")
def test_it_is_refused(webhook: Webhook) -> None:
    with pytest.raises(WebhookRefusedError) as raised:
        opened(webhook.gateway).heard(webhook.headers, webhook.body, NOW)
    named = NAMED.fullmatch(raised.value.reason)
    assert named is not None, raised.value.reason
    assert named["field"] == webhook.blamed
    assert CARD not in raised.value.reason
    assert raised.value.__cause__ is None
