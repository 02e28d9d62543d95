"""What the edge tells the rest of the secure zone of its calls. It tells who and when, never what was said or sent."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from tonevault.boundary.calls import CallState
from tonevault.cde.media import Carrier, KeyReport, Leg, MaskMode
from tonevault.kernel.ids import AccountId, CallId


class EndReason(StrEnum):
    """Why a call is over. Each is a word that the boundary's `Name` takes."""

    CUSTOMER_HUNG_UP = "customer_hung_up"
    AGENT_HUNG_UP = "agent_hung_up"
    CANCELED = "canceled"
    REFUSED = "refused"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNREACHABLE = "unreachable"
    NO_COMMON_CODEC = "no_common_codec"
    LEG_LOST = "leg_lost"
    MEDIA_LOST = "media_lost"
    HUNG_UP_BY_EDGE = "hung_up_by_edge"
    SESSION_TIMED_OUT = "session_timed_out"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True)
class CallInfo:
    """A call as its observers know it. `caller` and `called` are telephone numbers as signalled (`+` and at most 15 digits), or None.

    `customer_ref` is the value of the route's customer header, one line of at most 200 characters. Times are aware and UTC. `secured` are
    the legs whose media are SRTP.
    """

    call_id: CallId
    route: str
    account: AccountId
    started_at: datetime
    caller: str | None = field(default=None, repr=False)
    called: str | None = field(default=None, repr=False)
    customer_ref: str | None = field(default=None, repr=False)
    state: CallState = CallState.RINGING
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    secured: frozenset[Leg] = frozenset()

    def answered(self, at: datetime) -> "CallInfo":
        """The call once its agent leg was answered."""
        return replace(self, state=CallState.ANSWERED, answered_at=at)

    def ended(self, at: datetime, reason: EndReason) -> "CallInfo":
        """The call once it is over."""
        return replace(self, state=CallState.ENDED, ended_at=at, end_reason=reason)


class CallObserver(Protocol):
    """Who follows the calls: the capture service. Called in the middle of handling a message: it returns at once and raises nothing."""

    def call_arrived(self, call: CallInfo) -> None:
        """A known peer called and a route was found; the other leg is being dialled."""

    def call_ringing(self, call: CallInfo) -> None:
        """The other leg rings."""

    def call_answered(self, call: CallInfo) -> None:
        """Both legs are up: captures are possible."""

    def legs_secured(self, call: CallInfo) -> None:
        """Other legs than before are secured: something was negotiated, at any time between arrival and end."""

    def call_ended(self, call: CallInfo) -> None:
        """The call is over, whatever state it was in; its media are closed. Told once for each call that arrived."""

    def key_pressed(self, report: KeyReport) -> None:
        """The customer pressed a key during a capture: one report from each carrier that brought it."""

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        """How long the key was down that an event or tone told of last; see MediaSink."""

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        """The relay changed its mask by itself, because noise took the guarantee away."""

    def peer_refused(self, reason: str) -> None:
        """A request was turned away before it became a call; `reason` is a word of ours, to be counted."""
