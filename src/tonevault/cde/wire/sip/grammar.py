"""The lexical rules of RFC 3261 section 25 that several headers share: tokens, quoted strings, lists, numbers."""

import re

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.limits import MAX_LIST_ITEMS

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+\Z")
_DIGITS = re.compile(r"[0-9]{1,20}\Z")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"\Z', re.DOTALL)
_ESCAPED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)|\[[0-9A-Fa-f:.]+\])\Z")
_HOST_PORT = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*)(?::([1-9][0-9]{0,4}))?\Z")
"""A name or IPv4 address and a port without leading noughts: what nearly all are, read in one step."""
_NEEDS_ESCAPE = re.compile(r'(["\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f])')

MAX_PORT = 65_535

WHITESPACE = " \t"
"""Linear white space once folding is undone (RFC 3261 section 7.3.1)."""


def is_token(text: str) -> bool:
    """Whether the text is a `token`: one or more of the characters that need no quotes."""
    return _TOKEN.match(text) is not None


def is_quoted(text: str) -> bool:
    """Whether the text is one complete `quoted-string`."""
    return _QUOTED.match(text) is not None


def unquote(text: str) -> str:
    """The content of a quoted string, quoted pairs undone; other text comes back as it is."""
    return _ESCAPED_PAIR.sub(r"\1", text[1:-1]) if is_quoted(text) else text


def quote(text: str) -> str:
    """The text as a quoted string; quotes, backslashes and control characters become quoted pairs. CR and LF have no such form."""
    if "\r" in text or "\n" in text:
        raise ValueError("quoted string: no line breaks (RFC 3261 section 25.1, quoted-pair)")
    return '"' + _NEEDS_ESCAPE.sub(r"\\\1", text) + '"'


def parse_number(text: str, header: str, maximum: int) -> int:
    """An unsigned decimal number, at most `maximum`. Signs and digits beyond ASCII are refused, which `int` would take."""
    if _DIGITS.match(text) is None:
        raise SipParseError(header, "must be an unsigned decimal number")
    number = int(text)
    if number > maximum:
        raise SipParseError(header, f"must be at most {maximum}")
    return number


def parse_port(text: str, header: str) -> int:
    """A port, 1 to 65535."""
    port = parse_number(text, header, MAX_PORT)
    if port == 0:
        raise SipParseError(header, "a port is 1 to 65535")
    return port


def parse_host(text: str, header: str) -> str:
    """A host name, an IPv4 address or an IPv6 reference in brackets; comes back without brackets."""
    if _HOST.match(text) is None:
        raise SipParseError(header, "must hold a host name or address (RFC 3261 section 25.1, host)")
    return text[1:-1] if text.startswith("[") else text


def host_text(host: str) -> str:
    """The host as it stands on the wire: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def parse_host_port(text: str, header: str) -> tuple[str, int | None]:
    """`host[:port]`, white space allowed round the colon (RFC 3261 section 25.1, `sent-by`)."""
    plain = _HOST_PORT.match(text)
    if plain is not None and (plain[2] is None or int(plain[2]) <= MAX_PORT):
        return plain[1], int(plain[2]) if plain[2] else None
    if text.startswith("["):
        end = text.find("]") + 1
        if end == 0:
            raise SipParseError(header, "an IPv6 address closes its bracket")
        host, rest = text[:end], text[end:].lstrip(WHITESPACE)
        if rest and not rest.startswith(":"):
            raise SipParseError(header, "only a port follows the host")
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = text.partition(":")
    parsed_host = parse_host(host.rstrip(WHITESPACE), header)
    return parsed_host, parse_port(port.strip(WHITESPACE), header) if colon else None


def split_list(text: str, separator: str, header: str) -> list[str]:
    """Split at a separator that stands outside quoted strings and angle brackets; the parts are stripped, and none may be empty."""
    plain = '"' not in text and "<" not in text
    parts = text.split(separator) if plain else _split_outside_quotes(text, separator, header)
    if len(parts) > MAX_LIST_ITEMS:
        raise SipParseError(header, f"holds at most {MAX_LIST_ITEMS} values")
    stripped = [part.strip(WHITESPACE) for part in parts]
    if not all(stripped):
        raise SipParseError(header, "has an empty value between separators")
    return stripped


def _split_outside_quotes(text: str, separator: str, header: str) -> list[str]:
    parts: list[str] = []
    start = position = 0
    bracketed = False
    while position < len(text):
        character = text[position]
        if character == '"' and not bracketed:
            position = end_of_quoted(text, position, header)
            continue
        if character == "<":
            bracketed = True
        elif character == ">":
            bracketed = False
        elif character == separator and not bracketed:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    if bracketed:
        raise SipParseError(header, "an angle bracket is not closed")
    parts.append(text[start:])
    return parts


def end_of_quoted(text: str, start: int, header: str) -> int:
    """The position after the quoted string that opens at `start`."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text[position] == '"':
            return position + 1
        else:
            position += 1
    raise SipParseError(header, "a quoted string is not closed")
