"""A new offer within a call: re-INVITE and UPDATE (hold, resume, other codecs), passed to the other leg and its answer back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.board import Board, NoWayError, other
from tonevault.cde.edge.call import Call, CallPhase
from tonevault.cde.edge.description import SDP_TYPE, description_in
from tonevault.cde.edge.guard import passed_headers, passed_reason
from tonevault.cde.edge.header_policy import add_all
from tonevault.cde.edge.key_secrecy import follow_transport
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.media_setup import configure_media
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.passed_request import BETWEEN_US, DEAD, far_request
from tonevault.cde.edge.refusal import ALLOW, RefusalError, of_description, refuse
from tonevault.cde.edge.session_clock import ask_for_timer, check_interval, grant, granted
from tonevault.cde.edge.teardown import CANCELLED, end_call
from tonevault.cde.wire.sdp.errors import SdpError
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import ClientKey, RequestReceived
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.response import make_response

TOO_SOON = RefusalError(500, "Offer In Progress", (("Retry-After", "2"),))
"""RFC 3261 section 14.2: a second offer of one side before its first has its answer."""
GLARE = RefusalError(491)
"""RFC 3261 section 14.2: both sides offer at once; each tries again after a time of its own choice (section 14.1)."""


def offer_arrived(board: Board, event: RequestReceived, call: Call, leg: CallLeg, now: float) -> None:
    """Pass a re-INVITE or UPDATE on, answer it here where it offers nothing, or refuse it where offers would cross."""
    request = event.request
    leg.learn(request)
    try:
        check_interval(request)
        body = description_in(request)
        if request.method == "UPDATE" and not body:
            _answer(board, event, call, leg, now)
            return
        _check_turn(call, leg)
        follow_transport(call, leg, event.peer)
        PassedOffer(board, call, leg, event).pass_on(body, now)
    except SipParseError as fault:
        refuse(board.signalling, event.key, request, RefusalError(fault.status))
    except RefusalError as refusal:
        refuse(board.signalling, event.key, request, refusal)


def _check_turn(call: Call, leg: CallLeg) -> None:
    far = other(call, leg)
    if leg.offer_in:
        raise TOO_SOON
    # The far leg may be asked by us at this moment whether it lives.
    if (
        leg.offer_out
        or far.offer_in
        or far.offer_out
        or call.phase is not CallPhase.UP
        or call.sdp.offerer is not None
    ):
        raise GLARE


def _answer(
    board: Board,
    event: RequestReceived,
    call: Call,
    leg: CallLeg,
    now: float,
    *,
    body: bytes = b"",
    passed: Sequence[tuple[str, str]] = (),
) -> None:
    response = make_response(event.request, 200, body=body, content_type=SDP_TYPE if body else "")
    response.headers.add("Contact", NameAddr(leg.contact).text())
    response.headers.add("Allow", ALLOW)
    add_all(response.headers, passed)
    grant(board, call, leg, event.request, response, now=now)
    board.signalling.respond(event.key, response)


OFFER_ALARM: Final = ("offer",)
OFFER_LIMIT_S: Final = 32.0
"""64*T1: a far end that said Trying to a re-INVITE and then nothing is as dead as one that said nothing (RFC 3261 timer B)."""


class PassedOffer:
    """One offer on its way through the edge: hears the far leg's answer, and the ACK or CANCEL of the leg that offered."""

    def __init__(self, board: Board, call: Call, source: CallLeg, event: RequestReceived) -> None:
        self._board = board
        self._call = call
        self._source = source
        self._far = other(call, source)
        self._event = event
        self._sent: Request | None = None
        self._key: ClientKey | None = None
        self._offered = False

    def pass_on(self, body: bytes, now: float) -> None:
        """Send the offer to the far leg; without one (RFC 3261 section 14.1) the far leg will offer. Raises RefusalError."""
        call, request = self._call, self._event.request
        method = request.method
        if method == "UPDATE" and "UPDATE" not in self._far.allows:
            method = "INVITE"
        sent = far_request(call, self._source, request, method)
        sent.headers.add("Allow", ALLOW)
        ask_for_timer(sent, self._far)
        self._offered = bool(body)
        if self._far.dialog is not None:
            follow_transport(call, self._far, self._far.way(self._far.dialog))
        try:
            if body:
                sent.body = call.sdp.offer(self._source.leg, body)
                sent.headers.add("Content-Type", SDP_TYPE)
            self._key = self._board.send_in_dialog(call, self._far, sent, self)
        except SdpError as error:
            raise of_description(error) from None
        except NoWayError as error:
            call.sdp.withdraw()
            raise RefusalError(error.status) from None
        self._sent = sent
        self._source.offer_in = self._far.offer_out = True
        self._board.alarms.set(call, OFFER_ALARM, _OfferUnanswered(self), now + OFFER_LIMIT_S)
        if request.method == "INVITE":
            self._board.serve(call, self._event.key, self)

    # What the far leg says.

    def responded(self, response: Response, now: float) -> None:
        """Pass the answer back."""
        if response.is_provisional or self._sent is None:
            return
        self._board.alarms.cancel(self._call, OFFER_ALARM)
        far = self._far
        if far.dialog is not None:
            far.dialog.receive_response(self._sent, response)
            self._board.dialogs.enter(self._call, far, far.dialog)
        far.learn(response)
        if not response.is_success:
            self._refused(response)
        elif self._call.is_over:
            self._acknowledge()
            self._refuse(CANCELLED)
        else:
            granted(self._board, self._call, far, response, now)
            self._answered(response, now)

    def failed(self, status: int, now: float) -> None:  # noqa: ARG002
        """The far leg is silent or out of reach: it is lost, and with it the call."""
        self._close()
        self._refuse(RefusalError(status))
        end_call(self._board, self._call, EndReason.LEG_LOST)

    def _refused(self, response: Response) -> None:
        self._close()
        status = BETWEEN_US.get(response.status, response.status)
        told = status == response.status and status >= 400
        self._refuse(
            RefusalError(
                status if status >= 400 else 488,
                passed_reason(self._call, self._far.leg, response) if told else "",
                tuple(passed_headers(self._call, self._far.leg, response)) if told else (),
            )
        )
        if status in DEAD:
            end_call(self._board, self._call, EndReason.LEG_LOST, by=self._far)

    def _answered(self, response: Response, now: float) -> None:
        call = self._call
        if self._sent is not None and self._sent.method == "INVITE":
            self._far.ack_due = self._sent
        try:
            body = description_in(response)
            if not self._offered:
                self._say(call.sdp.offer(self._far.leg, body), response, now)
                return
            answer = call.sdp.answer(self._far.leg, body)
        except (SdpError, RefusalError) as error:
            # The far leg has changed to something that this leg cannot follow: no state is left that both agree on.
            self._close()
            self._refuse(of_description(error) if isinstance(error, SdpError) else error)
            end_call(self._board, call, EndReason.NO_COMMON_CODEC)
            return
        call.sdp.settle()
        self._acknowledge()
        self._close()
        configure_media(self._board, call)
        self._say(answer, response, now)

    # What the offering leg says.

    def cancelled(self, now: float) -> None:  # noqa: ARG002
        """Tried on the far leg too; whichever way that ends is what the offering leg is told (RFC 3261 section 9.2 allows either)."""
        if self._key is not None and self._key.method == "INVITE":
            self._board.signalling.cancel(self._key)

    def acknowledged(self, request: Request, now: float) -> None:  # noqa: ARG002
        """The ACK brings the answer to the offer that the far leg made in its 2xx."""
        call = self._call
        if self._offered or call.is_over or self._far.ack_due is None:
            return
        try:
            answer = call.sdp.answer(self._source.leg, description_in(request))
        except (SdpError, RefusalError):
            self._close()
            end_call(self._board, call, EndReason.NO_COMMON_CODEC)
            return
        call.sdp.settle()
        self._acknowledge(answer)
        self._close()
        configure_media(self._board, call)

    def unacknowledged(self, now: float) -> None:  # noqa: ARG002
        """No ACK for our 2xx: the leg is lost (RFC 3261 section 14.2)."""
        self._close()
        end_call(self._board, self._call, EndReason.LEG_LOST)

    def confirmed(self, request: Request) -> bool:  # noqa: ARG002
        """No provisional response of ours to a re-INVITE is reliable."""
        return False

    def unconfirmed(self, now: float) -> None:
        """As above: it cannot happen."""

    # Both.

    def _acknowledge(self, answer: bytes = b"") -> None:
        far, sent = self._far, self._sent
        far.ack_due = None
        if far.dialog is not None and sent is not None and sent.method == "INVITE":
            self._board.acknowledge(far, far.dialog, sent, answer)

    def _close(self) -> None:
        """The exchange is over; what was not settled is withdrawn."""
        self._call.sdp.withdraw()
        self._source.offer_in = self._far.offer_out = False

    def _refuse(self, refusal: RefusalError) -> None:
        refuse(self._board.signalling, self._event.key, self._event.request, refusal)

    def _say(self, body: bytes, source: Response, now: float) -> None:
        passed = passed_headers(self._call, self._far.leg, source)
        _answer(self._board, self._event, self._call, self._source, now, body=body, passed=passed)


@dataclass(frozen=True, slots=True)
class _OfferUnanswered:
    """The far leg has said nothing final to an offer."""

    offer: PassedOffer

    def ring(self, now: float) -> None:
        """As if its transaction had timed out."""
        self.offer.failed(408, now)
