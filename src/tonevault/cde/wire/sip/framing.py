"""Whole messages out of a byte stream (RFC 3261 section 18.3), and the keep-alives between them (RFC 5626 section 3.5.1)."""

import re

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.limits import MAX_MESSAGE_BYTES

_CONTENT_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:(?:[ \t]|\r\n[ \t])*([^\r\n]*)", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,10}[ \t]*\Z")


class StreamFramer:
    """Feed it what a TCP or TLS connection brought; take whole messages. A SipParseError means: close the connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._line_breaks = 0
        self._pings = 0

    @property
    def is_between_messages(self) -> bool:
        """Whether nothing of an unfinished message is held: otherwise the peer owes the rest of it."""
        return not self._buffer

    def receive(self, data: bytes) -> None:
        """Add received bytes. Take the messages before the next call: what is held is bounded by them."""
        self._buffer += data

    def next_message(self) -> bytes | None:
        """One whole message, or None when more bytes are needed. Raises SipParseError when the stream cannot be followed any longer."""
        self._skip_keep_alives()
        head_end = self._buffer.find(b"\r\n\r\n", self._searched)
        if head_end < 0:
            self._searched = max(0, len(self._buffer) - 3)
            if len(self._buffer) > MAX_MESSAGE_BYTES:
                raise SipParseError("message", f"holds at most {MAX_MESSAGE_BYTES} bytes")
            return None
        self._searched = head_end
        end = head_end + 4 + _content_length(bytes(self._buffer[:head_end]))
        if end > MAX_MESSAGE_BYTES:
            raise SipParseError("message", f"holds at most {MAX_MESSAGE_BYTES} bytes")
        if len(self._buffer) < end:
            return None
        message = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._searched = 0
        return message

    def take_pings(self) -> int:
        """How many double CRLF have come since the last question: each is answered by one CRLF."""
        pings, self._pings = self._pings, 0
        return pings

    def _skip_keep_alives(self) -> None:
        position = 0
        while self._buffer.startswith(b"\r\n", position):
            position += 2
            self._line_breaks += 1
            if self._line_breaks == 2:
                self._line_breaks = 0
                self._pings += 1
        if position:
            del self._buffer[:position]
            self._searched = 0
        if self._buffer and self._buffer != b"\r":
            self._line_breaks = 0


def _content_length(head: bytes) -> int:
    stated = _CONTENT_LENGTH.findall(head)
    if len(stated) != 1:
        raise SipParseError(
            "Content-Length", "stands once in every message of a stream (RFC 3261 section 18.3)"
        )
    if _LENGTH.match(stated[0]) is None:
        raise SipParseError("Content-Length", "must be an unsigned decimal number")
    return int(stated[0])
