"""Finding the session description in a message body: alone, or as one part of a multipart body (RFC 5621)."""

import re
from typing import Final

from tonevault.cde.edge.refusal import RefusalError
from tonevault.cde.wire.sip.message import Message

SDP_TYPE: Final = "application/sdp"
MAX_PARTS: Final = 8
"""A carrier's body has two parts: the description, and ISUP or a location."""

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([!#-\'*+\-.0-9A-Z^-~]{1,70}))', re.IGNORECASE)


def description_in(message: Message) -> bytes:
    """The description of a message, b"" when it has no body. Raises RefusalError 415 for a body of another kind.

    Other parts beside the description do not pass: nothing on the far side asked for them.
    """
    if not message.body.strip():
        return b""
    if message.headers.get("Content-Encoding") not in {None, "identity"}:
        raise RefusalError(415, headers=(("Accept-Encoding", "identity"),))
    match message.content_type:
        case "application/sdp":
            return message.body
        case kind if kind.startswith("multipart/"):
            part = _part(message)
            if part is not None:
                return part
    raise RefusalError(415, headers=(("Accept", SDP_TYPE),))


def _part(message: Message) -> bytes | None:
    found = _BOUNDARY.search(message.headers.get("Content-Type") or "")
    if found is None:
        return None
    boundary = b"--" + (found[1] or found[2]).encode("utf-8", "surrogateescape")
    for part in (b"\r\n" + message.body).split(b"\r\n" + boundary, MAX_PARTS + 1)[1:]:
        if part.startswith(b"--"):
            break
        head, _, content = part.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if _is_description(head):
            return content
    return None


def _is_description(head: bytes) -> bool:
    for row in head.split(b"\r\n"):
        name, _, value = row.partition(b":")
        if name.strip().lower() in {b"content-type", b"c"}:
            return value.partition(b";")[0].strip().lower() == SDP_TYPE.encode()
    return False
