"""Packets of one source in order and without holes, for what must hear a steady line: a little patience with disorder, silence for what
never came. It refuses to delay audio that comes as it should."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.wire.rtp import SEQUENCE_MASK, TIMESTAMP_MASK, sequence_step, timestamp_step

SAMPLE_RATE_HZ: Final = 8000
FRAME_SAMPLES: Final = 160
"""20 ms: in such steps silence is filled in while nothing comes (RFC 3551 section 4.2, the default packet)."""
PATIENCE_S: Final = 0.1
"""Silence is filled in when a packet is this late. A keypad tone that a jitter burst interrupts must not be cut in two by a hasty filling;
bursts on public networks mostly stay below 100 ms (ITU-T Y.1541 class 0 allows 50)."""
REORDER_WAIT_S: Final = 0.01
"""A packet that overtook another waits so long for it: parallel links swap neighbours by less than half a packet time."""
REORDER_PACKETS: Final = 4
"""At most so many wait, whatever the clock says."""
GAP_SAMPLES: Final = 1600
"""A hole of up to 200 ms is filled; a larger one is the sender's clock that jumped, or its pause that was filled already."""
MISORDER: Final = 100
"""RFC 3550 appendix A.1: a sequence number further behind is a restart."""
AHEAD_SAMPLES: Final = 1600
"""Filled silence may push what came late back by up to 200 ms; beyond that a burst is thinned out to catch up."""
LATEST_SAMPLES: Final = 40000
"""Audio up to 5 s late is late; a timestamp further back is a clock that jumped."""
BURST_S: Final = 0.01
"""Packets of 20 ms that come closer together than this are a burst."""
STALL_SAMPLES: Final = 8000
"""After a second or more without a tick (the process was stopped) only a second is filled."""

Piece = bytes | int
"""G.711 octets of one packet, or a number of samples that never came."""


@dataclass(slots=True)
class _Waiting:
    sequence: int
    timestamp: int
    octets: bytes


class Playout:
    """The order in which a line hears one G.711 source. Times are monotonic seconds; an octet is a sample at 8 kHz.

    Audio drives it: a packet in its order comes out at once. The clock takes over where audio fails: `tick` fills in silence, from
    the first late moment on in step with time, until audio comes again.
    """

    __slots__ = (
        "_ahead",
        "_arrived_at",
        "_due",
        "_filling",
        "_sequence",
        "_timestamp",
        "_unknown",
        "_wait_until",
        "_waiting",
        "filled_samples",
        "late_packets",
    )

    def __init__(self, now: float) -> None:
        self._unknown = True
        """The source's numbers are not known: the next packet tells them."""
        self._sequence = 0
        self._timestamp = 0
        self._due = now
        self._filling = False
        self._ahead = 0
        self._arrived_at = now
        self._waiting: list[_Waiting] = []
        self._wait_until = 0.0
        self.filled_samples = 0
        self.late_packets = 0

    def follow(self, sequence: int, timestamp: int, due: float) -> None:
        """Take up a stream that was heard before: its last sequence number, the timestamp and the time of its next sample."""
        self._unknown = False
        self._sequence, self._timestamp, self._due = sequence, timestamp, due

    def source_changed(self) -> None:
        """Another SSRC goes on: its numbers are its own."""
        self._unknown = True
        self._waiting.clear()

    def arrive(self, sequence: int, timestamp: int, octets: bytes, now: float) -> list[Piece]:
        """A voice packet came. What the line hears next, in order; nothing while the packet waits for one before it."""
        if self._unknown:
            self._unknown = False
            return self._play(sequence, self._timestamp_of_jump(timestamp), octets, now)
        order = sequence_step(sequence, self._sequence)
        if order < -MISORDER:
            self._waiting.clear()
            return self._play(sequence, self._timestamp_of_jump(timestamp), octets, now)
        if order <= 0 or any(packet.sequence == sequence for packet in self._waiting):
            self.late_packets += 1
            return []
        gap = timestamp_step(timestamp, self._timestamp)
        if order > 1 and 0 < gap <= GAP_SAMPLES and len(self._waiting) < REORDER_PACKETS:
            if not self._waiting:
                self._wait_until = now + REORDER_WAIT_S
            self._waiting.append(_Waiting(sequence, timestamp, octets))
            self._waiting.sort(key=lambda packet: sequence_step(packet.sequence, self._sequence))
            return []
        return self._play(sequence, timestamp, octets, now) + self._release(now, only_next=True)

    def skip(self, sequence: int, now: float) -> list[Piece]:
        """A packet that is no audio (an event) took this number: it is not missing."""
        if self._unknown or sequence_step(sequence, self._sequence) <= 0:
            return []
        pieces = self._release(now, only_next=False) if self._waiting else []
        if sequence_step(sequence, self._sequence) > 0:
            self._sequence = sequence
        return pieces

    def tick(self, now: float, patience_s: float = PATIENCE_S) -> list[Piece]:
        """Time passes: what waited too long comes out, and silence where nothing came for longer than `patience_s`."""
        if self._waiting:
            return self._release(now, only_next=False) if now >= self._wait_until else []
        if now < self._due + (0.0 if self._filling else patience_s):
            return []
        self._filling = True
        frames = int((now - self._due) * SAMPLE_RATE_HZ) // FRAME_SAMPLES + 1
        owed = frames * FRAME_SAMPLES
        self._due += owed / SAMPLE_RATE_HZ
        self._timestamp = (self._timestamp + owed) & TIMESTAMP_MASK
        saved = min(owed, self._ahead)
        self._ahead -= saved
        return self._fill(min(owed - saved, STALL_SAMPLES))

    def _release(self, now: float, *, only_next: bool) -> list[Piece]:
        pieces: list[Piece] = []
        while self._waiting and not (
            only_next and self._waiting[0].sequence != (self._sequence + 1) & SEQUENCE_MASK
        ):
            packet = self._waiting.pop(0)
            pieces += self._play(packet.sequence, packet.timestamp, packet.octets, now)
        return pieces

    def _timestamp_of_jump(self, timestamp: int) -> int:
        self._timestamp = timestamp
        return timestamp

    def _play(self, sequence: int, timestamp: int, octets: bytes, now: float) -> list[Piece]:
        gap = timestamp_step(timestamp, self._timestamp)
        in_burst = now - self._arrived_at < BURST_S
        self._arrived_at = now
        self._sequence = sequence
        if not in_burst:
            self._ahead = min(self._ahead, AHEAD_SAMPLES)
        pieces: list[Piece] = []
        if 0 < gap <= GAP_SAMPLES:
            saved = min(gap, self._ahead)
            self._ahead -= saved
            pieces = self._fill(gap - saved)
        elif -LATEST_SAMPLES <= gap < 0:
            self._ahead = min(self._ahead - gap, LATEST_SAMPLES)
        length = len(octets)
        if in_burst and self._ahead > AHEAD_SAMPLES:
            self._ahead -= length
            self.late_packets += 1
            octets = b""
        self._timestamp = (timestamp + length) & TIMESTAMP_MASK
        self._due = now + length / SAMPLE_RATE_HZ
        self._filling = False
        return [*pieces, octets] if octets else pieces

    def _fill(self, samples: int) -> list[Piece]:
        self.filled_samples += samples
        return [samples] if samples else []
