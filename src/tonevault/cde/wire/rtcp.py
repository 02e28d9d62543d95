"""RTCP of RFC 3550 section 6 for a relay that ends it on each leg: SR, RR, SDES with CNAME, BYE. It refuses the rest quietly."""

import struct
from dataclasses import dataclass
from typing import Final

from tonevault.cde.wire.rtp import VERSION

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203

REPORT_BLOCKS_LIMIT: Final = 31
"""RFC 3550 section 6.4.1: the count has five bits."""
NTP_FRACTION: Final = 1 << 32
_BLOCK: Final = struct.Struct("!IIIIII")
_SENDER: Final = struct.Struct("!IIIII")


class RtcpError(ValueError):
    """Octets that are no RTCP. The message names the field and the rule, never the octets."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one receiver says of one source (RFC 3550 section 6.4.1): `fraction_lost` in 1/256, `jitter` in timestamp units,
    `last_report` the middle 32 bits of the NTP time of the SR it last had, `delay` since then in 1/65,536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR: `ntp_time` has 32 bits of seconds and 32 of fraction. A relay's NTP time may be its up-time (section 6.4.1)."""

    ssrc: int
    ntp_time: int
    rtp_time: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR: from one that sends nothing."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE: these sources leave."""

    sources: tuple[int, ...]


RtcpPacket = SenderReport | ReceiverReport | Goodbye


def parse_rtcp(datagram: bytes) -> list[RtcpPacket]:
    """The reports and farewells of a compound packet, in order; source descriptions and unknown types are passed over.

    Raises RtcpError where RFC 3550 appendix A.2 would discard the datagram.
    """
    packets: list[RtcpPacket] = []
    start = 0
    while start < len(datagram):
        if len(datagram) - start < 4:
            raise RtcpError("packet: shorter than the 4 octets of its header")
        first, kind, words = struct.unpack_from("!BBH", datagram, start)
        end = start + 4 + 4 * words
        if first >> 6 != VERSION:
            raise RtcpError("version: must be 2")
        if end > len(datagram):
            raise RtcpError("length: longer than the datagram")
        packet = _parse_one(kind, first & 0x1F, datagram[start + 4 : end])
        if packet is not None:
            packets.append(packet)
        start = end
    return packets


def _parse_one(kind: int, count: int, body: bytes) -> RtcpPacket | None:
    if kind == SENDER_REPORT:
        if len(body) < 4 + _SENDER.size + count * _BLOCK.size:
            raise RtcpError("sender report: shorter than its count of blocks")
        (ssrc,) = struct.unpack_from("!I", body)
        seconds, fraction, rtp_time, packets, octets = _SENDER.unpack_from(body, 4)
        blocks = _parse_blocks(body, 4 + _SENDER.size, count)
        return SenderReport(ssrc, seconds << 32 | fraction, rtp_time, packets, octets, blocks)
    if kind == RECEIVER_REPORT:
        if len(body) < 4 + count * _BLOCK.size:
            raise RtcpError("receiver report: shorter than its count of blocks")
        return ReceiverReport(struct.unpack_from("!I", body)[0], _parse_blocks(body, 4, count))
    if kind == GOODBYE:
        if len(body) < 4 * count:
            raise RtcpError("goodbye: shorter than its count of sources")
        return Goodbye(struct.unpack_from(f"!{count}I", body))
    return None


def _parse_blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, lost, highest, jitter, last, delay = _BLOCK.unpack_from(body, start + index * _BLOCK.size)
        packets_lost = lost & 0xFFFFFF
        if packets_lost & 0x800000:
            packets_lost -= 0x1000000
        blocks.append(ReportBlock(ssrc, lost >> 24, packets_lost, highest, jitter, last, delay))
    return tuple(blocks)


def build_report(report: SenderReport | ReceiverReport, cname: str, *, leaves: bool = False) -> bytes:
    """A compound packet: the report, the CNAME (RFC 3550 section 6.1 wants both in each), and BYE for one that leaves."""
    if isinstance(report, SenderReport):
        body = struct.pack("!I", report.ssrc)
        body += _SENDER.pack(
            report.ntp_time >> 32,
            report.ntp_time & 0xFFFFFFFF,
            report.rtp_time,
            report.packets & 0xFFFFFFFF,
            report.octets & 0xFFFFFFFF,
        )
        datagram = _packet(SENDER_REPORT, len(report.blocks), body + _build_blocks(report.blocks))
    else:
        body = struct.pack("!I", report.ssrc) + _build_blocks(report.blocks)
        datagram = _packet(RECEIVER_REPORT, len(report.blocks), body)
    datagram += _packet(SOURCE_DESCRIPTION, 1, _cname_chunk(report.ssrc, cname))
    if leaves:
        datagram += _packet(GOODBYE, 1, struct.pack("!I", report.ssrc))
    return datagram


def _build_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    if len(blocks) > REPORT_BLOCKS_LIMIT:
        raise RtcpError("report blocks: at most 31 in a packet")
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24 | block.packets_lost & 0xFFFFFF,
            block.highest_sequence,
            block.jitter,
            block.last_report,
            block.delay,
        )
        for block in blocks
    )


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", VERSION << 6 | count, kind, len(body) // 4) + body


def _cname_chunk(ssrc: int, cname: str) -> bytes:
    """RFC 3550 section 6.5: items, a null octet, padded to whole words."""
    name = cname.encode()
    if not 0 < len(name) <= 255:
        raise RtcpError("cname: 1 to 255 octets")
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name + b"\0"
    return chunk + bytes(-len(chunk) % 4)


def ntp_time(seconds: float) -> int:
    """Seconds of any steady clock as 64 bits of NTP time (RFC 3550 section 4 allows system up-time)."""
    return int(seconds * NTP_FRACTION) & 0xFFFFFFFFFFFFFFFF


def ntp_middle(time: int) -> int:
    """The middle 32 bits of an NTP time, in 1/65,536 s: what reports refer to an SR by."""
    return time >> 16 & 0xFFFFFFFF
