"""The INVITE of a call, from the first ring to the ACK: one object that hears both legs and passes each step on to the other."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.board import Board, NoWayError
from tonevault.cde.edge.call import Call, CallPhase
from tonevault.cde.edge.description import SDP_TYPE, description_in
from tonevault.cde.edge.guard import passed_headers, passed_reason
from tonevault.cde.edge.header_policy import add_all
from tonevault.cde.edge.leg import LegState
from tonevault.cde.edge.media_setup import configure_media
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.refusal import ALLOW, RefusalError, of_description
from tonevault.cde.edge.reliable_ring import ReliableRings, RingConfirmer
from tonevault.cde.edge.session_clock import POLICY, grant, granted
from tonevault.cde.edge.teardown import bye, end_call, send_bye, send_due_bye
from tonevault.cde.edge.wills import farewells_of
from tonevault.cde.wire.sdp.errors import SdpError
from tonevault.cde.wire.sip.cseq import CSeq
from tonevault.cde.wire.sip.dialog import Dialog, DialogId
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.reliable import is_reliable
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.session_timer import after_too_small, offer

NO_PASSING: Final = {401: 502, 407: 502}
"""A challenge is for us and not for the caller, who could not answer it (RFC 3261 section 22.3); the route lacks credentials."""
REDIRECTED: Final = 480
"""A redirection is not passed: the carrier would dial past the edge and with it past the mask."""

END_REASONS: Final = {
    **dict.fromkeys((486, 600), EndReason.BUSY),
    **dict.fromkeys((408, 480, 504), EndReason.NO_ANSWER),
    **dict.fromkeys((415, 488, 606), EndReason.NO_COMMON_CODEC),
    **dict.fromkeys((500, 502, 503), EndReason.UNREACHABLE),
    487: EndReason.CANCELED,
}


RING_ALARM: Final = ("ring",)


@dataclass(frozen=True, slots=True)
class RingsTooLong:
    """The dialled side has neither answered nor refused."""

    board: Board
    call: Call

    def ring(self, now: float) -> None:  # noqa: ARG002
        """Give up, as a proxy's timer C does (RFC 3261 section 16.8)."""
        end_call(self.board, self.call, EndReason.NO_ANSWER, refusal=RefusalError(408))


