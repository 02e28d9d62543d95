"""A request within a dialog that goes on to the other leg as it is, and its answer that comes back: the edge's transparency."""

from collections.abc import Iterable
from typing import Final

from tonevault.cde.edge.board import Board, NoWayError, other
from tonevault.cde.edge.call import Call
from tonevault.cde.edge.guard import passed_headers, passed_reason
from tonevault.cde.edge.header_policy import add_all
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.refusal import RefusalError, refuse
from tonevault.cde.edge.teardown import end_call
from tonevault.cde.wire.sip.errors import SipError
from tonevault.cde.wire.sip.events import RequestReceived
from tonevault.cde.wire.sip.message import Message, Request, Response
from tonevault.cde.wire.sip.response import make_response

TARGET_REFRESH: Final = frozenset({"SUBSCRIBE", "NOTIFY", "REFER"})
"""Passed methods that carry a Contact (RFC 6665 section 4.1.2.1, RFC 3515)."""

OWN_OF_METHOD: Final = {
    "NOTIFY": ("Event", "Subscription-State"),
    "SUBSCRIBE": ("Event", "Expires"),
    "REFER": ("Refer-To", "Refer-Sub"),
}
"""Headers that belong to a method and pass with it, though the edge writes them itself everywhere else."""

BODY_HEADERS: Final = ("Content-Disposition", "Content-Encoding", "Content-Language", "MIME-Version")
"""What describes a body and goes with it, besides its type."""

DEAD: Final = frozenset({408, 481})
"""RFC 3261 section 12.2.1.2: answers after which a dialog is over."""
USAGES: Final = frozenset({"NOTIFY", "SUBSCRIBE"})
"""RFC 5057 section 4.1: they belong to a subscription that shares the dialog. Where it is gone, or nobody answers, the call is not."""
BETWEEN_US: Final = {401: 403, 407: 403, 422: 500}
"""Answers about credentials or session timers are for the edge, which has no others to give: their sender gets these instead."""


class PassedRequest:
    """Waits for the far end's answer to a request that was passed on, and gives it to who asked."""

    def __init__(
        self, board: Board, call: Call, source: CallLeg, event: RequestReceived, sent: Request
    ) -> None:
        self._board = board
        self._call = call
        self._source = source
        self._event = event
        self._sent = sent

    def responded(self, response: Response, now: float) -> None:  # noqa: ARG002
        """Pass the final answer back: status, reason and headers. A dialog that the far end does not know ends the call."""
        if response.is_provisional:
            return
        far = other(self._call, self._source)
        if far.dialog is not None:
            far.dialog.receive_response(self._sent, response)
            self._board.dialogs.enter(self._call, far, far.dialog)
        status = BETWEEN_US.get(response.status, response.status)
        reason = passed_reason(self._call, far.leg, response) if status == response.status else ""
        answer = make_response(self._event.request, status, reason)
        if status == response.status:
            add_all(answer.headers, passed_headers(self._call, far.leg, response))
            add_all(answer.headers, _own(response, self._event.request.method))
        self._board.signalling.respond(self._event.key, answer)
        if status in DEAD and self._sent.method not in USAGES:
            end_call(self._board, self._call, EndReason.LEG_LOST, by=far)

    def failed(self, status: int, now: float) -> None:  # noqa: ARG002
        """The far end is silent or out of reach: that leg is lost, and with it the call, unless only a subscription is."""
        # RFC 4320 section 4.2: a request other than INVITE is never answered 408, which would come too late anyway.
        told = RefusalError(481 if status == 408 else status)
        refuse(self._board.signalling, self._event.key, self._event.request, told)
        if self._sent.method not in USAGES:
            end_call(self._board, self._call, EndReason.LEG_LOST)


def pass_request(
    board: Board,
    event: RequestReceived,
    call: Call,
    source: CallLeg,
    *,
    own: Iterable[tuple[str, str]] | None = None,
    body: bytes | None = None,
) -> Request | None:
    """Send a request on to the other leg. `own` replaces the headers of its method, `body` its body.

    Answers the request sent, or None when it could not be sent and was refused.
    """
    far, request = other(call, source), event.request
    try:
        sent = far_request(call, source, request)
        content = request.body if body is None else body
        if content:
            sent.body = content
            sent.headers.add(
                "Content-Type", request.headers.get("Content-Type") or "application/octet-stream"
            )
            add_all(sent.headers, _named(request, BODY_HEADERS))
        add_all(sent.headers, _own(request, request.method) if own is None else own)
        board.send_in_dialog(call, far, sent, PassedRequest(board, call, source, event, sent))
    except RefusalError as refusal:
        refuse(board.signalling, event.key, request, refusal)
        return None
    except NoWayError as error:
        refuse(board.signalling, event.key, request, RefusalError(error.status))
        return None
    return sent


def far_request(call: Call, source: CallLeg, request: Request, method: str = "") -> Request:
    """The same request in the other leg's dialog, with the headers that pass and no body. Raises RefusalError."""
    far = other(call, source)
    if far.dialog is None:
        # Before the answer there is no one far end yet: several phones may be ringing.
        raise RefusalError(500, "Call Not Answered Yet", (("Retry-After", "5"),))
    hops = request.max_forwards
    if hops == 0:
        raise RefusalError(483)
    method = method or request.method
    try:
        sent = far.dialog.request(
            method, contact=far.contact if method in {"INVITE", "UPDATE", *TARGET_REFRESH} else None
        )
    except SipError:
        raise RefusalError(500) from None
    if hops is not None:
        sent.headers.set("Max-Forwards", str(hops - 1))
    add_all(sent.headers, passed_headers(call, source.leg, request))
    return sent


def _own(message: Message, method: str) -> list[tuple[str, str]]:
    return _named(message, OWN_OF_METHOD.get(method, ()))


def _named(message: Message, names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, value) for name in names if (value := message.headers.get(name)) is not None]
