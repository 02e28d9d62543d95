"""From bytes to messages. Whatever comes in, the only fault that leaves is SipParseError."""

import re

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import is_token, parse_number
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.limits import (
    MAX_HEADER_BYTES,
    MAX_HEADER_FIELDS,
    MAX_MESSAGE_BYTES,
    MAX_START_LINE_BYTES,
)
from tonevault.cde.wire.sip.message import SIP_VERSION, Request, Response
from tonevault.cde.wire.sip.uri import SipUri

_ANY_VERSION = re.compile(r"SIP/[0-9]+\.[0-9]+\Z", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?\Z", re.IGNORECASE)


def parse_message(data: bytes) -> Request | Response:
    """One message: a datagram (octets beyond Content-Length are dropped, RFC 3261 section 18.3) or what a StreamFramer gave."""
    start_line, fields, rest = split_message(data)
    is_response = start_line[:4].upper() == "SIP/"
    method, uri = ("", None) if is_response else parse_request_line(start_line)
    headers = Headers()
    for field in fields:
        add_field(headers, field)
    body = _body(headers, rest)
    if uri is not None:
        return Request(method, uri, headers, body)
    status_line = _STATUS_LINE.match(start_line)
    if status_line is None:
        raise SipParseError("status line", "must be SIP/2.0, a status of 100 to 699 and a reason")
    return Response(int(status_line[1]), status_line[2] or "", headers, body)


def split_message(data: bytes) -> tuple[str, list[str], bytes]:
    """The start line, the header fields with their folding undone, and what follows the empty line. Raises SipParseError."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise SipParseError("message", f"holds at most {MAX_MESSAGE_BYTES} bytes")
    while data.startswith(b"\r\n"):
        # RFC 3261 section 7.5: empty lines before the start line are ignored.
        data = data[2:]
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        raise SipParseError("message", "an empty line ends the header section")
    lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    start_line = lines[0]
    if len(start_line) > MAX_START_LINE_BYTES:
        raise SipParseError("start line", f"holds at most {MAX_START_LINE_BYTES} bytes")
    if "\r" in start_line or "\n" in start_line:
        raise SipParseError("start line", "a line ends in CRLF")
    return start_line, _unfold(lines[1:]), rest


def parse_request_line(line: str) -> tuple[str, SipUri]:
    """Method and Request-URI. Raises SipParseError, with status 505 for another version of SIP."""
    parts = line.split(" ")
    if len(parts) != 3:
        # RFC 4475 sections 3.1.2.7 to 3.1.2.10: white space in the URI, or more than one space, is an error.
        raise SipParseError("request line", "must be a method, a URI and SIP/2.0 with single spaces between")
    method, uri, version = parts
    if not is_token(method):
        raise SipParseError("request line", "a method is a token")
    if version.upper() != SIP_VERSION:
        known_form = _ANY_VERSION.match(version) is not None
        raise SipParseError("request line", "the version is SIP/2.0", status=505 if known_form else 400)
    parsed = SipUri.parse(uri, "Request-URI")
    if parsed.headers:
        raise SipParseError("Request-URI", "carries no headers (RFC 3261 section 19.1.1, table 1)")
    return method, parsed


def add_field(headers: Headers, field: str) -> None:
    """Take one unfolded `name: value` into the headers. Raises SipParseError."""
    name, colon, value = field.partition(":")
    if not colon:
        raise SipParseError("header", "must be a name, a colon and a value")
    try:
        headers.add(name.rstrip(" \t"), value)
    except ValueError:
        raise SipParseError("header", "the name is a token, and a line ends in CRLF") from None


def _unfold(lines: list[str]) -> list[str]:
    fields: list[str] = []
    for line in lines:
        if line[:1] in (" ", "\t"):
            if not fields:
                raise SipParseError("start line", "is not folded")
            fields[-1] = f"{fields[-1]} {line.strip(' ' + chr(9))}"
        else:
            fields.append(line)
        if len(fields) > MAX_HEADER_FIELDS:
            raise SipParseError("message", f"holds at most {MAX_HEADER_FIELDS} header fields")
        if len(fields[-1]) > MAX_HEADER_BYTES:
            raise SipParseError("header", f"holds at most {MAX_HEADER_BYTES} bytes")
    return fields


def _body(headers: Headers, rest: bytes) -> bytes:
    stated = headers.get_all("Content-Length")
    if not stated:
        # RFC 3261 section 18.3: over UDP the body then reaches to the end of the datagram; the framer refuses this on a stream.
        return rest
    if len(stated) > 1:
        raise SipParseError("Content-Length", "stands once")
    length = parse_number(stated[0], "Content-Length", MAX_MESSAGE_BYTES)
    if length > len(rest):
        raise SipParseError("Content-Length", "must not exceed the body that came")
    return rest[:length]
