"""Gateways that speak real wire formats on loopback, remember what they did, and misbehave on demand. Moves no money.

`GatewayDouble` serves one wire format (`WIRES` names them) with a `Ledger` of its own, so that a test of an adapter, with
the official SDK in between, can count what really moved. `Behaviour` says what happens to a request: lost on the way,
answered late or never, declined with any code, checked against AVS and CVV, invisible to look-ups for a while. It is
chosen by test card and amount (the same tables as the embedded simulator's), by script, or by seeded `Weather`.
Run apart from a test with `python -m tonevault.testing.gateways stripe --ledger FILE --port PORT`.
"""

from tonevault.testing.gateways.behaviour import Behaviour, Fault, Step
from tonevault.testing.gateways.ledger import Entry, Ledger, Movement
from tonevault.testing.gateways.server import GatewayDouble
from tonevault.testing.gateways.weather import Weather
from tonevault.testing.gateways.wires import WIRES

__all__ = [
    "WIRES",
    "Behaviour",
    "Entry",
    "Fault",
    "GatewayDouble",
    "Ledger",
    "Movement",
    "Step",
    "Weather",
]
