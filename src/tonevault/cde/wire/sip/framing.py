"""Whole messages out of a byte stream (RFC 3261 section 18.3), and the keep-alives between them (RFC 5626 section 3.5.1)."""


class StreamFramer:
    """Feed it what a TCP or TLS connection brought; take whole messages. A SipParseError means: close the connection."""

    def receive(self, data: bytes) -> None:
        """Add received bytes."""
        raise NotImplementedError

    def next_message(self) -> bytes | None:
        """One whole message, or None when more bytes are needed. Raises SipParseError when the stream cannot be followed any longer."""
        raise NotImplementedError

    def take_pings(self) -> int:
        """How many double CRLF have come since the last question: each is answered by one CRLF."""
        raise NotImplementedError
