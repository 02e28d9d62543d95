"""The RTP packet of RFC 3550 section 5: parsed, checked and built. It refuses to interpret a payload."""

import struct
from dataclasses import dataclass
from typing import Final

VERSION: Final = 2
HEADER_OCTETS: Final = 12
PLAIN_FIRST_OCTET: Final = VERSION << 6
"""The first octet of a packet without padding, extension or contributing sources: nearly every packet of a telephone call."""
MARKER: Final = 0x80
SEQUENCE_MASK: Final = 0xFFFF
TIMESTAMP_MASK: Final = 0xFFFFFFFF
RTCP_FIRST_TYPE: Final = 192
RTCP_LAST_TYPE: Final = 223
"""RFC 5761 section 4: a second octet from 192 to 223 is RTCP; RTP payload types 64 to 95 are not used, so that the two never collide."""

HEADER: Final = struct.Struct("!BBHII")
"""First octet, marker and payload type, sequence number, timestamp, SSRC."""


class RtpError(ValueError):
    """Octets that are no RTP packet. The message names the field and the rule, never the octets."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet. `timestamp` counts the payload's clock; `contributors` are CSRCs; `extension` is (profile, words) or None."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    contributors: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None


def is_rtcp(datagram: bytes) -> bool:
    """Whether a datagram on a shared port is RTCP (RFC 5761 section 4)."""
    return len(datagram) > 1 and RTCP_FIRST_TYPE <= datagram[1] <= RTCP_LAST_TYPE


def parse_rtp(datagram: bytes) -> RtpPacket:
    """Parse one datagram. Raises RtpError where RFC 3550 appendix A.1 would discard it."""
    if len(datagram) < HEADER_OCTETS:
        raise RtpError("packet: shorter than the 12 octets of the fixed header")
    first, mark_type, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
    if first >> 6 != VERSION:
        raise RtpError("version: must be 2")
    if RTCP_FIRST_TYPE <= mark_type <= RTCP_LAST_TYPE:
        raise RtpError("payload type: 64 to 95 with marker is RTCP (RFC 5761 section 4)")
    contributors, start = _contributors(datagram, first & 0x0F)
    extension = None
    if first & 0x10:
        extension, start = _extension(datagram, start)
    end = len(datagram) - (_padding(datagram, start) if first & 0x20 else 0)
    return RtpPacket(
        mark_type & ~MARKER,
        sequence,
        timestamp,
        ssrc,
        datagram[start:end],
        bool(mark_type & MARKER),
        contributors,
        extension,
    )


def _contributors(datagram: bytes, count: int) -> tuple[tuple[int, ...], int]:
    end = HEADER_OCTETS + 4 * count
    if end > len(datagram):
        raise RtpError("CSRC list: longer than the packet")
    return struct.unpack_from(f"!{count}I", datagram, HEADER_OCTETS), end


def _extension(datagram: bytes, start: int) -> tuple[tuple[int, bytes], int]:
    body = start + 4
    if body > len(datagram):
        raise RtpError("header extension: cut off before its length")
    profile, words = struct.unpack_from("!HH", datagram, start)
    end = body + 4 * words
    if end > len(datagram):
        raise RtpError("header extension: longer than the packet")
    return (profile, datagram[body:end]), end


def _padding(datagram: bytes, start: int) -> int:
    count = datagram[-1]
    if count == 0 or count > len(datagram) - start:
        raise RtpError("padding: its count must be at least 1 and fit behind the header")
    return count


def build_rtp(packet: RtpPacket) -> bytes:
    """Octets of one packet, without padding."""
    first = PLAIN_FIRST_OCTET | len(packet.contributors)
    tail = struct.pack(f"!{len(packet.contributors)}I", *packet.contributors)
    if packet.extension is not None:
        profile, words = packet.extension
        if len(words) % 4:
            raise RtpError("header extension: must be whole 32-bit words (RFC 3550 section 5.3.1)")
        first |= 0x10
        tail += struct.pack("!HH", profile, len(words) // 4) + words
    mark_type = packet.payload_type | (MARKER if packet.marker else 0)
    header = HEADER.pack(first, mark_type, packet.sequence, packet.timestamp, packet.ssrc)
    return header + tail + packet.payload


def sequence_step(newer: int, older: int) -> int:
    """How far `newer` is ahead of `older` on the circle of 16-bit sequence numbers: −32,768 to 32,767."""
    step = (newer - older) & SEQUENCE_MASK
    return step - 0x10000 if step & 0x8000 else step


def timestamp_step(newer: int, older: int) -> int:
    """How far `newer` is ahead of `older` on the circle of 32-bit timestamps."""
    step = (newer - older) & TIMESTAMP_MASK
    return step - 0x100000000 if step & 0x80000000 else step
