"""What a customer's phone sends, as a line of samples that knows when each was spoken: order, holes, codecs, clocks. It refuses to mask."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.media import Codec
from tonevault.cde.wire.g711 import Law, Voice
from tonevault.cde.wire.noise_payload import PauseNoise, noise_power
from tonevault.cde.wire.playout import FRAME_SAMPLES, SAMPLE_RATE_HZ, Hole, Piece, Playout, Spoken
from tonevault.cde.wire.rtp import TIMESTAMP_MASK, RtpPacket
from tonevault.cde.wire.stream_clock import StreamClock
from tonevault.cde.wire.telephone_event import EventUpdate
from tonevault.cde.wire.voice_codec import VoiceDecoder, decoder_for

Samples = NDArray[np.int16]

BACKDATED_S: Final = 0.25
"""A gateway that makes an event of a tone may date it back to where the tone began (RFC 4733 section 2.5.1.1), behind audio that was sent
already; what lies further behind is not numbered by the clock of the audio."""

LATEST_S: Final = 1.0
"""Audio that comes later than this, while the machine did not stand still, comes from a phone whose clock did."""
REPEATED_S: Final = 2.5
"""Redundancy reaches back 16,383 units of the clock (RFC 2198 section 3), 2 s at 8 kHz."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Some samples of the line, spoken at `at`; those that are `lost` are silence."""

    samples: Samples
    at: float
    lost: bool


NextVoice = tuple[int, int, Codec, bytes]
"""A voice packet: sequence number, timestamp, codec, payload."""


