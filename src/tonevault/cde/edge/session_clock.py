"""Session timers on each leg by itself (RFC 4028): a far end that died without a word is noticed, and the call ends on both sides.

The edge refreshes even a leg whose far end knows no session timers (section 7.2 allows it): silence is then an answer too.
"""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.board import Board, NoWayError
from tonevault.cde.edge.call import Call, CallPhase
from tonevault.cde.edge.description import SDP_TYPE, description_in
from tonevault.cde.edge.leg import CallLeg, LegState
from tonevault.cde.edge.media_setup import configure_media
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.passed_request import DEAD
from tonevault.cde.edge.refusal import ALLOW, RefusalError
from tonevault.cde.edge.teardown import end_call
from tonevault.cde.wire.sdp.errors import SdpError
from tonevault.cde.wire.sip.errors import SipError, SipParseError
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.session_timer import (
    LEAST_INTERVAL_S,
    IntervalTooSmall,
    Refresher,
    SessionTimer,
    SessionTimerPolicy,
    offer,
    session_expires_of,
    settle_as_client,
    settle_as_server,
)

POLICY: Final = SessionTimerPolicy()
"""Half an hour, refreshed every quarter: what RFC 4028 section 4 recommends, and what trunks expect."""
TRY_AGAIN_S: Final = 4.0
"""A refresh that meets another offer waits for it; RFC 3261 section 14.1 has the owner of a Call-ID wait up to 4 s after glare."""


def check_interval(request: Request) -> None:
    """Raises RefusalError 422 for a session interval that nobody may ask for (RFC 4028 section 6)."""
    wanted = session_expires_of(request)
    if wanted is not None and wanted.interval_s < LEAST_INTERVAL_S:
        raise RefusalError(422, headers=(("Min-SE", str(LEAST_INTERVAL_S)),))


def ask_for_timer(request: Request, leg: CallLeg | None = None) -> None:
    """Put our wish into an INVITE or UPDATE; within a session the roles stay as they are (section 7.4)."""
    timer = leg.timer if leg else None
    roles = None if timer is None else Refresher.UAC if timer.we_refresh else Refresher.UAS
    offer(request, POLICY, roles)


def granted(board: Board, call: Call, leg: CallLeg, response: Response, now: float) -> None:
    """A 2xx to our INVITE or UPDATE on this leg: run the timer it sets, or our own where the far end knows none."""
    try:
        timer = settle_as_client(response, now)
    except SipParseError:
        timer = None
    run(board, call, leg, timer or SessionTimer(POLICY.interval_s, we_refresh=True, started=now))


def grant(
    board: Board, call: Call, leg: CallLeg, request: Request, response: Response, *, now: float
) -> None:
    """Settle the timer in our 2xx to this leg's INVITE or UPDATE, and run it."""
    try:
        timer = settle_as_server(request, response, POLICY, now)
    except SipParseError:
        return
    if not isinstance(timer, IntervalTooSmall):
        run(board, call, leg, timer)


def run(board: Board, call: Call, leg: CallLeg, timer: SessionTimer) -> None:
    """Start or restart a leg's timer."""
    if call.is_over:
        return
    leg.timer = timer
    board.alarms.set(call, ("session", leg.leg), _SessionAlarm(board, call, leg), _next(timer))


def _next(timer: SessionTimer) -> float:
    return timer.expires_at if timer.refresh_at is None else timer.refresh_at


@dataclass(frozen=True, slots=True)
class _SessionAlarm:
    """Half the interval is over and the refresh is ours, or the whole is and the far end did not refresh."""

    board: Board
    call: Call
    leg: CallLeg

    def ring(self, now: float) -> None:
        """Refresh, or end the call."""
        timer = self.leg.timer
        if self.call.is_over or timer is None:
            return
        if now >= timer.expires_at:
            end_call(self.board, self.call, EndReason.SESSION_TIMED_OUT)
            return
        if timer.we_refresh:
            self.board.alarms.set(
                self.call, ("session", self.leg.leg), self, min(now + TRY_AGAIN_S, timer.expires_at)
            )
            _refresh(self.board, self.call, self.leg)


def _refresh(board: Board, call: Call, leg: CallLeg) -> None:
    """UPDATE where the far end takes it, for it carries no offer; else a re-INVITE that repeats what was said last."""
    if leg.refreshing or leg.dialog is None or leg.state is not LegState.UP or call.phase is not CallPhase.UP:
        return
    updates = "UPDATE" in leg.allows
    body = None if updates else call.sdp.restate(leg.leg)
    if not updates and (leg.offer_in or leg.offer_out or body is None):
        return
    try:
        request = leg.dialog.request("UPDATE" if updates else "INVITE", contact=leg.contact)
        if body:
            request.body = body
            request.headers.add("Content-Type", SDP_TYPE)
            request.headers.add("Allow", ALLOW)
        ask_for_timer(request, leg)
        board.send_in_dialog(call, leg, request, _Refreshed(board, call, leg, request))
    except (SipError, NoWayError):
        end_call(board, call, EndReason.LEG_LOST)
        return
    leg.refreshing = True
    leg.offer_out = leg.offer_out or body is not None


class _Refreshed:
    """Waits for the answer to a refresh."""

    def __init__(self, board: Board, call: Call, leg: CallLeg, sent: Request) -> None:
        self._board = board
        self._call = call
        self._leg = leg
        self._sent = sent

    def responded(self, response: Response, now: float) -> None:
        """Any answer but 408 and 481 shows that the far end lives; after 491 the alarm tries again."""
        if response.is_provisional:
            return
        self._close()
        board, call, leg = self._board, self._call, self._leg
        if leg.dialog is not None:
            leg.dialog.receive_response(self._sent, response)
        if response.is_success:
            if self._sent.method == "INVITE" and leg.dialog is not None:
                board.acknowledge(leg, leg.dialog, self._sent)
                self._take_answer(response)
            granted(board, call, leg, response, now)
        elif response.status in DEAD:
            end_call(board, call, EndReason.LEG_LOST, by=leg)
        elif response.status != 491 and leg.timer is not None:
            run(board, call, leg, leg.timer.restarted(now))

    def failed(self, status: int, now: float) -> None:  # noqa: ARG002 - silence and no way mean the same here
        """The far end is gone."""
        self._close()
        end_call(self._board, self._call, EndReason.LEG_LOST)

    def _close(self) -> None:
        self._leg.refreshing = False
        if self._sent.method == "INVITE":
            self._leg.offer_out = False

    def _take_answer(self, response: Response) -> None:
        """A far end may move its media when asked anew; an answer that fits no longer leaves everything as it was."""
        try:
            body = description_in(response)
            if body:
                self._call.sdp.refreshed(self._leg.leg, body)
        except (SdpError, RefusalError):
            return
        configure_media(self._board, self._call)
