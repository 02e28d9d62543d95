"""RTP as it was on the wire: packets, the sound they carry, and the keys in their telephone-events (RFC 3550, 4733)."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.e2e.peers import g711
from tests.e2e.peers.keypad import EVENT_KEYS
from tests.e2e.peers.wav import Sound

# RFC 5761 section 4: what stands in the second byte of RTCP packets on a shared port.
_RTCP_TYPES = range(192, 224)

_FIXED_HEADER = struct.Struct(">BBHII")

_DYNAMIC_TYPES = range(96, 128)

# The longest sound that is laid out by timestamps; a jump beyond it is a new time base and begins a new stretch.
_LONGEST_GAP_SAMPLES = 60 * 8000


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet; `at` in seconds of the capture's clock."""

    at: float
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    source: int
    payload: bytes

    def __repr__(self) -> str:
        """Without the payload, which may be a key."""
        return f"RtpPacket(pt={self.payload_type}, seq={self.sequence}, ts={self.timestamp})"

    def pack(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        return _FIXED_HEADER.pack(0x80, second, self.sequence, self.timestamp, self.source) + self.payload


@dataclass(frozen=True, slots=True)
class EventPress:
    """One press in telephone-events: all packets of one timestamp (RFC 4733 section 2.5.1.2)."""

    key: str
    at: float
    timestamp: int
    duration: int
    packets: int
    ends: int

    def __repr__(self) -> str:
        return f"EventPress(duration={self.duration}, packets={self.packets}, ends={self.ends})"


def parse_rtp(datagram: bytes, at: float) -> RtpPacket | None:
    """The RTP packet of a datagram, or None when it is RTCP or something else."""
    if len(datagram) < _FIXED_HEADER.size or datagram[0] >> 6 != 2 or datagram[1] in _RTCP_TYPES:
        return None
    first, second, sequence, timestamp, source = _FIXED_HEADER.unpack_from(datagram)
    start = _FIXED_HEADER.size + 4 * (first & 0x0F)
    if first & 0x10:
        if len(datagram) < start + 4:
            return None
        start += 4 + 4 * int(struct.unpack_from(">H", datagram, start + 2)[0])
    end = len(datagram) - (datagram[-1] if first & 0x20 else 0)
    if start > end:
        return None
    payload = datagram[start:end]
    return RtpPacket(at, second & 0x7F, bool(second & 0x80), sequence, timestamp, source, payload)


def sound(packets: Iterable[RtpPacket]) -> Sound:
    """The G.711 audio of one stream, laid out by its timestamps, with silence where nothing was sent."""
    audio = [one for one in packets if one.payload_type in (g711.PCMU, g711.PCMA)]
    if not audio:
        return Sound(np.zeros(0, dtype=np.int16))
    stretches: list[list[tuple[int, RtpPacket]]] = [[(0, audio[0])]]
    for before, one in pairwise(audio):
        step = (one.timestamp - before.timestamp + 0x8000_0000) % 0x1_0000_0000 - 0x8000_0000
        if one.source != before.source or abs(step) > _LONGEST_GAP_SAMPLES:
            stretches.append([(0, one)])
        else:
            stretches[-1].append((stretches[-1][-1][0] + step, one))
    return Sound(np.concatenate([_laid_out(stretch) for stretch in stretches]))


def _laid_out(stretch: Sequence[tuple[int, RtpPacket]]) -> g711.Pcm:
    first = min(start for start, _ in stretch)
    length = max(start - first + len(packet.payload) for start, packet in stretch)
    samples = np.zeros(length, dtype=np.int16)
    for start, packet in stretch:
        decoded = g711.decode(packet.payload_type, packet.payload)
        samples[start - first : start - first + len(decoded)] = decoded
    return samples


def presses(packets: Iterable[RtpPacket], payload_types: Sequence[int] = _DYNAMIC_TYPES) -> list[EventPress]:
    """The keys pressed as telephone-events, in order. A redundant RFC 2198 block is read by its last four bytes."""
    found: dict[tuple[int, int, int], list[tuple[RtpPacket, int, int, bool]]] = {}
    for one in packets:
        if one.payload_type not in payload_types or len(one.payload) < 4 or len(one.payload) > 40:
            continue
        code, flags, duration = struct.unpack(">BBH", one.payload[-4:])
        if code < len(EVENT_KEYS):
            entry = (one, code, duration, bool(flags & 0x80))
            found.setdefault((one.source, one.timestamp, code), []).append(entry)
    return [
        EventPress(
            key=EVENT_KEYS[code],
            at=entries[0][0].at,
            timestamp=timestamp,
            duration=max(duration for _, _, duration, _ in entries),
            packets=len(entries),
            ends=sum(end for _, _, _, end in entries),
        )
        for (_, timestamp, code), entries in found.items()
    ]


def event_payload(key_code: int, *, end: bool, duration: int, volume_dbm0: int = 10) -> bytes:
    """The four bytes of RFC 4733 section 2.3; `duration` in timestamp units."""
    return struct.pack(">BBH", key_code, (0x80 if end else 0) | volume_dbm0, duration)
