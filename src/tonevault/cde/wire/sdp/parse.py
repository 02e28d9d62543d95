"""Reading a session description (RFC 8866). Refuses what is too large or breaks the grammar, naming the line and never its text."""

import re
from itertools import pairwise
from typing import Final

from tonevault.cde.wire.sdp.errors import MalformedSdpError
from tonevault.cde.wire.sdp.model import Connection, Line, MediaDescription, Origin, SessionDescription

MAX_BYTES: Final = 16_384
"""The largest offers in the field (browsers with video and ICE) are near 8 kB; twice that bounds the work of one message."""
MAX_LINES: Final = 512
"""As above: a browser's offer has some 250 lines."""
MAX_MEDIA: Final = 16
"""A telephone offers one or two streams, a video room a dozen."""

_LINE = re.compile(r"([A-Za-z])=(.*)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,20}")
_PORT = re.compile(r"([0-9]{1,5})(?:/([0-9]{1,2}))?")
_TOKEN = re.compile(r"[!#-'*+\-.0-9A-Z^-~]+")
_Numbered = tuple[int, Line]


def parse(body: bytes) -> SessionDescription:
    """The description in a message body. Raises MalformedSdpError."""
    lines = _lines(body)
    starts = [index for index, (_, line) in enumerate(lines) if line.kind == "m"]
    if len(starts) > MAX_MEDIA:
        raise MalformedSdpError(lines[starts[MAX_MEDIA]][0], f"at most {MAX_MEDIA} streams (m=) are taken")
    bounds = [*starts, len(lines)]
    media = tuple(_media(lines[begin:end]) for begin, end in pairwise(bounds))
    return _session(lines[: bounds[0]], media)


def _lines(body: bytes) -> list[_Numbered]:
    if len(body) > MAX_BYTES:
        raise MalformedSdpError(1, f"a description has at most {MAX_BYTES} bytes")
    # RFC 8866 section 4.5 wants UTF-8. What is not stands in names and notes, of which nothing passes, and goes back as it came.
    text = body.decode("utf-8", "surrogateescape")
    # Splitting at LF alone and dropping a CR takes both line ends that RFC 8866 section 5 asks a reader to accept.
    rows = text.rstrip("\r\n").split("\n")
    if len(rows) > MAX_LINES:
        raise MalformedSdpError(MAX_LINES, f"a description has at most {MAX_LINES} lines")
    found = []
    for number, row in enumerate(rows, 1):
        match = _LINE.fullmatch(row.removesuffix("\r"))
        if match is None or "\r" in match[2] or "\0" in match[2]:
            raise MalformedSdpError(number, "each line is one letter, an equals sign and a value")
        found.append((number, Line(match[1], match[2])))
    return found


def _session(lines: list[_Numbered], media: tuple[MediaDescription, ...]) -> SessionDescription:
    if not lines or lines[0][1] != Line("v", "0"):
        raise MalformedSdpError(1, "must begin with v=0")
    origin: Origin | None = None
    name: str | None = None
    connection: Connection | None = None
    rest: list[Line] = []
    for number, line in lines[1:]:
        match line.kind:
            case "o" if origin is None:
                origin = _origin(number, line.value)
            case "s" if name is None:
                name = line.value
            case "c" if connection is None:
                connection = _connection(number, line.value)
            case "v" | "o" | "s" | "c":
                raise MalformedSdpError(number, f"{line.kind}= stands once in the session part")
            case _:
                rest.append(line)
    last = lines[-1][0]
    if origin is None or name is None:
        raise MalformedSdpError(last, "the session part needs o= and s= (RFC 8866 section 5)")
    if not any(line.kind == "t" for line in rest):
        raise MalformedSdpError(last, "the session part needs t= (RFC 8866 section 5.9)")
    return SessionDescription(origin, name, connection, tuple(rest), media)


def _media(lines: list[_Numbered]) -> MediaDescription:
    number, first = lines[0]
    words = first.value.split()
    port = _PORT.fullmatch(words[1]) if len(words) >= 4 else None
    if port is None or int(port[1]) > 65_535:
        raise MalformedSdpError(number, "m= is a kind, a port, a protocol and at least one format")
    if not all(_TOKEN.fullmatch(word) for word in (words[0], *words[3:])):
        raise MalformedSdpError(number, "m= is made of tokens (RFC 8866 section 9)")
    connection: Connection | None = None
    rest: list[Line] = []
    for at, line in lines[1:]:
        if line.kind == "c" and connection is None:
            connection = _connection(at, line.value)
        elif line.kind in "vost":
            raise MalformedSdpError(at, f"{line.kind}= belongs before the first m=")
        else:
            rest.append(line)
    return MediaDescription(
        kind=words[0],
        port=int(port[1]),
        port_count=int(port[2] or 1),
        protocol=words[2],
        formats=tuple(words[3:]),
        connection=connection,
        lines=tuple(rest),
    )


def _origin(number: int, value: str) -> Origin:
    words = value.rstrip(" ").split(" ")
    if len(words) != 6 or words[3] != "IN" or words[4] not in {"IP4", "IP6"}:
        raise MalformedSdpError(number, "o= is a user name, two numbers, IN, IP4 or IP6 and an address")
    if not (_NUMBER.fullmatch(words[1]) and _NUMBER.fullmatch(words[2])):
        raise MalformedSdpError(number, "o= has its session id and version in digits")
    return Origin(words[0], words[1], words[2], words[4], words[5])


def _connection(number: int, value: str) -> Connection:
    words = value.rstrip(" ").split(" ")
    if len(words) != 3 or words[0] != "IN" or words[1] not in {"IP4", "IP6"} or not words[2]:
        raise MalformedSdpError(number, "c= is IN, IP4 or IP6 and an address")
    return Connection(words[1], words[2])
