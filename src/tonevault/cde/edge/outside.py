"""Requests that belong to no dialog and open no call: OPTIONS is answered, everything else is refused."""

from typing import Final

from tonevault.cde.edge.board import Board
from tonevault.cde.edge.demands import check_extensions
from tonevault.cde.edge.description import SDP_TYPE
from tonevault.cde.edge.refusal import ALLOW, RefusalError, refuse
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import KNOWN_METHODS, Request
from tonevault.cde.wire.sip.response import make_response

NEEDS_DIALOG: Final = frozenset({"BYE", "PRACK", "UPDATE", "INFO"})
"""Methods that make no sense without a dialog (RFC 3261 section 15.1.2, RFC 3262, RFC 3311, RFC 6086)."""


def request_outside(board: Board, key: ServerKey, request: Request) -> None:
    """Answer a request outside any dialog."""
    try:
        check_extensions(request)
    except SipParseError as fault:
        refuse(board.signalling, key, request, RefusalError(fault.status))
    except RefusalError as refusal:
        refuse(board.signalling, key, request, refusal)
    else:
        _answer(board, key, request)


def _answer(board: Board, key: ServerKey, request: Request) -> None:
    if request.method == "OPTIONS":
        answer_options(board, key, request)
    elif request.method in NEEDS_DIALOG:
        refuse(board.signalling, key, request, RefusalError(481))
    elif request.method in KNOWN_METHODS:
        refuse(board.signalling, key, request, RefusalError(405, headers=(("Allow", ALLOW),)))
    else:
        refuse(board.signalling, key, request, RefusalError(501, headers=(("Allow", ALLOW),)))


def answer_options(board: Board, key: ServerKey, request: Request) -> None:
    """What the edge can do (RFC 3261 section 11.2): carriers ask it every few seconds to see that the trunk lives."""
    response = make_response(request, 200, to_tag=board.signalling.new_tag())
    response.headers.add("Allow", ALLOW)
    response.headers.add("Accept", SDP_TYPE)
    response.headers.add("Supported", "100rel, timer")
    board.signalling.respond(key, response)
