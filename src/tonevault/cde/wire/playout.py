"""Packets of one source in order and without holes, for what must hear a steady line: a little patience with disorder, a hole told as one
where nothing came. It refuses to delay audio that comes as it should."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.media import Codec
from tonevault.cde.wire.rtp import SEQUENCE_MASK, TIMESTAMP_MASK, sequence_step, timestamp_step

SAMPLE_RATE_HZ: Final = 8000
"""Of the line, whatever the clock of the source: all lengths are in its samples."""
FRAME_SAMPLES: Final = 160
"""20 ms: in such steps holes are filled in while nothing comes (RFC 3551 section 4.2, the default packet)."""
PATIENCE_S: Final = 0.1
"""A hole is filled in when a packet is this late. A keypad tone that a jitter burst interrupts must not be cut in two by a hasty filling;
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
"""Filled holes may push what came late back by up to 200 ms; beyond that a burst is thinned out to catch up."""
LATEST_SAMPLES: Final = 40000
"""Audio up to 5 s late is late; a timestamp further back is a clock that jumped."""
BURST_S: Final = 0.01
"""Packets of 20 ms that come closer together than this are a burst."""
STALL_SAMPLES: Final = 8000
"""After a second or more without a tick (the process was stopped) only a second is filled."""


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """A packet of audio. `samples` is its length on the line."""

    sequence: int
    timestamp: int
    codec: Codec
    samples: int
    payload: bytes

    @property
    def clock_rate(self) -> int:
        """Of its timestamp, in Hz."""
        return self.codec.clock_rate

    @property
    def end(self) -> int:
        """The timestamp at which it ends."""
        return (self.timestamp + self.samples * self.clock_rate // SAMPLE_RATE_HZ) & TIMESTAMP_MASK


@dataclass(frozen=True, slots=True)
class Hole:
    """Samples that never came, the first of them of `timestamp`. Not `lost`: the source left them out, because nothing is said."""

    timestamp: int
    samples: int
    lost: bool


Piece = Spoken | Hole


class Playout:
    """The order in which a line hears one source. Times are monotonic seconds.

    Audio drives it: a packet in its order comes out at once. The clock takes over where audio fails: `tick` tells of holes, from
    the first late moment on in step with time, until audio comes again.
    """

    __slots__ = (
        "_ahead",
        "_arrived_at",
        "_due",
        "_filling",
        "_missing",
        "_pausing",
        "_sequence",
        "_timestamp",
        "_unknown",
        "_wait_until",
        "_waiting",
        "clock_rate",
        "filled_samples",
        "late_packets",
    )

    def __init__(self, now: float) -> None:
        self._unknown = True
        """The source's numbers are not known: the next packet tells them."""
        self.clock_rate = SAMPLE_RATE_HZ
        """Of the source's timestamps."""
        self._sequence = 0
        self._timestamp = 0
        self._due = now
        self._filling = False
        self._missing = False
        """Packets before one that was no audio are missing, and may have been audio."""
        self._pausing = False
        """The source said that it pauses."""
        self._ahead = 0
        self._arrived_at = now
        self._waiting: list[Spoken] = []
        self._wait_until = 0.0
        self.filled_samples = 0
        self.late_packets = 0

    def follow(self, sequence: int, timestamp: int, due: float, clock_rate: int) -> None:
        """Take up a stream that was heard before: its last sequence number, the timestamp and the time of its next sample."""
        self._unknown = False
        self._sequence, self._timestamp, self._due = sequence, timestamp, due
        self.clock_rate = clock_rate

    def source_changed(self) -> None:
        """Another SSRC goes on: its numbers are its own."""
        self._unknown = True
        self._waiting.clear()

    def arrive(self, packet: Spoken, now: float) -> list[Piece]:
        """A voice packet came. What the line hears next, in order; nothing while the packet waits for one before it."""
        order = sequence_step(packet.sequence, self._sequence)
        repeated = bool(self._waiting) and any(one.sequence == packet.sequence for one in self._waiting)
        if not self._unknown and (-MISORDER <= order <= 0 or repeated):
            self.late_packets += 1
            return []
        if self._unknown or order < 0 or packet.clock_rate != self.clock_rate:
            self._waiting.clear()
            self._unknown = False
            self.clock_rate, self._timestamp = packet.clock_rate, packet.timestamp
            return self._play(packet, now, lost=False)
        if (
            order > 1
            and 0 < self._gap(packet.timestamp) <= GAP_SAMPLES
            and len(self._waiting) < REORDER_PACKETS
        ):
            if not self._waiting:
                self._wait_until = now + REORDER_WAIT_S
            self._waiting.append(packet)
            self._waiting.sort(key=lambda one: sequence_step(one.sequence, self._sequence))
            return []
        return self._play(packet, now, lost=order > 1) + self._release(now, only_next=True)

    def take_next(self, sequence: int, timestamp: int, samples: int, now: float) -> bool:
        """A packet at the line's own clock came. Whether it is plainly the next, and is heard at once: it begins where the last one ended,
        none waits, and none came late. Then this is what `arrive` would have done; else nothing was done."""
        if (
            sequence != (self._sequence + 1) & SEQUENCE_MASK
            or timestamp != self._timestamp
            or self.clock_rate != SAMPLE_RATE_HZ
            or self._unknown
            or self._waiting
            or self._ahead
        ):
            return False
        self._arrived_at = now
        self._sequence = sequence
        self._timestamp = (timestamp + samples) & TIMESTAMP_MASK
        self._due = now + samples / SAMPLE_RATE_HZ
        self._filling = self._pausing = self._missing = False
        return True

    def skip(self, sequence: int, now: float) -> list[Piece]:
        """A packet that is no audio (an event) took this number: it is not missing."""
        if self._unknown or sequence_step(sequence, self._sequence) <= 0:
            return []
        pieces = self._release(now, only_next=False) if self._waiting else []
        step = sequence_step(sequence, self._sequence)
        if step > 0:
            self._missing = self._missing or step > 1
            self._sequence = sequence
        return pieces

    def pause(self, sequence: int, now: float) -> list[Piece]:
        """The source says that it pauses from here on: nothing is late until it speaks again."""
        if not self._unknown and sequence_step(sequence, self._sequence) > 0:
            self._pausing = True
        return self.skip(sequence, now)

    def tick(self, now: float, patience_s: float = PATIENCE_S) -> list[Piece]:
        """Time passes: what waited too long comes out, and holes where nothing came for longer than `patience_s`."""
        if self._waiting:
            return self._release(now, only_next=False) if now >= self._wait_until else []
        if now < self._due + (0.0 if self._filling or self._pausing else patience_s):
            return []
        self._filling = True
        frames = int((now - self._due) * SAMPLE_RATE_HZ) // FRAME_SAMPLES + 1
        owed = frames * FRAME_SAMPLES
        self._due += owed / SAMPLE_RATE_HZ
        saved = min(owed, self._ahead)
        self._ahead -= saved
        hole = self._hole(min(owed - saved, STALL_SAMPLES), lost=not self._pausing)
        self._timestamp = self._after(owed)
        return hole

    def _gap(self, timestamp: int) -> int:
        return timestamp_step(timestamp, self._timestamp) * SAMPLE_RATE_HZ // self.clock_rate

    def _after(self, samples: int) -> int:
        return (self._timestamp + samples * self.clock_rate // SAMPLE_RATE_HZ) & TIMESTAMP_MASK

    def _release(self, now: float, *, only_next: bool) -> list[Piece]:
        pieces: list[Piece] = []
        while self._waiting and not (
            only_next and self._waiting[0].sequence != (self._sequence + 1) & SEQUENCE_MASK
        ):
            packet = self._waiting.pop(0)
            pieces += self._play(packet, now, lost=sequence_step(packet.sequence, self._sequence) > 1)
        return pieces

    def _play(self, packet: Spoken, now: float, *, lost: bool) -> list[Piece]:
        gap = self._gap(packet.timestamp)
        in_burst = now - self._arrived_at < BURST_S
        self._arrived_at = now
        self._sequence = packet.sequence
        if not in_burst:
            self._ahead = min(self._ahead, AHEAD_SAMPLES)
        pieces: list[Piece] = []
        if 0 < gap <= GAP_SAMPLES:
            saved = min(gap, self._ahead)
            self._ahead -= saved
            pieces = self._hole(gap - saved, lost=lost or self._missing)
        elif -LATEST_SAMPLES <= gap < 0:
            self._ahead = min(self._ahead - gap, LATEST_SAMPLES)
        if in_burst and self._ahead > AHEAD_SAMPLES:
            self._ahead -= packet.samples
            self.late_packets += 1
        else:
            pieces.append(packet)
        self._timestamp = packet.end
        self._due = now + packet.samples / SAMPLE_RATE_HZ
        self._filling = self._pausing = self._missing = False
        return pieces

    def _hole(self, samples: int, *, lost: bool) -> list[Piece]:
        self.filled_samples += samples
        return [Hole(self._timestamp, samples, lost)] if samples else []
