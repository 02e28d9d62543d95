"""What a call asks to be said for it if the process dies: a BYE for each leg, so that no phone is left listening to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tonevault.cde.edge.call import Call
from tonevault.cde.edge.leg import LegState
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Peer
from tonevault.kernel.ids import CallId

REASON = 'SIP;cause=503;text="The edge was restarted"'
"""RFC 3326."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """A BYE and where it goes."""

    peer: Peer
    request: Request


class Wills(Protocol):
    """Keeps wills beyond the life of the process. All calls return at once; a will that cannot be kept is no reason to lose the call."""

    def write(self, call_id: CallId, farewells: Sequence[Farewell]) -> None:
        """Keep, or replace, the will of a call that is up."""

    def burn(self, call_id: CallId) -> None:
        """The call ended by itself; harmless when there is none."""

    def open_all(self) -> list[tuple[CallId, list[Farewell]]]:
        """The wills of calls that an earlier process left behind."""


class NoWills:
    """Keeps nothing: for plays in simulated time."""

    def write(self, call_id: CallId, farewells: Sequence[Farewell]) -> None:
        """Nothing to do."""

    def burn(self, call_id: CallId) -> None:
        """Nothing to do."""

    def open_all(self) -> list[tuple[CallId, list[Farewell]]]:
        """Nothing was kept."""
        return []


def farewells_of(call: Call) -> list[Farewell]:
    """The BYEs of a call's legs that are up and can be reached."""
    found = []
    for leg in call.legs.values():
        if leg.state is not LegState.UP or leg.dialog is None:
            continue
        peer = leg.way(leg.dialog)
        if peer is not None:
            request = leg.dialog.farewell()
            request.headers.add("Reason", REASON)
            found.append(Farewell(peer, request))
    return found
