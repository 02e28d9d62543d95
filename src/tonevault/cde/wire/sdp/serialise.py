"""Writing a session description in the order that RFC 8866 section 5 prescribes, lines ended by CRLF."""

from collections.abc import Iterator

from tonevault.cde.wire.sdp.model import Connection, Line, MediaDescription, SessionDescription

_BEFORE_CONNECTION = "iuep"


def serialise(description: SessionDescription) -> bytes:
    """The bytes of a message body. What `parse` read in canonical order comes back byte for byte."""
    rows = ["v=0", _origin(description), f"s={description.name}"]
    rows.extend(_body(description.lines, description.connection))
    for media in description.media:
        rows.append(_media(media))
        rows.extend(_body(media.lines, media.connection))
    return "".join(f"{row}\r\n" for row in rows).encode("utf-8", "surrogateescape")


def _origin(description: SessionDescription) -> str:
    origin = description.origin
    return f"o={origin.username} {origin.session_id} {origin.version} IN {origin.family} {origin.address}"


def _media(media: MediaDescription) -> str:
    port = str(media.port) if media.port_count == 1 else f"{media.port}/{media.port_count}"
    return f"m={media.kind} {port} {media.protocol} {' '.join(media.formats)}"


def _body(lines: tuple[Line, ...], connection: Connection | None) -> Iterator[str]:
    early = [line for line in lines if line.kind in _BEFORE_CONNECTION]
    for line in early:
        yield f"{line.kind}={line.value}"
    if connection is not None:
        yield f"c=IN {connection.family} {connection.address}"
    for line in lines:
        if line.kind not in _BEFORE_CONNECTION:
            yield f"{line.kind}={line.value}"
