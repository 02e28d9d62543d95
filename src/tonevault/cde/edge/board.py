"""The switchboard: what all handlers of the edge share. It finds who waits for a message and sends for a call; it decides nothing."""

from collections import Counter
from typing import Final, Protocol

from tonevault.cde.edge.alarms import Alarms
from tonevault.cde.edge.call import Call
from tonevault.cde.edge.description import SDP_TYPE
from tonevault.cde.edge.dialog_table import DialogTable
from tonevault.cde.edge.key_secrecy import would_show_keys
from tonevault.cde.edge.leg import CallLeg, LegState
from tonevault.cde.edge.observer import CallObserver
from tonevault.cde.edge.routes import RouteTable
from tonevault.cde.edge.signalling import Signalling, SignallingError
from tonevault.cde.edge.wills import Wills
from tonevault.cde.media import MediaPlane
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.errors import SipError
from tonevault.cde.wire.sip.events import ClientKey, ServerKey
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parameters import NO_PARAMETERS, Parameters
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CallId, Entropy

CONTACT_USER: Final = "edge"
"""The user part of our Contact: the same for all calls, as the dialog tells them apart."""


class Outcome(Protocol):
    """Who waits for the answer to a request of ours."""

    def responded(self, response: Response, now: float) -> None:
        """A provisional or final response came."""

    def failed(self, status: int, now: float) -> None:
        """No final response will come: 408 for silence, 503 for a peer that cannot be reached (RFC 3261 section 8.1.3.1)."""


class InviteServer(Protocol):
    """Who answers an INVITE that we received, and waits for what follows the answer."""

    def cancelled(self, now: float) -> None:
        """The peer cancelled it before its final answer."""

    def acknowledged(self, request: Request, now: float) -> None:
        """The ACK to our 2xx; its body may answer an offer."""

    def unacknowledged(self, now: float) -> None:
        """No ACK came for our 2xx."""

    def confirmed(self, request: Request) -> bool:
        """A PRACK on the INVITE's leg: whether it confirms a reliable provisional response of ours."""

    def unconfirmed(self, now: float) -> None:
        """No PRACK came for a reliable provisional response of ours."""


class NoWayError(Exception):
    """A request has no peer to go to, or the core refuses it. `status` is what to answer whoever asked for it."""

    def __init__(self, status: int) -> None:
        super().__init__("the request could not be sent")
        self.status = status


def _source_of(call: Call) -> tuple[str, str]:
    return call.route.name, call.caller.peer.host


