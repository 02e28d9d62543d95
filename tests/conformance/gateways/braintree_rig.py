"""Braintree on its double, with the official SDK in between."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tests.conformance.gateways.double_rig import rig_on_double
from tests.conformance.gateways.rigs import Rig
from tests.till import ACCOUNT, SimulatedClock

from tonevault.cde.gateway import Made
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.testing.gateways.braintree import BraintreeWire, webhook_form
from tonevault.testing.gateways.ledger import Told

MERCHANT = "conformance"


def braintree(folder: Path) -> Rig:
    def make(url: str, clock: SimulatedClock) -> BraintreeGateway:
        access = BraintreeAccess(MERCHANT, "public", "private", {"GBP": "test-gbp"}, url)
        return BraintreeGateway(ACCOUNT, access, clock, timeout_s=30.0)

    def webhook(made: Made, clock: SimulatedClock) -> tuple[Mapping[str, str], bytes]:
        document = {
            "id": made.gateway_reference,
            "order_id": made.reference,
            "type": "sale",
            "status": "settled",
            "amount": "12.50",
            "currency_iso_code": "GBP",
        }
        told = Told(MERCHANT, "one", "transaction_settled", clock.utc().timestamp(), document)
        return {"content-type": "application/x-www-form-urlencoded"}, webhook_form(told, "public", "private")

    rig = rig_on_double(folder, BraintreeWire(), MERCHANT, make, webhook)
    rig.foreign_currency = "EUR"
    rig.webhook_life = timedelta(hours=26)
    return rig