class SourceVoice:
    """One source. Times are monotonic seconds; samples are linear, 16 bits, at 8 kHz."""

    def __init__(self, now: float) -> None:
        self.playout = Playout(now)
        self._decoders: dict[Codec, VoiceDecoder | None] = {}
        self._codec: Codec | None = None
        self._usual: VoiceDecoder | None = None
        """The codec of the last packet, and its decoder."""
        self.law: Law | None = None
        """If that was G.711."""
        self._clocks: dict[int, StreamClock] = {}
        """By clock rate: a source of two codecs may have a clock for each (RFC 7160); events go by their audio's (RFC 4733 section 2.1)."""
        self._voiced: set[int] = set()
        """The clock rates at which there was audio. Where there is none, events must do."""
        self.settling = 0
        """Samples of the line in which a tone that its codec was thrown into may not yet be told."""
        self._noise = PauseNoise()
        self._noise_power = 0.0

    def follow(self, sequence: int, timestamp: int, due: float, clock_rate: int) -> None:
        """Take up a stream that was heard before: its last sequence number, and the timestamp and time of what is next."""
        self.playout.follow(sequence, timestamp, due, clock_rate)
        end = (timestamp + FRAME_SAMPLES * clock_rate // SAMPLE_RATE_HZ) & TIMESTAMP_MASK
        self._clocks[clock_rate] = StreamClock(clock_rate, end, due)
        self._voiced.add(clock_rate)

    def changed(self) -> None:
        """Another SSRC goes on: its numbers are its own, and so is its sound."""
        self.playout.source_changed()
        self._decoders.clear()
        self._codec = self._usual = self.law = None
        self._clocks.clear()
        self._voiced.clear()

    def voice(self, packet: RtpPacket, codec: Codec, now: float) -> list[Piece]:
        """A voice packet came. What the line hears next."""
        decoder = self._decoder(codec)
        length = 0 if decoder is None else decoder.length(packet.payload)
        if length == 0:
            return self.playout.skip(packet.sequence, now)
        spoken = Spoken(packet.sequence, packet.timestamp, codec, length, packet.payload)
        clock = self._clocks.get(codec.clock_rate)
        if clock is None:
            self._clocks[codec.clock_rate] = StreamClock(codec.clock_rate, spoken.end, now)
        else:
            clock.heard(spoken.end, now)
        self._voiced.add(codec.clock_rate)
        return self.playout.arrive(spoken, now)

    def next_packet(self, voice: NextVoice, now: float, stalled_s: float) -> float | None:
        """When a packet of G.711 was spoken that is plainly the next: what `voice` and `sounds` tell by a longer way. None, nothing done,
        where that must be gone; else its octets are what is to be heard, of `law`."""
        sequence, timestamp, codec, octets = voice
        clock = self._clocks.get(SAMPLE_RATE_HZ)
        if self.law is None or not octets or codec is not self._codec or clock is None:
            return None
        count = len(octets)
        if not self.playout.take_next(sequence, timestamp, count, now):
            return None
        self._voiced.add(SAMPLE_RATE_HZ)
        came_at, at = now - count / SAMPLE_RATE_HZ, clock.heard_next(timestamp, count, now)
        return came_at if came_at - at > stalled_s + LATEST_S else at

    def pause(self, packet: RtpPacket, now: float) -> list[Piece]:
        """Comfort noise came: the source pauses, and says how loud its pauses are."""
        self._noise_power = noise_power(packet.payload)
        return self.playout.pause(packet.sequence, now)

    def event(self, update: EventUpdate, now: float, stalled_s: float) -> tuple[float, float]:
        """When the event of a packet began, and until when the packet tells that it lasted.

        By the clock of the stream, so that a press has the same time as its tone however long either took to get here; by the arrival where
        the event is not numbered by that clock, or seems later than `stalled_s`, for which this machine stood still of late, can explain.
        """
        timestamp, duration = update.event.timestamp, update.event.duration
        end = (timestamp + duration) & TIMESTAMP_MASK
        rate = self._rate_of(update.clock_rate)
        came_since = now - duration / rate
        backdated_s = REPEATED_S if update.repeated else BACKDATED_S
        clock = self._clocks.get(rate)
        if clock is None:
            clock = self._clocks[rate] = StreamClock(rate, end, now)
        elif not clock.fits(end, now, backdated_s):
            return came_since, now
        elif rate not in self._voiced:
            clock.heard(end, now)
        onset = clock.when(timestamp)
        return (came_since, now) if came_since - onset > stalled_s + backdated_s else (onset, clock.when(end))

    def _rate_of(self, told: int) -> int:
        """The clock of events that are said to run at `told`: that of the audio beside them, as RFC 4733 section 2.1 has it: a phone
        that names 8 kHz in its offer, and speaks Opus, numbers its events at 48 (baresip does)."""
        return self.playout.clock_rate if self._voiced and told not in self._voiced else told

    def sounds(self, pieces: list[Piece], now: float, stalled_s: float) -> Iterator[Sound]:
        """What pieces sound like. A lost packet that the one after it repeats (Opus, RFC 6716 section 2.1.7) is not lost."""
        clock = self._clocks.get(self.playout.clock_rate)
        for piece, following in zip_longest(pieces, pieces[1:]):
            came_at = now - piece.samples / SAMPLE_RATE_HZ
            at = came_at if clock is None else clock.when(piece.timestamp)
            if came_at - at > stalled_s + LATEST_S:
                at = came_at
            if isinstance(piece, Spoken):
                yield Sound(self._decoded(piece), at, lost=False)
                continue
            repeated = self._repeated(piece, following)
            left = piece.samples - len(repeated)
            if left:
                yield Sound(self._silence(piece, left), at, lost=piece.lost)
            if len(repeated):
                yield Sound(repeated, at + left / SAMPLE_RATE_HZ, lost=False)

    def _decoded(self, spoken: Spoken) -> Samples:
        decoder = self._decoder(spoken.codec)
        return np.zeros(spoken.samples, np.int16) if decoder is None else decoder.decode(spoken.payload)

    def _repeated(self, hole: Hole, following: Piece | None) -> Samples:
        """The end of a hole, as far as the packet after it repeats it."""
        decoder = self._decoder(following.codec) if hole.lost and isinstance(following, Spoken) else None
        if decoder is None or not isinstance(following, Spoken):
            return np.zeros(0, np.int16)
        repeated = decoder.repeated(following.payload)
        return repeated if len(repeated) <= hole.samples else repeated[:0]

    def _silence(self, hole: Hole, samples: int) -> Samples:
        """Noise in a pause whose noise was told, silence in every other hole."""
        if hole.lost or self._noise_power == 0.0:
            return np.zeros(samples, np.int16)
        return self._noise.take(samples, self._noise_power)

    def _decoder(self, codec: Codec) -> VoiceDecoder | None:
        """Nearly always that of the packet before, which is told by identity alone: to hash a codec costs more than to look one up."""
        if codec is not self._codec:
            if codec not in self._decoders:
                decoder = self._decoders[codec] = decoder_for(codec)
                self.settling = max(self.settling, 0 if decoder is None else decoder.settling)
            self._codec, self._usual = codec, self._decoders[codec]
            self.law = self._usual.law if isinstance(self._usual, Voice) else None
        return self._usual
