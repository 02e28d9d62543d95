"""SIP INFO: passed between the legs as it is, except the customer's keys during a capture, which are caught, reported and beeped."""

from tonevault.cde.edge.board import Board
from tonevault.cde.edge.call import Call
from tonevault.cde.edge.guard import KEY_TYPES, began_in_capture, body_passes, is_sealed
from tonevault.cde.edge.key_body import PLAIN_TYPE, RELAY_TYPE, key_in
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.passed_request import pass_request
from tonevault.cde.media import Carrier, KeyReport
from tonevault.cde.wire.sip.events import RequestReceived
from tonevault.cde.wire.sip.response import make_response


def info_arrived(board: Board, event: RequestReceived, call: Call, leg: CallLeg, now: float) -> None:
    """Catch, keep back or pass one INFO. What is caught or kept back is answered 200, so that its sender does not try another way."""
    request = event.request
    if is_sealed(call, leg.leg) and not body_passes(call, leg.leg, request):
        board.signalling.respond(event.key, make_response(request, 200))
        if request.content_type in {RELAY_TYPE, PLAIN_TYPE}:
            _catch(board, call, request.body, now)
    elif request.content_type in KEY_TYPES and began_in_capture(call, leg.leg, request, now):
        # The key went down while the window was open and is reported after it closed: it belongs to nobody any more.
        board.signalling.respond(event.key, make_response(request, 200))
    else:
        pass_request(board, event, call, leg)


def _catch(board: Board, call: Call, body: bytes, now: float) -> None:
    key = key_in(body)
    if key is None:
        return
    board.media.beep(call.id, key, now)
    board.observer.key_pressed(KeyReport(call.id, key, Carrier.INFO, now))
