"""What must hold of a message before a transaction is made of it (RFC 3261 sections 8.1.1, 8.1.3.3 and 8.2; RFC 4475 section 3)."""

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.header_names import DISPLAY_NAMES, SINGLE_HEADERS
from tonevault.cde.wire.sip.message import Message, Request, Response


def check_request(request: Request) -> None:
    """Raises SipParseError with the status to answer. A missing Max-Forwards or From tag is let through: RFC 2543 peers send neither."""
    _check_common(request)
    if request.cseq.method != request.method:
        raise SipParseError("CSeq", "names the method of the request line")
    _ = request.max_forwards, request.contacts, request.routes, request.record_routes
    if not request.uri.is_sip and request.uri.scheme != "tel":
        raise SipParseError("Request-URI", "the scheme is sip, sips or tel", status=416)


def check_response(response: Response) -> None:
    """Raises SipParseError; such a response is dropped (RFC 3261 section 8.1.3.3 for the number of Vias)."""
    _check_common(response)
    if len(response.headers.get_list("Via")) != 1:
        raise SipParseError("Via", "stands once in a response to us")
    _ = response.contacts, response.record_routes


def _check_common(message: Message) -> None:
    for name in message.headers.repeated():
        if name in SINGLE_HEADERS:
            raise SipParseError(DISPLAY_NAMES[name], "stands once")
    if not message.vias:
        raise SipParseError("Via", "is missing")
    if any(character in message.call_id for character in " \t"):
        raise SipParseError("Call-ID", "holds no white space")
    _ = message.cseq, message.from_, message.to
