"""The path of a packet that is only carried: numbers moved, payload untouched. It refuses whatever is not plainly the next packet."""

from typing import Final, Protocol

from tonevault.cde.edge.relay.latch import Address
from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.edge.relay.payload_map import Route
from tonevault.cde.edge.relay.source_watch import leaps
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
JUMP_S: Final = 2.0
"""A timestamp that is this far from where the clock says it should be has jumped: the sender began its count anew."""
LATE_S: Final = 2.0
"""For so long after the path was taken up anew, packets from before that are dropped: what a mask held back must not come late."""
CLOSED: Final = -1
"""No SSRC equals it: nothing goes on directly."""


class DirectPath:
    """Two parts. `forward` is the hot one: a packet that goes on as the one before did is renumbered in a few look-ups. `carry` takes any
    packet of the source, finds out what changed, and opens the hot path again. The path is *anchored* while a fixed distance lies between
    the source's numbers and the stream's.
    """

    __slots__ = (
        "_anchor_sequence",
        "_anchored_at",
        "_octets",
        "_open_ssrc",
        "_packets",
        "_sequence_offset",
        "_step",
        "_timestamp_offset",
        "heard_at",
        "jitter",
        "outbox",
        "outlet",
        "sequence",
        "source",
        "stream",
        "target",
        "timestamp",
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
        self.sequence = 0
        self.timestamp = 0
        """Of the newest packet of the source, carried or not."""
        self.heard_at = 0.0
        self.jitter = 0.0
        """RFC 3550 section 6.4.1, in timestamp units."""
        self._step = 0
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._anchored_at: float | None = None
        self._anchor_sequence = 0
        self._open_ssrc = CLOSED
        self._packets = 0
        self._octets = 0

    def forward(self, buffer: bytearray, length: int, now: float) -> bool:
        """Make the datagram in the first `length` octets of `buffer`, which `source` sent, the one that `target` is to be sent, if it is
        plainly the next voice packet. False, and nothing done, if it needs looking at."""
        if length <= HEADER_OCTETS or self.target is None:
            return False
        first, mark_type, sequence, timestamp, ssrc = HEADER.unpack_from(buffer)
        step = (timestamp - self.timestamp) & TIMESTAMP_MASK
        if (
            ssrc != self._open_ssrc
            or first != PLAIN_FIRST_OCTET
            or (sequence - self.sequence) & SEQUENCE_MASK != 1
            or step >= STEADY_UNITS
        ):
            return False
        route = self.voice[mark_type]
        if route is None:
            return False
        stream = self.stream
        drift = (now - self.heard_at) * stream.clock_rate - step
        self.jitter += ((drift if drift > 0 else -drift) - self.jitter) * 0.0625
        self.sequence = sequence
        self.timestamp = timestamp
        self._step = step
        self.heard_at = now
        self._packets += 1
        self._octets += length
        out_type, table, _ = route
        HEADER.pack_into(
            buffer,
            0,
            PLAIN_FIRST_OCTET,
            out_type,
            (sequence + self._sequence_offset) & SEQUENCE_MASK,
            (timestamp + self._timestamp_offset) & TIMESTAMP_MASK,
            stream.ssrc,
        )
        if table is not None:
            buffer[HEADER_OCTETS:length] = buffer[HEADER_OCTETS:length].translate(table)
        return True

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
        self._open_ssrc = CLOSED
        return carried

    def settle(self) -> int:
        """Tell the stream how far the hot path has come. Gives back the packets it carried since the last time."""
        if self._anchored_at is not None:
            sequence = (self.sequence + self._sequence_offset) & SEQUENCE_MASK
            timestamp = (self.timestamp + self._timestamp_offset) & TIMESTAMP_MASK
            self.stream.settle(sequence, timestamp, self._step, self.heard_at)
        carried = self._packets
        self.stream.packets += carried
        self.stream.octets += self._octets - HEADER_OCTETS * carried
        self._packets = self._octets = 0
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
            self._packets += 1
            self._octets += HEADER_OCTETS + len(payload)
        return True

    def leave_out(self, packet: RtpPacket, now: float) -> None:
        """A packet of the source that does not go on: the stream's numbers close up, so that nobody takes it for lost."""
        if self._anchored_at is not None and sequence_step(packet.sequence, self.sequence) > 0:
            self._sequence_offset = (self._sequence_offset - 1) & SEQUENCE_MASK
        self.note(packet, now)

    def note(self, packet: RtpPacket, now: float) -> None:
        """Keep the source's numbers, if the packet is its newest. An event's packets share a timestamp: the time of the first counts."""
        if self._anchored_at is not None and sequence_step(packet.sequence, self.sequence) <= 0:
            return
        step = timestamp_step(packet.timestamp, self.timestamp)
        self.sequence, self.timestamp = packet.sequence, packet.timestamp
        if 0 < step < STEADY_UNITS:
            self._step = step
        if step != 0:
            self.heard_at = now

    def note_next(self, sequence: int, timestamp: int, now: float) -> None:
        """Keep the numbers of a packet that is plainly the source's next."""
        step = (timestamp - self.timestamp) & TIMESTAMP_MASK
        self.sequence, self.timestamp = sequence, timestamp
        if 0 < step < STEADY_UNITS:
            self._step = step
        if step != 0:
            self.heard_at = now

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
        self.sequence, self.timestamp, self.heard_at = packet.sequence, packet.timestamp, now
        self._anchored_at = now
        self._anchor_sequence = packet.sequence
        self._open_ssrc = packet.ssrc
