"""The wire formats that the double speaks, by name."""

from collections.abc import Callable
from typing import Final

from tonevault.testing.gateways.braintree import BraintreeWire
from tonevault.testing.gateways.generic import GenericWire
from tonevault.testing.gateways.stripe import StripeWire
from tonevault.testing.gateways.turn import Wire
from tonevault.testing.gateways.worldpay import WorldpayWire

WIRES: Final[dict[str, Callable[[], Wire]]] = {
    "stripe": StripeWire,
    "braintree": BraintreeWire,
    "generic": GenericWire,
    "worldpay": WorldpayWire,
}
"""Name to maker."""
