"""One call through the edge: two legs, one offer/answer state, one route, at most one capture. It holds state and sends nothing."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.observer import CallInfo
from tonevault.cde.edge.routes import Route
from tonevault.cde.media import Leg, LegMedia, MaskMode
from tonevault.cde.wire.sdp.offer_answer import OfferAnswer
from tonevault.cde.wire.sip.events import ClientKey, ServerKey
from tonevault.kernel.ids import CallId


class CallPhase(StrEnum):
    """Where a call stands as a whole."""

    DIALLING = "dialling"
    RINGING = "ringing"
    ANSWERED = "answered"
    UP = "up"
    OVER = "over"


CALL_PHASES: Final = {
    CallPhase.DIALLING: frozenset({CallPhase.RINGING, CallPhase.ANSWERED, CallPhase.OVER}),
    CallPhase.RINGING: frozenset({CallPhase.ANSWERED, CallPhase.OVER}),
    CallPhase.ANSWERED: frozenset({CallPhase.UP, CallPhase.OVER}),
    CallPhase.UP: frozenset({CallPhase.OVER}),
    CallPhase.OVER: frozenset(),
}
"""Every allowed step: dialled, rung, answered by the dialled side, acknowledged by the caller, over. docs/calls.md draws it."""


@dataclass(frozen=True, slots=True)
class Capture:
    """An open capture window."""

    mode: MaskMode


@dataclass(slots=True, repr=False, eq=False)
class Call:
    """The state of one call."""

    id: CallId
    route: Route
    info: CallInfo
    sdp: OfferAnswer
    legs: dict[Leg, CallLeg]
    phase: CallPhase = CallPhase.DIALLING
    capture: Capture | None = None
    capture_ended: float | None = None
    configured: dict[Leg, LegMedia] = field(default_factory=dict)
    server_keys: set[ServerKey] = field(default_factory=set)
    client_keys: set[ClientKey] = field(default_factory=set)
    is_pending: bool = False
    """It counts among the calls of its caller's address that are not up."""
    running: set[ClientKey] = field(default_factory=set)
    """Requests of ours without a final answer: the call is remembered until they have one."""

    @property
    def is_over(self) -> bool:
        """Whether the call has ended, though transactions may still run."""
        return self.phase is CallPhase.OVER

    @property
    def caller(self) -> CallLeg:
        """The leg on which the call came in."""
        return self.legs[self.route.caller_leg]

    @property
    def dialled(self) -> CallLeg:
        """The leg that the edge dialled."""
        return self.legs[self.route.caller_leg.other]

    def become(self, phase: CallPhase) -> None:
        """Take one step of CALL_PHASES; a step that is not in it is a fault of ours."""
        if phase not in CALL_PHASES[self.phase]:
            raise RuntimeError(f"call: no way from {self.phase} to {phase}")
        self.phase = phase
