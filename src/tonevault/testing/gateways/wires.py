"""The wire formats that the double speaks, by name."""

from collections.abc import Callable
from typing import Final

from tonevault.testing.gateways.turn import Wire
from tonevault.testing.gateways.worldpay import WorldpayWire

WIRES: Final[dict[str, Callable[[], Wire]]] = {"worldpay": WorldpayWire}
"""Name to maker."""