class DialledInvite:
    """Outcome of the INVITE that went out, and server of the one that came in. `offered` tells whether the caller made the offer."""

    def __init__(self, board: Board, call: Call, *, offered: bool) -> None:
        self._board = board
        self._call = call
        self._offered = offered
        self._answer = b""
        self._described: dict[DialogId, bytes] = {}
        """The last description of each early dialog: a phone that gave its own in a reliable ring need not repeat it (RFC 3262)."""
        self._rings = ReliableRings(call.caller.invite)
        self._confirms = RingConfirmer(board, call)
        self._final: Response | None = None
        self._has_asked_again = False

    # What the dialled leg says.

    def responded(self, response: Response, now: float) -> None:
        """Pass on a ring or an answer, or end the call with the refusal."""
        if response.is_provisional:
            self._rang(response)
        elif response.is_success:
            self._answered(response, now)
        elif response.status != 422 or not self._asked_again(response):
            self._refused(response)

    def failed(self, status: int, now: float) -> None:  # noqa: ARG002
        """Silence or no way: the caller learns it as if the dialled side had said so."""
        reason = EndReason.NO_ANSWER if status == 408 else EndReason.UNREACHABLE
        end_call(self._board, self._call, reason, refusal=RefusalError(status))

    def _asked_again(self, response: Response) -> bool:
        """The dialled side wants longer session intervals: asked once more with its own (RFC 4028 section 7.3)."""
        call, dialled = self._call, self._call.dialled
        if self._has_asked_again or call.is_over:
            return False
        self._has_asked_again = True
        again = dialled.invite.copy()
        again.headers.set("CSeq", CSeq(again.cseq.number + 1, "INVITE").text())
        try:
            offer(again, after_too_small(response, POLICY))
            dialled.client_key = self._board.send(call, again, dialled.peer, self)
        except (SipParseError, NoWayError):
            return False
        dialled.invite = again
        return True

    def _rang(self, response: Response) -> None:
        call = self._call
        if call.is_over or response.status == 100:
            return
        dialog = self._board.dialogs.fork(call, call.dialled, response)
        if is_reliable(response) and not (dialog and self._confirms.confirm(dialog, response)):
            return
        call.dialled.learn(response)
        ringing = self._response(response.status, response, self._early_answer(response, dialog))
        self._rings.mark(ringing)
        self._say(ringing)
        if call.phase is CallPhase.DIALLING and response.status in {180, 183}:
            call.become(CallPhase.RINGING)
            self._board.observer.call_ringing(call.info)

    def _early_answer(self, response: Response, dialog: Dialog | None) -> bytes:
        """The answer in a provisional response, as the caller gets it; one that does not fit is left to the final response to say."""
        if not self._offered:
            return b""
        try:
            body = description_in(response)
            if not body:
                return b""
            answer = self._call.sdp.answer(self._call.dialled.leg, body)
        except (SdpError, RefusalError):
            return b""
        if dialog is not None:
            self._described[dialog.id] = body
        configure_media(self._board, self._call)
        if self._rings.answer_is_out:
            return b""
        self._answer = answer
        return answer

    def _answered(self, response: Response, now: float) -> None:
        call, dialled = self._call, self._call.dialled
        dialog = self._board.dialogs.fork(call, dialled, response)
        if dialog is None:
            # A 2xx without a To tag makes no dialog (RFC 3261 section 12.1), so it can be neither acknowledged nor hung up.
            end_call(self._board, call, EndReason.UNREACHABLE, refusal=RefusalError(502, "Unusable Answer"))
            return
        dialog.receive_response(dialled.invite, response)
        if call.is_over or dialled.dialog is not None:
            self._hang_up_fork(dialog)
            return
        dialled.dialog = dialog
        dialled.learn(response)
        dialled.become(LegState.UP)
        self._board.dialogs.enter(call, dialled, dialog)
        dialled.ack_due = dialled.invite
        try:
            body = self._final_body(response, dialog)
        except SdpError as error:
            end_call(self._board, call, EndReason.NO_COMMON_CODEC, refusal=of_description(error))
            return
        except RefusalError:
            end_call(self._board, call, EndReason.MALFORMED, refusal=RefusalError(502, "Unusable Answer"))
            return
        final = self._response(response.status, response, body)
        grant(self._board, call, call.caller, call.caller.invite, final, now=now)
        granted(self._board, call, dialled, response, now)
        self._board.alarms.cancel(call, RING_ALARM)
        self._final = final
        self._release_final()

    def _final_body(self, response: Response, dialog: Dialog) -> bytes:
        """The body of our 2xx: the answer to the caller's offer, or the dialled side's offer when the caller made none."""
        call, leg = self._call, self._call.dialled.leg
        body = description_in(response)
        if not self._offered:
            if not body:
                raise RefusalError(502)
            return call.sdp.offer(leg, body)
        body = body or self._described.get(dialog.id, b"")
        if body:
            # Also where the caller has its answer for certain, maybe that of another phone: this is the one to hear.
            self._answer = call.sdp.answer(leg, body)
        elif not self._answer:
            raise RefusalError(502)
        call.sdp.settle()
        self._acknowledge()
        configure_media(self._board, call)
        return b"" if self._rings.answer_is_out else self._answer

    def _acknowledge(self, answer: bytes = b"") -> None:
        dialled = self._call.dialled
        if dialled.dialog is not None and dialled.ack_due is not None:
            self._board.acknowledge(dialled, dialled.dialog, dialled.ack_due, answer)
            dialled.ack_due = None

    def _hang_up_fork(self, dialog: Dialog) -> None:
        """A second phone answered, or the call was over before the answer came: acknowledged and hung up (RFC 3261 section 13.2.2.4)."""
        if dialog is self._call.dialled.dialog:
            return
        self._board.acknowledge(self._call.dialled, dialog, self._call.dialled.invite)
        send_bye(self._board, self._call, self._call.dialled, dialog, bye(dialog))

    def _refused(self, response: Response) -> None:
        call = self._call
        status = REDIRECTED if response.status < 400 else NO_PASSING.get(response.status, response.status)
        told = status == response.status
        refusal = RefusalError(
            status,
            passed_reason(call, call.dialled.leg, response) if told else "",
            tuple(passed_headers(call, call.dialled.leg, response)) if told else (),
        )
        end_call(self._board, call, END_REASONS.get(status, EndReason.REFUSED), refusal=refusal)

    # What the caller says.

    def cancelled(self, now: float) -> None:  # noqa: ARG002
        """The caller gave up; an answer that crosses the CANCEL is acknowledged and hung up."""
        end_call(self._board, self._call, EndReason.CANCELED)

    def confirmed(self, request: Request) -> bool:
        """A PRACK: whether it is to a ring of ours. A 2xx that waited for it goes out."""
        if not self._rings.confirm(request):
            return False
        self._release_final()
        return True

    def acknowledged(self, request: Request, now: float) -> None:  # noqa: ARG002
        """The caller has our 2xx: the call is up, and an answer in the ACK goes to the dialled side."""
        call, caller = self._call, self._call.caller
        if call.is_over:
            send_due_bye(self._board, call, caller)
            return
        if caller.state is not LegState.ANSWERED:
            return
        caller.become(LegState.UP)
        call.become(CallPhase.UP)
        self._board.came_up(call)
        self._board.wills.write(call.id, farewells_of(call))
        if self._offered:
            return
        try:
            answer = call.sdp.answer(caller.leg, description_in(request))
        except (SdpError, RefusalError):
            end_call(self._board, call, EndReason.NO_COMMON_CODEC)
            return
        call.sdp.settle()
        self._acknowledge(answer)
        configure_media(self._board, call)

    def unacknowledged(self, now: float) -> None:  # noqa: ARG002
        """No ACK for our 2xx in 32 s: the caller is gone (RFC 3261 section 13.3.1.4)."""
        caller = self._call.caller
        end_call(self._board, self._call, EndReason.LEG_LOST)
        send_due_bye(self._board, self._call, caller)

    def unconfirmed(self, now: float) -> None:  # noqa: ARG002
        """No PRACK for a reliable ring: RFC 3262 section 3 has the INVITE refused."""
        end_call(self._board, self._call, EndReason.LEG_LOST, refusal=RefusalError(504))

    # What we say to the caller.

    def _response(self, status: int, source: Response, body: bytes) -> Response:
        call, caller = self._call, self._call.caller
        response = make_response(
            caller.invite,
            status,
            passed_reason(call, call.dialled.leg, source),
            to_tag=caller.local_tag,
            body=body,
            content_type=SDP_TYPE if body else "",
        )
        response.headers.add("Contact", NameAddr(caller.contact).text())
        response.headers.add("Allow", ALLOW)
        add_all(response.headers, passed_headers(call, call.dialled.leg, source))
        return response

    def _say(self, response: Response) -> None:
        call, caller = self._call, self._call.caller
        if caller.dialog is None:
            caller.dialog = Dialog.as_callee(caller.invite, response)
            self._board.dialogs.enter(call, caller, caller.dialog)
        if caller.server_key is not None:
            self._board.signalling.respond(caller.server_key, response)

    def _release_final(self) -> None:
        """Say our 2xx, unless a reliable ring with a description is unconfirmed (RFC 3262 section 3)."""
        call = self._call
        if self._final is None or self._rings.holds_final or call.is_over:
            return
        final, self._final = self._final, None
        self._say(final)
        call.caller.become(LegState.ANSWERED)
        call.become(CallPhase.ANSWERED)
        call.info = call.info.answered(self._board.clock.utc())
        self._board.observer.call_answered(call.info)
