"""Stripe on its double, with the official SDK in between."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tests.conformance.gateways.double_rig import rig_on_double
from tests.conformance.gateways.rigs import Rig
from tests.till import SimulatedClock

from tonevault.cde.gateway import Made
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.testing.gateways.ledger import Told
from tonevault.testing.gateways.stripe import StripeWire, event_body, signature_header

SECRET_KEY = "sk_test_conformance"
WEBHOOK_SECRET = "whsec_conformance"


def stripe(folder: Path) -> Rig:
    def make(url: str, clock: SimulatedClock) -> StripeGateway:
        return StripeGateway(
            SECRET_KEY, clock, webhook_secrets=("whsec_older", WEBHOOK_SECRET), base_url=url, timeout_s=30.0
        )

    def webhook(made: Made, clock: SimulatedClock) -> tuple[Mapping[str, str], bytes]:
        at = clock.utc().timestamp()
        document = {
            "id": made.gateway_reference,
            "object": "payment_intent",
            "amount": made.money.amount_minor,
            "currency": made.money.currency.lower(),
            "metadata": {"tonevault_reference": made.reference},
        }
        body = event_body(Told(SECRET_KEY, "evt_conformance", "payment_intent.succeeded", at, document))
        return {"stripe-signature": signature_header(body, WEBHOOK_SECRET, at)}, body

    rig = rig_on_double(folder, StripeWire(), SECRET_KEY, make, webhook)
    rig.webhook_life = timedelta(seconds=301)
    return rig
