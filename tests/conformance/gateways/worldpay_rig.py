"""The Worldpay adapter on the double of Access Worldpay."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

from tests.conformance.gateways.double_rig import rig_on_double
from tests.conformance.gateways.rigs import Rig
from tests.till import ACCOUNT, SimulatedClock

from tonevault.cde.gateway import Kind, Made
from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway
from tonevault.cde.gateways.worldpay.webhook import OLDEST
from tonevault.testing.gateways.worldpay import WorldpayWire

KEY = "shared-key-of-the-test"


def worldpay(folder: Path) -> Rig:
    def make(url: str, clock: SimulatedClock) -> WorldpayGateway:
        access = WorldpayAccess("merchant", "secret", "default", "Acme", webhook_keys=(KEY,), url=url)
        return WorldpayGateway(ACCOUNT, access, clock, timeout_s=5.0)

    rig = rig_on_double(folder, WorldpayWire(), "merchant", make, _webhook)
    rig.webhook_life = OLDEST
    return rig


def _webhook(made: Made, clock: SimulatedClock) -> tuple[Mapping[str, str], bytes]:
    payment = made.of or made
    details = {
        "classification": "payment",
        "type": "refunded" if made.kind is Kind.REFUND else "sentForSettlement",
        "transactionReference": payment.reference,
        "reference": made.reference,
    }
    event = {"eventId": "evt-one", "eventTimestamp": clock.utc().isoformat(), "eventDetails": details}
    body = json.dumps(event).encode()
    mac = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    return {"event-signature": f"key-one/SHA256/{mac}"}, body
