"""Responses made from the request that they answer (RFC 3261 section 8.2.6)."""

from tonevault.cde.wire.sip.message import Request, Response


def make_response(
    request: Request,
    status: int,
    reason: str = "",
    *,
    to_tag: str | None = None,
    body: bytes = b"",
    content_type: str = "",
) -> Response:
    """Copies Via, From, To, Call-ID and CSeq (Record-Route for 101–299, Timestamp for 100). `to_tag` is set unless To has a tag; the usual
    reason phrase is filled in. Add Contact to a response that makes or refreshes a dialog."""
    raise NotImplementedError
