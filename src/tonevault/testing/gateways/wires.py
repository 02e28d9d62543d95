"""The wire formats that the double speaks, by name."""

from collections.abc import Callable
from typing import Final

from tonevault.testing.gateways.turn import Wire

WIRES: Final[dict[str, Callable[[], Wire]]] = {}
"""Name to maker."""
