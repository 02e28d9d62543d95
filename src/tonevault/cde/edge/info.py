"""SIP INFO: passed between the legs as it is, except the customer's keys during a capture, which are caught, reported and beeped."""

from tonevault.cde.edge.board import Board
from tonevault.cde.edge.call import Call
from tonevault.cde.edge.guard import body_passes, came_late
from tonevault.cde.edge.key_body import PLAIN_TYPE, RELAY_TYPE, duration_s, key_in
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.passed_request import pass_request
from tonevault.cde.media import Carrier, KeyReport
from tonevault.cde.wire.sip.events import RequestReceived
from tonevault.cde.wire.sip.response import make_response


def info_arrived(board: Board, event: RequestReceived, call: Call, leg: CallLeg, now: float) -> None:
    """Catch, keep back or pass one INFO. What is caught or kept back is answered 200, so that its sender does not try another way."""
    request = event.request
    if not body_passes(call, leg.leg, request):
        kind, body = request.content_type, request.body
        keep_back(board, event)
        if kind in {RELAY_TYPE, PLAIN_TYPE}:
            _catch(board, call, body, now)
    elif came_late(call, leg.leg, request, now):
        keep_back(board, event)
    else:
        pass_request(board, event, call, leg)


def keep_back(board: Board, event: RequestReceived) -> None:
    """Answer 200 and forget the body: the core keeps a request for half a minute, and no key may be kept (PCI DSS 3.3)."""
    event.request.body = b""
    board.signalling.respond(event.key, make_response(event.request, 200))


def _catch(board: Board, call: Call, body: bytes, now: float) -> None:
    key = key_in(body)
    if key is None:
        return
    board.media.beep(call.id, key, now)
    # Most senders wait for the key's release; the duration dates the press, as a KeyReport's onset is when it began.
    board.observer.key_pressed(KeyReport(call.id, key, Carrier.INFO, now - duration_s(body)))
