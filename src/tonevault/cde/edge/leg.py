"""One side of a call as signalling sees it: its dialog, its INVITE, and what is still owed on it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tonevault.cde.media import Leg
from tonevault.cde.wire.sip.destination import peer_of
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import ClientKey, ServerKey
from tonevault.cde.wire.sip.message import Message, Request
from tonevault.cde.wire.sip.peer import Peer
from tonevault.cde.wire.sip.session_timer import SessionTimer
from tonevault.cde.wire.sip.uri import SipUri

MAX_FORKS: Final = 8
"""Early dialogs of one dialled INVITE (RFC 3261 section 13.2.2.4); further ones are heard but not remembered."""


class LegState(StrEnum):
    """Where a leg stands. EARLY: its INVITE has no final response. ANSWERED: a 2xx is out, its ACK awaited. OVER: nothing may be sent."""

    EARLY = "early"
    ANSWERED = "answered"
    UP = "up"
    OVER = "over"


LEG_STATES: Final = {
    LegState.EARLY: frozenset({LegState.ANSWERED, LegState.UP, LegState.OVER}),
    LegState.ANSWERED: frozenset({LegState.UP, LegState.OVER}),
    LegState.UP: frozenset({LegState.OVER}),
    LegState.OVER: frozenset(),
}
"""Every allowed step. The dialled leg goes from EARLY to UP, for its ACK is ours to send."""


@dataclass(slots=True, repr=False, eq=False)
class CallLeg:
    """A leg of one call. `peer` is where its signalling comes from or went to first; `contact` is our own address on it.

    The caller's leg has a `server_key` (its INVITE came in), the dialled leg a `client_key` (its INVITE went out).
    """

    leg: Leg
    peer: Peer
    contact: SipUri
    invite: Request
    local_tag: str
    keys_in_clear: bool = False
    """The route lets keys of SRTP stand in signalling that is not TLS."""
    server_key: ServerKey | None = None
    client_key: ClientKey | None = None
    state: LegState = LegState.EARLY
    dialog: Dialog | None = None
    forks: dict[str, Dialog] = field(default_factory=dict)
    allows: frozenset[str] = frozenset()
    referrals: dict[int, int] = field(default_factory=dict)
    """The CSeq that a REFER of this leg has on the other one, and the CSeq that it came with: how its NOTIFYs find back."""
    timer: SessionTimer | None = None
    refreshing: bool = False
    """A session refresh of ours has no answer yet."""
    offer_out: bool = False
    """An offer of ours is unanswered on this leg, so an incoming one is glare (RFC 3261 section 14.2)."""
    offer_in: bool = False
    """The peer's re-INVITE or UPDATE is unanswered on this leg."""
    ack_due: Request | None = None
    """An INVITE of ours whose 2xx brought an offer: its ACK waits for the answer from the other leg."""
    bye_due: Request | None = None
    """A BYE that waits for the ACK to our 2xx (RFC 3261 section 15)."""

    @property
    def is_caller(self) -> bool:
        """Whether the call came in on this leg."""
        return self.server_key is not None

    def way(self, dialog: Dialog) -> Peer | None:
        """Where a request in a dialog of this leg goes first; None for a far end whose Contact leads nowhere.

        Where its URI names no transport it is the leg's own, so that a call over TLS or TCP never goes on in datagrams.
        """
        try:
            return peer_of(dialog.next_hop, self.peer.transport)
        except SipParseError:
            return None

    def become(self, state: LegState) -> None:
        """Take one step of LEG_STATES; a step that is not in it is a fault of ours."""
        if state not in LEG_STATES[self.state]:
            raise RuntimeError(f"call leg: no way from {self.state} to {state}")
        self.state = state

    def learn(self, message: Message) -> None:
        """Take over what the peer says it can do."""
        try:
            methods = message.headers.get_list("Allow")
        except SipParseError:
            return
        if methods:
            self.allows = frozenset(methods)