class Board:
    """Calls by id, dialogs by their names, and who waits for which transaction."""

    def __init__(
        self,
        *,
        signalling: Signalling,
        media: MediaPlane,
        routes: RouteTable,
        observer: CallObserver,
        clock: Clock,
        entropy: Entropy,
        wills: Wills,
    ) -> None:
        self.wills = wills
        self.signalling = signalling
        self.media = media
        self.routes = routes
        self.observer = observer
        self.clock = clock
        self.entropy = entropy
        self.refuses_calls = False
        self.calls: dict[CallId, Call] = {}
        self.dialogs = DialogTable()
        self.alarms = Alarms()
        self._live: dict[str, int] = {}
        self._pending: Counter[tuple[str, str]] = Counter()
        self._invites: dict[ServerKey, tuple[Call, InviteServer]] = {}
        self._outcomes: dict[ClientKey, tuple[Call, Outcome]] = {}

    # Calls.

    def admit(self, call: Call) -> None:
        """Take a call in."""
        self.calls[call.id] = call
        self._live[call.route.name] = self.live_calls(call.route.name) + 1
        call.is_pending = True
        self._pending[_source_of(call)] += 1

    def came_up(self, call: Call) -> None:
        """The caller has shown that it is there and means it: its ACK came."""
        if call.is_pending:
            call.is_pending = False
            source = _source_of(call)
            self._pending[source] -= 1
            if not self._pending[source]:
                del self._pending[source]

    def release(self, call: Call) -> None:
        """A call is over: it no longer counts against its route, though its last transactions run on."""
        self._live[call.route.name] -= 1
        self.came_up(call)

    def pending_calls(self, route: str, host: str) -> int:
        """How many calls of a route one address has begun that are not up."""
        return self._pending[route, host]

    def live_calls(self, route: str) -> int:
        """How many calls of a route are up or on their way."""
        return self._live.get(route, 0)

    def forget_if_done(self, call: Call) -> None:
        """Drop a call that is over and has nothing left to hear."""
        if not call.is_over or call.running or any(leg.bye_due for leg in call.legs.values()):
            return
        if self.calls.pop(call.id, None) is None:
            return
        self.dialogs.forget(call)
        for key in call.server_keys:
            self._invites.pop(key, None)
        for client in call.client_keys:
            self._outcomes.pop(client, None)

    # Incoming INVITEs.

    def serve(self, call: Call, key: ServerKey, server: InviteServer) -> None:
        """Remember who answers an INVITE, until the call is forgotten."""
        self._invites[key] = (call, server)
        call.server_keys.add(key)

    def server_of(self, key: ServerKey) -> InviteServer | None:
        """Who answers the INVITE that a CANCEL, an ACK or a time-out is about."""
        found = self._invites.get(key)
        return found[1] if found else None

    # Requests of ours.

    def send(self, call: Call, request: Request, peer: Peer, outcome: Outcome) -> ClientKey:
        """Send a request for a call and remember who waits. Raises NoWayError, also for keys that would go in clear."""
        if request.content_type == SDP_TYPE and would_show_keys(
            peer, request.body, in_clear=call.route.srtp_over_plain_sip
        ):
            raise NoWayError(503)
        try:
            key = self.signalling.send_request(request, peer)
        except (SipError, SignallingError):
            raise NoWayError(503) from None
        self._outcomes[key] = (call, outcome)
        call.client_keys.add(key)
        call.running.add(key)
        return key

    def send_in_dialog(self, call: Call, leg: CallLeg, request: Request, outcome: Outcome) -> ClientKey:
        """Send a request that the leg's dialog made. Raises NoWayError."""
        if leg.dialog is None or leg.state is LegState.OVER:
            raise NoWayError(481)
        peer = leg.way(leg.dialog)
        if peer is None:
            raise NoWayError(503)
        return self.send(call, request, peer, outcome)

    def acknowledge(self, leg: CallLeg, dialog: Dialog, invite: Request, answer: bytes = b"") -> None:
        """ACK the 2xx to an INVITE of ours. A far end whose Contact leads nowhere, or out of TLS with a key in the answer, gets none,
        and gives up by itself."""
        peer = leg.way(dialog)
        if peer is None or would_show_keys(peer, answer, in_clear=leg.keys_in_clear):
            return
        try:
            self.signalling.send_ack(dialog.ack(invite, body=answer, content_type=SDP_TYPE), peer)
        except (SipError, SignallingError):
            return

    def waiting(self, key: ClientKey) -> tuple[Call, Outcome] | None:
        """Who waits for a request of ours."""
        return self._outcomes.get(key)

    def send_quietly(self, call: Call, request: Request, peer: Peer | None, outcome: Outcome) -> None:
        """Send a request whose failure changes nothing, such as a BYE."""
        if peer is None:
            return
        try:
            self.send(call, request, peer, outcome)
        except NoWayError:
            return

    def settled(self, call: Call, key: ClientKey) -> None:
        """A request has had its final answer. An INVITE stays known with its call, as another phone may answer it too."""
        call.running.discard(key)
        if key.method != "INVITE":
            self._outcomes.pop(key, None)
            call.client_keys.discard(key)

    # Addresses of ours.

    def contact_for(self, peer: Peer) -> SipUri:
        """Our Contact as this peer reaches us."""
        address = self.signalling.local_address(peer)
        parameters = (
            NO_PARAMETERS
            if peer.transport is Transport.UDP
            else Parameters((("transport", peer.transport.value.lower()),))
        )
        return SipUri(user=CONTACT_USER, host=address.host, port=address.port, parameters=parameters)


def other(call: Call, leg: CallLeg) -> CallLeg:
    """The opposite side of a leg."""
    return call.legs[leg.leg.other]
