"""Requests within a dialog: order is checked, then each method goes to its handler."""

from tonevault.cde.edge.board import Board
from tonevault.cde.edge.call import Call
from tonevault.cde.edge.demands import check_extensions
from tonevault.cde.edge.dialog_table import DialogEntry
from tonevault.cde.edge.guard import is_sealed, passed_headers
from tonevault.cde.edge.info import info_arrived
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.outside import answer_options
from tonevault.cde.edge.passed_request import pass_request
from tonevault.cde.edge.refer import notify_arrived, refer_arrived
from tonevault.cde.edge.refusal import ALLOW, RefusalError, refuse
from tonevault.cde.edge.reinvite import offer_arrived
from tonevault.cde.edge.teardown import end_call
from tonevault.cde.media import Leg
from tonevault.cde.wire.sip.errors import SipDialogError, SipParseError
from tonevault.cde.wire.sip.events import RequestReceived
from tonevault.cde.wire.sip.message import KNOWN_METHODS, Request
from tonevault.cde.wire.sip.response import make_response


def request_in_dialog(board: Board, event: RequestReceived, entry: DialogEntry | None, now: float) -> None:
    """Check that the request fits its dialog and answer, refuse or pass it."""
    key, request = event.key, event.request
    if entry is None:
        refuse(board.signalling, key, request, RefusalError(481))
        return
    call, leg = entry.call, entry.leg
    refusal = _check(request, entry)
    if refusal is not None:
        refuse(board.signalling, key, request, refusal)
        return
    board.dialogs.enter(call, leg, entry.dialog)
    match request.method:
        case "BYE":
            _bye(board, event, call, leg)
        case "OPTIONS":
            answer_options(board, key, request)
        case "PRACK":
            _prack(board, event, call)
        case _ if call.is_over:
            refuse(board.signalling, key, request, RefusalError(481))
        case "INVITE" | "UPDATE":
            offer_arrived(board, event, call, leg, now)
        case "INFO":
            info_arrived(board, event, call, leg, now)
        case "REFER":
            refer_arrived(board, event, call, leg)
        case "NOTIFY":
            notify_arrived(board, event, call, leg, now)
        case "MESSAGE" | "SUBSCRIBE":
            _pass_unless_sealed(board, event, call, leg)
        case method:
            status = 405 if method in KNOWN_METHODS else 501
            refuse(board.signalling, key, request, RefusalError(status, headers=(("Allow", ALLOW),)))


def _check(request: Request, entry: DialogEntry) -> RefusalError | None:
    """Why the request cannot be taken: out of order, or it wants of us what we do not know."""
    try:
        entry.dialog.receive_request(request)
        check_extensions(request)
    except (SipDialogError, SipParseError) as fault:
        return RefusalError(fault.status)
    except RefusalError as refusal:
        return refusal
    return None


def _pass_unless_sealed(board: Board, event: RequestReceived, call: Call, leg: CallLeg) -> None:
    """Texts and subscriptions of the customer wait until the capture is over: whatever they say is free-form."""
    if is_sealed(call, leg.leg):
        refusal = RefusalError(480, "Capture In Progress", (("Retry-After", "30"),))
        event.request.body = b""
        refuse(board.signalling, event.key, event.request, refusal)
    else:
        pass_request(board, event, call, leg)


def _bye(board: Board, event: RequestReceived, call: Call, leg: CallLeg) -> None:
    """Answered at once whatever the other leg does; a BYE that crosses ours finds the call over and is answered all the same."""
    board.signalling.respond(event.key, make_response(event.request, 200))
    reason = EndReason.CUSTOMER_HUNG_UP if leg.leg is Leg.CUSTOMER else EndReason.AGENT_HUNG_UP
    end_call(board, call, reason, by=leg, headers=passed_headers(call, leg.leg, event.request))


def _prack(board: Board, event: RequestReceived, call: Call) -> None:
    server = board.server_of(call.caller.server_key) if call.caller.server_key else None
    if server is None or not server.confirmed(event.request):
        refuse(board.signalling, event.key, event.request, RefusalError(481))
        return
    if event.request.body:
        refuse(board.signalling, event.key, event.request, RefusalError(488))
        return
    board.signalling.respond(event.key, make_response(event.request, 200))
