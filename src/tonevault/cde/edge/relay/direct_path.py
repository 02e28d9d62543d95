"""The path of a packet that is only carried: numbers moved, payload untouched. It refuses whatever is not plainly the next packet."""

from typing import Final, Protocol

from tonevault.cde.edge.relay.latch import Address
from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.edge.relay.payload_map import Route
from tonevault.cde.edge.relay.source_watch import leaps
from tonevault.cde.edge.relay.track import CLOSED, JUMP_S, Track
from tonevault.cde.wire.rtp import (
    HEADER,
    HEADER_OCTETS,
    MARKER,
    PLAIN_FIRST_OCTET,
    SEQUENCE_MASK,
    TIMESTAMP_MASK,
    RtpPacket,
    sequence_step,
    timestamp_step,
)

Datagram = tuple[int, bytes, Address]
"""Socket id, octets, destination."""


class Outbox(Protocol):
    """Where datagrams go to be sent: a list, or a lock before it."""

    def append(self, item: Datagram, /) -> None:
        """One datagram more."""


STEADY_UNITS: Final = 8000
"""A step of the timestamp below this (a second at 8 kHz) is the stream going on; a larger one is looked at."""
LATE_S: Final = 2.0
"""For so long after the path was taken up anew, packets from before that are dropped: what a mask held back must not come late."""


def _numbers(mark_type: int, sequence: int, timestamp: int) -> int:
    """A plain header, without its SSRC, as one number."""
    return PLAIN_FIRST_OCTET << 56 | mark_type << 48 | sequence << 32 | timestamp


