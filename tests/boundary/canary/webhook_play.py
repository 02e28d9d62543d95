"""Gateways that tell of payments by webhook, and should know better: a card number in every field, signed, forged, old and broken."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpx

from tests.boundary.canary.accounts import (
    BRAINTREE,
    PRIVATE_KEY,
    PUBLIC_KEY,
    STRIPE,
    STRIPE_SECRET,
    WORLDPAY,
    WORLDPAY_KEY,
)
from tests.boundary.canary.cards import BY_GATEWAY
from tests.e2e.peers.ports import LOOPBACK
from tonevault.testing.gateways.braintree import webhook_form
from tonevault.testing.gateways.ledger import Told
from tonevault.testing.gateways.stripe import event_body, signature_header

NUMBER: Final = BY_GATEWAY.number
SPACED: Final = " ".join(NUMBER[at : at + 4] for at in range(0, 16, 4))
NOBODY: Final = "att_" + "a" * 28
OLD_S: Final = 30 * 86_400
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request; `status` is the answer that it must get."""

    path: str
    status: int
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def stripe(event_id: str, document: Mapping[str, object], *, age_s: float = 0, status: int = 200) -> Webhook:
    """Signed as Stripe signs."""
    at = time.time() - age_s
    body = event_body(Told(STRIPE, event_id, "payment_intent.succeeded", at, dict(document)))
    headers = {"stripe-signature": signature_header(body, STRIPE_SECRET, at)}
    return Webhook(f"/gateways/stripe/{STRIPE}/webhook", status, body, headers)


def braintree(document: Mapping[str, object], *, age_s: float = 0, status: int = 200) -> Webhook:
    """Signed as Braintree signs."""
    told = Told(BRAINTREE, "x", "transaction_settled", time.time() - age_s, dict(document))
    return Webhook(
        f"/gateways/braintree/{BRAINTREE}/webhook", status, webhook_form(told, PUBLIC_KEY, PRIVATE_KEY), FORM
    )


def worldpay(event_id: str, details: Mapping[str, object], *, age_s: float = 0, status: int = 200) -> Webhook:
    """Signed as Worldpay signs."""
    at = datetime.fromtimestamp(time.time() - age_s, UTC).isoformat()
    body = json.dumps({"eventId": event_id, "eventTimestamp": at, "eventDetails": details}).encode()
    mac = hmac.new(WORLDPAY_KEY.encode(), body, hashlib.sha256).hexdigest()
    headers = {"event-signature": f"key-one/SHA256/{mac}"}
    return Webhook(f"/gateways/worldpay/{WORLDPAY}/webhook", status, body, headers)


def well_signed() -> Iterator[Webhook]:
    """Good ones, each with the number where it does not belong: ids, references, and fields that nobody reads."""
    card = {"number": NUMBER, "name": SPACED}
    for place, words in enumerate(("", NUMBER, SPACED, NUMBER[:12], f"ref-{NUMBER}-{NUMBER[::-1]}")):
        names = {"tonevault_reference": words or NOBODY, "tonevault_capture": words or NOBODY}
        intent = {"object": "payment_intent", "id": words or "pi_one", "metadata": names, "card": card}
        yield stripe(f"evt_{words or place}", intent)
        yield braintree({"id": words or "bt-one", "order_id": words or NOBODY, "amount": "1", "card": NUMBER})
        details = card | {
            "classification": "payment",
            "type": words or "settled",
            "transactionReference": words,
        }
        yield worldpay(words or "evt-one", details, status=400 if " " in words else 200)
    dispute = {"object": "dispute", "id": NUMBER, "payment_intent": NUMBER, "metadata": {}}
    yield stripe(f"du_{NUMBER}", dispute)


def refused() -> Iterator[Webhook]:
    """Replays, forgeries, and what no gateway sends."""
    intent: dict[str, object] = {"object": "payment_intent", "id": NUMBER, "metadata": {NUMBER: NUMBER}}
    yield stripe(NUMBER, intent, age_s=OLD_S, status=400)
    yield braintree({"id": NUMBER, "order_id": NUMBER, "amount": NUMBER}, age_s=OLD_S, status=400)
    yield worldpay(NUMBER, {"transactionReference": NUMBER}, age_s=OLD_S, status=400)
    for path in (f"/gateways/stripe/{STRIPE}/webhook", f"/gateways/worldpay/{WORLDPAY}/webhook"):
        for content in (NUMBER, f'{{"id": "{NUMBER}"', json.dumps({"card": NUMBER})):
            yield Webhook(path, 400, content.encode(), {"stripe-signature": f"t={NUMBER},v1={NUMBER}"})
            yield Webhook(path, 400, content.encode(), {"event-signature": f"{NUMBER}/SHA256/{NUMBER}"})
        yield Webhook(path, 400, content.encode(), {NUMBER: NUMBER})
    signed_nonsense = f"not an event: {NUMBER}".encode()
    at = time.time()
    yield Webhook(
        f"/gateways/stripe/{STRIPE}/webhook",
        400,
        signed_nonsense,
        {"stripe-signature": signature_header(signed_nonsense, STRIPE_SECRET, at)},
    )
    payload = base64.b64encode(NUMBER.encode()).decode()
    form = f"bt_signature={NUMBER}|{NUMBER}&bt_payload={payload}&{NUMBER}={NUMBER}"
    yield Webhook(f"/gateways/braintree/{BRAINTREE}/webhook", 400, form.encode(), FORM)
    for path in (NUMBER, f"gateways/{NUMBER}/{STRIPE}/webhook", f"gateways/stripe/{NUMBER}/webhook"):
        yield Webhook(f"/{path}?card={NUMBER}", 404, NUMBER.encode(), {"user-agent": NUMBER})


async def webhooks_arrive(port: int) -> None:
    """Send all of it to the secure zone's public address."""
    await send((*well_signed(), *refused()), port)


async def send(webhooks: Iterable[Webhook], port: int) -> None:
    """One after another; each must be answered as it says."""
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", timeout=30.0) as client:
        for one in webhooks:
            answer = await client.post(one.path, content=one.body, headers=one.headers)
            place = one.path.replace(NUMBER, "…")
            assert answer.status_code == one.status, f"{place}: {answer.status_code}"
