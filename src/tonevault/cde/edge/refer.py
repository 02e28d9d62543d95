"""Transfers: REFER and its NOTIFYs pass between the legs (RFC 3515). The far side follows the transfer; the edge only carries the word."""

import re
from typing import Final

from tonevault.cde.edge.board import Board, other
from tonevault.cde.edge.call import Call
from tonevault.cde.edge.guard import came_late, is_sealed
from tonevault.cde.edge.info import keep_back
from tonevault.cde.edge.leg import CallLeg
from tonevault.cde.edge.passed_request import OWN_OF_METHOD, pass_request
from tonevault.cde.edge.refusal import RefusalError, refuse
from tonevault.cde.wire.sip.dialog import DialogId
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import RequestReceived
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.parameters import Parameters

MAX_REFERRALS: Final = 16
"""Transfers of one call whose progress is followed; older ones are forgotten."""

_STATUS_LINE = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})(?: |\r|\n|$)")
_STATES: Final = frozenset({"active", "pending", "terminated"})


def refer_arrived(board: Board, event: RequestReceived, call: Call, leg: CallLeg) -> None:
    """Pass a transfer on. Not the customer's during a capture: what some phones put into Refer-To is what was keyed."""
    try:
        _check(board, call, leg, event.request)
    except RefusalError as refusal:
        refuse(board.signalling, event.key, event.request, refusal)
        return
    sent = pass_request(board, event, call, leg)
    if sent is not None:
        if len(leg.referrals) >= MAX_REFERRALS:
            leg.referrals.pop(next(iter(leg.referrals)))
        leg.referrals[sent.cseq.number] = event.request.cseq.number


def _check(board: Board, call: Call, leg: CallLeg, request: Request) -> None:
    if is_sealed(call, leg.leg):
        raise RefusalError(480, "Capture In Progress", (("Retry-After", "30"),))
    value = request.headers.get("Refer-To")
    if value is None:
        raise RefusalError(400, "Refer-To Missing")
    try:
        replaces = NameAddr.parse(value, "Refer-To").uri.header("Replaces")
    except SipParseError as fault:
        raise RefusalError(fault.status) from None
    if replaces is not None and _is_ours(board, replaces):
        # The dialog to be replaced ends at the edge, and the far side knows nothing of it (RFC 3891, RFC 7092 section 3.1.2).
        raise RefusalError(501, "Attended Transfer Not Available")


def _is_ours(board: Board, replaces: str) -> bool:
    call_id, _, rest = replaces.partition(";")
    try:
        parameters = Parameters.parse(rest, "Replaces")
    except SipParseError:
        return False
    one, two = parameters.get("to-tag") or "", parameters.get("from-tag") or ""
    return any(board.dialogs.find(DialogId(call_id, *tags)) is not None for tags in ((one, two), (two, one)))


def notify_arrived(board: Board, event: RequestReceived, call: Call, leg: CallLeg, now: float) -> None:
    """Pass a NOTIFY on: a transfer's under the number that its REFER had there, others as they are.

    During a capture the customer's transfers are told in our own words, and nothing else is told (KPML carries keys, RFC 4730).
    """
    request = event.request
    own = dict(_own_headers(request))
    package = own.get("Event", "").partition(";")[0].strip().lower()
    if package == "refer":
        own["Event"] = _renumbered(own["Event"], other(call, leg).referrals)
    if came_late(call, leg.leg, request, now):
        keep_back(board, event)
        return
    if not is_sealed(call, leg.leg):
        pass_request(board, event, call, leg, own=own.items())
        return
    status = _STATUS_LINE.match(request.body)
    if package != "refer" or status is None or request.content_type != "message/sipfrag":
        keep_back(board, event)
        return
    state = own.get("Subscription-State", "").partition(";")[0].strip().lower()
    own["Subscription-State"] = state if state in _STATES else "active"
    own["Event"] = _renumbered(own["Event"], other(call, leg).referrals, strict=True)
    pass_request(board, event, call, leg, own=own.items(), body=b"SIP/2.0 " + status[1] + b"\r\n")


def _own_headers(request: Request) -> list[tuple[str, str]]:
    return [
        (name, value) for name in OWN_OF_METHOD["NOTIFY"] if (value := request.headers.get(name)) is not None
    ]


def _renumbered(event: str, referrals: dict[int, int], *, strict: bool = False) -> str:
    """`refer;id=N`, where N is the CSeq of the REFER: its number on the leg that sent it. Strictly, nothing else is kept."""
    try:
        parameters = Parameters.parse(event.partition(";")[2], "Event")
    except SipParseError:
        return "refer"
    number = parameters.get("id") or ""
    known = (
        referrals.get(int(number)) if number.isascii() and number.isdigit() and len(number) <= 10 else None
    )
    if known is not None:
        return f"refer;id={known}" if strict else "refer" + parameters.with_value("id", str(known)).text()
    return "refer" if strict else event