class DirectPath:
    """Two parts. The `track` is the hot one, compiled: a packet that goes on as the one before did is renumbered by one addition. `carry`
    takes any packet of the source, finds out what changed, and opens the track again. The path is *anchored* while a fixed distance lies
    between the source's numbers and the stream's.
    """

    __slots__ = (
        "_anchor_sequence",
        "_anchored_at",
        "_sequence_offset",
        "_step",
        "_timestamp_offset",
        "outbox",
        "outlet",
        "source",
        "stream",
        "target",
        "track",
        "voice",
    )

    def __init__(self, outbox: Outbox, outlet: int, stream: OutStream) -> None:
        self.outbox = outbox
        self.outlet = outlet
        """Socket id of the leg that hears this path."""
        self.stream = stream
        self.voice: list[Route | None] = [None] * 256
        self.source: Address | None = None
        self.target: Address | None = None
        self.track = Track(stream_ssrc=stream.ssrc)
        self._step = 0
        """Timestamp units from one packet to the next."""
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._anchored_at: float | None = None
        self._anchor_sequence = 0

    @property
    def heard_at(self) -> float:
        """When the newest packet of the source came."""
        return self.track.heard_at

    @property
    def sequence(self) -> int:
        """Of the newest packet of the source, carried or not."""
        return self.track.newest >> 32 & SEQUENCE_MASK

    @property
    def timestamp(self) -> int:
        """Of the newest packet of the source, carried or not."""
        return self.track.newest & TIMESTAMP_MASK

    @property
    def next_timestamp(self) -> int:
        """Where the source's audio goes on, if it keeps the length of its last packet."""
        return (self.timestamp + self._step) & TIMESTAMP_MASK

    @property
    def due_at(self) -> float:
        """When the source's next packet should come."""
        return self.heard_at + self._step / self.stream.clock_rate

    def close(self) -> int:
        """Let go of the stream: whoever speaks on it next starts from where this path left it. Gives back the packets carried since the
        last time, for the counters."""
        carried = self.settle()
        self._anchored_at = None
        self.track.last = CLOSED
        return carried

    def settle(self) -> int:
        """Tell the stream how far the hot path has come. Gives back the packets it carried since the last time."""
        if self._anchored_at is not None:
            sequence = (self.sequence + self._sequence_offset) & SEQUENCE_MASK
            timestamp = (self.timestamp + self._timestamp_offset) & TIMESTAMP_MASK
            self.stream.settle(sequence, timestamp, self._step, self.heard_at)
        track = self.track
        carried = track.packets
        self.stream.packets += carried
        self.stream.octets += track.octets - HEADER_OCTETS * carried
        track.packets = track.octets = 0
        return carried

    def carry(self, packet: RtpPacket, route: Route, now: float, *, is_event: bool = False) -> bool:
        """Carry any packet of the source. False if it comes from before the path was taken up, and is dropped."""
        starts = 0
        if self._anchored_at is None or self._restarted(packet, route, now, is_event=is_event):
            self._anchor(packet, route, now, is_event=is_event)
            starts = 0 if is_event else MARKER
        elif now - self._anchored_at < LATE_S and sequence_step(packet.sequence, self._anchor_sequence) < 0:
            return False
        else:
            self.note(packet, now)
        header = HEADER.pack(
            PLAIN_FIRST_OCTET,
            route.mark_type | starts,
            (packet.sequence + self._sequence_offset) & SEQUENCE_MASK,
            (packet.timestamp + self._timestamp_offset) & TIMESTAMP_MASK,
            self.stream.ssrc,
        )
        if self.target is not None:
            payload = packet.payload if route.table is None else packet.payload.translate(route.table)
            self.outbox.append((self.outlet, header + payload, self.target))
            self.track.packets += 1
            self.track.octets += HEADER_OCTETS + len(payload)
        if packet.sequence == self.sequence:
            self._open(packet, route, is_event=is_event)
        return True

    def _open(self, packet: RtpPacket, route: Route, *, is_event: bool) -> None:
        """Let packets that go on like this one, the newest, go on directly, until a number of either stream would begin again."""
        track = self.track
        track.last = CLOSED
        if is_event or self.target is None or self._step == 0:
            return
        sequence = (packet.sequence + self._sequence_offset) & SEQUENCE_MASK
        timestamp = (packet.timestamp + self._timestamp_offset) & TIMESTAMP_MASK
        packets_left = min(
            SEQUENCE_MASK - max(packet.sequence, sequence),
            (TIMESTAMP_MASK - max(packet.timestamp, timestamp)) // self._step,
        )
        newest = _numbers(packet.payload_type, packet.sequence, packet.timestamp)
        track.newest = newest
        track.stride = (1 << 32) + self._step
        track.shift = _numbers(route.mark_type & ~MARKER, sequence, timestamp) - newest
        track.ssrc = packet.ssrc
        track.step_s = self._step / route.clock_rate
        track.table = route.table
        track.last = newest + packets_left * track.stride

    def leave_out(self, packet: RtpPacket, now: float) -> None:
        """A packet of the source that does not go on: the stream's numbers close up, so that nobody takes it for lost."""
        if self._anchored_at is not None and sequence_step(packet.sequence, self.sequence) > 0:
            self._sequence_offset = (self._sequence_offset - 1) & SEQUENCE_MASK
            self.track.last = CLOSED
        self.note(packet, now)

    def note(self, packet: RtpPacket, now: float) -> None:
        """Keep the source's numbers, if the packet is its newest. An event's packets share a timestamp: the time of the first counts."""
        if self._anchored_at is not None and sequence_step(packet.sequence, self.sequence) <= 0:
            return
        self.note_next(packet.sequence, packet.timestamp, now)

    def note_next(self, sequence: int, timestamp: int, now: float) -> None:
        """Keep the numbers of a packet that is plainly the source's newest."""
        step = (timestamp - self.timestamp) & TIMESTAMP_MASK
        self.track.newest = _numbers(0, sequence, timestamp)
        if 0 < step < STEADY_UNITS:
            self._step = step
        if step != 0:
            self.track.heard_at = now

    def _restarted(self, packet: RtpPacket, route: Route, now: float, *, is_event: bool) -> bool:
        """Whether the source began its numbers anew, or its clock jumped."""
        if leaps(packet.sequence, self.sequence):
            return True
        if is_event or sequence_step(packet.sequence, self.sequence) <= 0:
            return False
        drift = timestamp_step(packet.timestamp, self.timestamp) - (now - self.heard_at) * route.clock_rate
        return abs(drift) > JUMP_S * route.clock_rate

    def _anchor(self, packet: RtpPacket, route: Route, now: float, *, is_event: bool) -> None:
        """Fix the distance between the source's numbers and the stream's, so that the stream goes on without a break."""
        self.settle()
        stream = self.stream
        if not is_event:
            stream.clock_rate = route.clock_rate
        self._sequence_offset = (stream.sequence + 1 - packet.sequence) & SEQUENCE_MASK
        self._timestamp_offset = (stream.next_timestamp(now) - packet.timestamp) & TIMESTAMP_MASK
        self.track.newest, self.track.heard_at = _numbers(0, packet.sequence, packet.timestamp), now
        self._anchored_at = now
        self._anchor_sequence = packet.sequence
