"""A 4xx or 505 to a request that cannot be understood whole, as far as it can be answered at all (RFC 4475 section 3.1.2)."""

import re

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import add_field, split_message
from tonevault.cde.wire.sip.response import make_response, reason_of
from tonevault.cde.wire.sip.typed_headers import salvage_via
from tonevault.cde.wire.sip.uri import SipUri

_REQUEST_LINE = re.compile(r"([!-~]+)\s.*SIP/[0-9]+\.[0-9]+\s*\Z", re.IGNORECASE)


def salvage_request(data: bytes) -> Request | None:
    """As much of a malformed request as an answer needs: its method and its intact header fields. None when it cannot be answered."""
    try:
        start_line, fields, _ = split_message(data)
    except SipParseError:
        return None
    request_line = _REQUEST_LINE.match(start_line)
    if request_line is None or start_line[:4].upper() == "SIP/":
        return None
    headers = Headers()
    for field in fields:
        try:
            add_field(headers, field)
        except SipParseError:
            continue
    request = Request(request_line[1], SipUri(host="invalid"), headers)
    return request if is_answerable(request) else None


def is_answerable(request: Request) -> bool:
    """Whether an answer finds its way: of the top Via at least the host can be read. An ACK is never answered.

    What an answer repeats may be missing: the peer then knows it by its branch, or not at all (RFC 4475 section 3.3.1).
    """
    return request.method != "ACK" and salvage_via(request.headers)


def make_refusal(request: Request, fault: SipParseError, to_tag: str) -> Response:
    """The answer, its reason phrase telling the broken rule in our words."""
    reason = f"{reason_of(fault.status)} ({fault.header} {fault.rule})"
    return make_response(request, fault.status, reason, to_tag=to_tag)
