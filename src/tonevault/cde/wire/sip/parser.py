"""From bytes to messages. Whatever comes in, the only fault that leaves is SipParseError."""

from tonevault.cde.wire.sip.message import Request, Response


def parse_message(data: bytes) -> Request | Response:
    """One message: a datagram (octets beyond Content-Length are dropped, RFC 3261 section 18.3) or what a StreamFramer gave."""
    raise NotImplementedError
