"""Responses made from the request that they answer (RFC 3261 section 8.2.6)."""

import contextlib

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.typed_headers import tag_to

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    469: "Bad Info Package",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}
"""The phrases of the IANA registry of SIP response codes."""

_CLASS_REASONS = {
    1: "Progress",
    2: "OK",
    3: "Redirection",
    4: "Request Failure",
    5: "Server Failure",
    6: "Global Failure",
}


def reason_of(status: int) -> str:
    """The registered phrase of a status, or one for its class."""
    return REASONS.get(status) or _CLASS_REASONS.get(status // 100, "Unknown")


def make_response(
    request: Request,
    status: int,
    reason: str = "",
    *,
    to_tag: str | None = None,
    body: bytes = b"",
    content_type: str = "",
) -> Response:
    """The response, with Via, From, To, Call-ID and CSeq of the request (Record-Route for 101–299, Timestamp for 100).

    `to_tag` is set unless To has a tag already or the status is 100; an empty `reason` becomes the registered phrase. Add Contact to
    a response that makes or refreshes a dialog.
    """
    headers = Headers()
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        headers.take(request.headers, name)
    if to_tag and status > 100:
        # A request that is being refused for this very header gets it back as it came.
        with contextlib.suppress(SipParseError):
            tag_to(headers, to_tag)
    if 100 < status < 300:
        headers.take(request.headers, "Record-Route")
    if status == 100 and (timestamp := request.headers.get("Timestamp")):
        headers.add("Timestamp", timestamp)
    if body:
        headers.add("Content-Type", content_type or "application/sdp")
    return Response(status, reason or reason_of(status), headers, body)
