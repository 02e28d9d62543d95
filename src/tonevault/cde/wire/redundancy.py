"""Redundant audio of RFC 2198: one packet that repeats what former ones held. It refuses to say whether the repeats are needed."""

from dataclasses import replace
from typing import Final

from tonevault.cde.wire.rtp import SEQUENCE_MASK, TIMESTAMP_MASK, RtpError, RtpPacket

FOLLOWED: Final = 0x80
"""RFC 2198 section 3: the F bit of a block that is followed by another; the last block, the primary, has none."""
BLOCKS_LIMIT: Final = 16
"""More blocks than any sender makes: RFC 4733 section 2.5.1.4 keeps the last five events at most."""
_HEADER_OCTETS: Final = 4


def unfold(packet: RtpPacket) -> list[RtpPacket]:
    """The packets that one of payload type `red` stands for, the oldest first; the last is the primary, which has the packet's numbers.

    A block says when it was spoken, not what its packet's number was: they are numbered as if each came from the packet before the next.
    Raises RtpError for a payload that RFC 2198 section 3 does not allow.
    """
    headers, start = _headers(packet.payload)
    parts = []
    for place, (payload_type, offset, length) in enumerate(headers[:-1]):
        end = start + length
        if end > len(packet.payload):
            raise RtpError("redundancy: a block is longer than the packet")
        if length:
            parts.append(
                replace(
                    packet,
                    payload_type=payload_type,
                    sequence=(packet.sequence - (len(headers) - 1 - place)) & SEQUENCE_MASK,
                    timestamp=(packet.timestamp - offset) & TIMESTAMP_MASK,
                    payload=packet.payload[start:end],
                    marker=False,
                )
            )
        start = end
    parts.append(replace(packet, payload_type=headers[-1][0], payload=packet.payload[start:]))
    return parts


def _headers(payload: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """Payload type, timestamp offset and length of each block, and where the first block begins."""
    headers: list[tuple[int, int, int]] = []
    at = 0
    while at < len(payload):
        payload_type = payload[at] & ~FOLLOWED
        if not payload[at] & FOLLOWED:
            return [*headers, (payload_type, 0, 0)], at + 1
        if len(headers) == BLOCKS_LIMIT:
            raise RtpError("redundancy: more than 16 blocks")
        rest = int.from_bytes(payload[at + 1 : at + _HEADER_OCTETS], "big")
        headers.append((payload_type, rest >> 10, rest & 0x3FF))
        at += _HEADER_OCTETS
    raise RtpError("redundancy: ends before its primary block")


def fold(packet: RtpPacket, payload_type: int, former: list[RtpPacket]) -> RtpPacket:
    """The packet of payload type `red` with `former` packets repeated in it, the oldest first: for phones."""
    head, body = b"", b""
    for one in former:
        rest = ((packet.timestamp - one.timestamp) & 0x3FFF) << 10 | len(one.payload)
        head += bytes((one.payload_type | FOLLOWED,)) + rest.to_bytes(3, "big")
        body += one.payload
    head += bytes((packet.payload_type,))
    return replace(packet, payload_type=payload_type, payload=head + body + packet.payload)
