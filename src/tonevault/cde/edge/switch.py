"""The back-to-back user agent: takes the core's events, finds whose they are, and hands them to the handler of that concern."""

from typing import assert_never

from tonevault.cde.edge.arrival import invite_arrived
from tonevault.cde.edge.board import Board
from tonevault.cde.edge.call import Call, CallPhase, Capture
from tonevault.cde.edge.errors import CallNotLiveError
from tonevault.cde.edge.in_dialog import request_in_dialog
from tonevault.cde.edge.observer import CallInfo, CallObserver, EndReason
from tonevault.cde.edge.outside import request_outside
from tonevault.cde.edge.refusal import RefusalError
from tonevault.cde.edge.routes import RouteTable
from tonevault.cde.edge.signalling import Signalling
from tonevault.cde.edge.teardown import end_call
from tonevault.cde.edge.wills import NoWills, Wills
from tonevault.cde.media import Carrier, KeyReport, MaskMode, MediaPlane
from tonevault.cde.wire.sip.dialog import dialog_id_of_request
from tonevault.cde.wire.sip.events import (
    AckReceived,
    AckTimedOut,
    CancelReceived,
    ClientKey,
    PrackTimedOut,
    RequestReceived,
    ResponseReceived,
    SipEvent,
    TransactionTimedOut,
    TransportFailed,
)
from tonevault.cde.wire.sip.peer import Peer
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CallId, Entropy


class Switch:
    """All calls of one edge. It has no socket and no clock of its own: events come with their time, and sending goes by the ports."""

    def __init__(
        self,
        *,
        signalling: Signalling,
        media: MediaPlane,
        routes: RouteTable,
        observer: CallObserver,
        clock: Clock,
        entropy: Entropy,
        wills: Wills | None = None,
    ) -> None:
        """`wills` keeps what is to be said for calls that a crash of this process would orphan; left out, nothing is."""
        self._board = Board(
            signalling=signalling,
            media=media,
            routes=routes,
            observer=observer,
            clock=clock,
            entropy=entropy,
            wills=wills or NoWills(),
        )

    def admits(self, peer: Peer) -> bool:
        """Whether anything of this peer is read at all: it may call, a route leads to it, or it is the far end of a live dialog."""
        return self._board.routes.knows(peer) or self._board.dialogs.is_far_end(peer.host)

    def calls(self) -> list[CallInfo]:
        """All calls that have not ended, in the order of their arrival."""
        return [call.info for call in self._board.calls.values() if not call.is_over]

    def refuse_new_calls(self) -> None:
        """From now on every new call is answered 503; those that are up go on."""
        self._board.refuses_calls = True

    @property
    def has_unfinished(self) -> bool:
        """Whether any call is up, or over with an answer outstanding."""
        return bool(self._board.calls)

    def next_alarm(self) -> float | None:
        """When `ring_alarms` is next wanted (seconds, monotonic); None when nothing is waited for."""
        return self._board.alarms.next()

    def ring_alarms(self, now: float) -> None:
        """Do what is due: give up a ring, refresh a session, end a lost call."""
        self._board.alarms.ring_due(now)

    def handle(self, event: SipEvent, now: float) -> None:
        """Take one event of the SIP core."""
        match event:
            case RequestReceived():
                self._request(event, now)
            case ResponseReceived():
                self._response(event, now)
            case CancelReceived() | AckReceived() | AckTimedOut() | PrackTimedOut():
                self._invite_server(event, now)
            case TransactionTimedOut():
                self._failed(event.key, 408, now)
            case TransportFailed():
                # A response that found no way back is not reported further: silence on that leg follows, and ends it.
                if isinstance(event.key, ClientKey):
                    self._failed(event.key, 503, now)
            case _:
                assert_never(event)

    # The capture side.

    def start_capture(self, call_id: CallId, mode: MaskMode) -> None:
        """Open the capture window of an answered call; one that is open stays open, in this mode. Raises CallNotLiveError."""
        call = self._answered(call_id)
        if call.capture is None:
            # The mask first: from here on no key passes, whichever carrier brings it.
            self._board.media.start_capture(call_id, mode)
        elif call.capture.mode is not mode:
            self._board.media.set_mask(call_id, mode)
        call.capture = Capture(mode)

    def stop_capture(self, call_id: CallId, now: float) -> None:
        """Close the capture window; nothing happens when it is closed or the call is over."""
        call = self._board.calls.get(call_id)
        if call is None or call.capture is None:
            return
        call.capture = None
        call.capture_ended = now
        self._board.media.stop_capture(call_id)

    def set_mask(self, call_id: CallId, mode: MaskMode) -> None:
        """Change how the customer is heard in an open capture window; nothing happens without one. Raises CallNotLiveError."""
        call = self._answered(call_id)
        if call.capture is not None:
            call.capture = Capture(mode)
            self._board.media.set_mask(call_id, mode)

    def hang_up(self, call_id: CallId, reason: EndReason = EndReason.HUNG_UP_BY_EDGE) -> None:
        """End a call from inside; nothing happens when it is over. A caller who still hears it ring is answered 503."""
        call = self._board.calls.get(call_id)
        if call is not None:
            end_call(self._board, call, reason, refusal=RefusalError(503))

    def _answered(self, call_id: CallId) -> Call:
        call = self._board.calls.get(call_id)
        if call is None or call.phase not in {CallPhase.ANSWERED, CallPhase.UP}:
            raise CallNotLiveError
        return call

    # The relays' side (MediaSink).

    def key_pressed(self, report: KeyReport) -> None:
        """A relay caught a key: told on as it is."""
        self._board.observer.key_pressed(report)

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        """A relay knows how long a key was down: told on as it is."""
        self._board.observer.key_held(call_id, carrier, until)

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        """A relay went over to another mask by itself."""
        call = self._board.calls.get(call_id)
        if call is not None and call.capture is not None:
            call.capture = Capture(mode)
        self._board.observer.mask_changed(call_id, mode)

    def media_lost(self, call_id: CallId) -> None:
        """The relay of a call died: both sides would sit in silence, so the call ends."""
        self.hang_up(call_id, EndReason.MEDIA_LOST)

    # The core's side.

    def _request(self, event: RequestReceived, now: float) -> None:
        request = event.request
        if request.to.tag is not None:
            request_in_dialog(
                self._board, event, self._board.dialogs.find(dialog_id_of_request(request)), now
            )
        elif request.method == "INVITE":
            invite_arrived(self._board, event.key, request, event.peer, now)
        else:
            request_outside(self._board, event.key, request)

    def _invite_server(
        self, event: CancelReceived | AckReceived | AckTimedOut | PrackTimedOut, now: float
    ) -> None:
        server = self._board.server_of(event.key)
        if server is None:
            return
        match event:
            case CancelReceived():
                server.cancelled(now)
            case AckReceived():
                server.acknowledged(event.request, now)
            case AckTimedOut() if 200 <= event.status < 300:
                server.unacknowledged(now)
            case AckTimedOut():
                # A refusal without an ACK has told its peer nothing more that could matter.
                pass
            case PrackTimedOut():
                server.unconfirmed(now)

    def _response(self, event: ResponseReceived, now: float) -> None:
        found = self._board.waiting(event.key)
        if found is None:
            return
        call, outcome = found
        if event.response.is_final:
            self._board.settled(call, event.key)
        outcome.responded(event.response, now)
        self._board.forget_if_done(call)

    def _failed(self, key: ClientKey, status: int, now: float) -> None:
        found = self._board.waiting(key)
        if found is None:
            return
        call, outcome = found
        self._board.settled(call, key)
        outcome.failed(status, now)
        self._board.forget_if_done(call)
