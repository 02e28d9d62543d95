"""Both sides of a call on one line of time: packets go in as they were sent, frames come out in order, silence where there was none. It
refuses to wait for what comes late."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.media import Codec
from tonevault.cde.wire.rtp import timestamp_step
from tonevault.cde.wire.voice_codec import SAMPLE_RATE_HZ, VoiceDecoder, decoder_for

CODECS: Final = (
    Codec(0, "PCMU", 8000),
    Codec(8, "PCMA", 8000),
    Codec(9, "G722", 8000),
    Codec(111, "OPUS", 48000, 2),
)
"""What can be recorded, by the number it has between worker and recorder; payload types are each call's own."""
KEPT: Final = 4 * SAMPLE_RATE_HZ
"""Frames that wait to be written, at most."""
ASTRAY: Final = SAMPLE_RATE_HZ // 4
"""A packet whose timestamp puts it a quarter of a second away from when it was sent is put where it was sent: clocks drift and jump."""
SILENCE: Final = bytes(4 * SAMPLE_RATE_HZ)
"""A second of it."""


class _Side:
    """One channel: its decoders, and where in time its timestamps are."""

    def __init__(self) -> None:
        self._decoders: dict[int, VoiceDecoder | None] = {}
        self._clock_rate = 0
        self._timestamp = 0
        self._place = 0

    def placed(self, codec: int, timestamp: int, expected: int) -> int:
        """Where a packet that was sent at `expected` begins."""
        rate = CODECS[codec].clock_rate
        place = (
            self._place + timestamp_step(timestamp, self._timestamp) * SAMPLE_RATE_HZ // self._clock_rate
            if rate == self._clock_rate
            else expected
        )
        if abs(place - expected) > ASTRAY:
            place = expected
        self._clock_rate, self._timestamp, self._place = rate, timestamp, place
        return place

    def samples(self, codec: int, payload: bytes) -> NDArray[np.int16]:
        if codec not in self._decoders:
            self._decoders[codec] = decoder_for(CODECS[codec])
        decoder = self._decoders[codec]
        if decoder is None or decoder.length(payload) == 0:
            return np.zeros(0, np.int16)
        return decoder.decode(payload)


class RecordedCall:
    """One call. Times are monotonic seconds of the machine, the same in all processes."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """`write` takes whole stereo frames."""
        self._write = write
        self._began: float | None = None
        self._sides = (_Side(), _Side())
        self._waiting: NDArray[np.int16] = np.zeros((KEPT, 2), "<i2")
        self._base = 0
        """The frame that the first of those that wait is."""
        self._end = 0
        """Behind the last frame that holds any sound."""

    def take(self, side: int, codec: int, timestamp: int, sent_at: float, payload: bytes) -> None:
        """A packet was sent: by 0 to the agent, by 1 to the customer. What would stand before what is written already is left out."""
        if self._began is None:
            self._began = sent_at
        expected = round((sent_at - self._began) * SAMPLE_RATE_HZ)
        channel = self._sides[side]
        place = channel.placed(codec, timestamp, expected)
        samples = channel.samples(codec, payload)
        start = max(0, self._base - place)
        stop = min(len(samples), self._base + KEPT - place)
        if start < stop:
            self._waiting[place + start - self._base : place + stop - self._base, side] = samples[start:stop]
            self._end = max(self._end, place + stop)

    def settle(self, until: float) -> None:
        """Write all that was sent before `until`, and silence where nothing was. Raises what `write` raises."""
        if self._began is not None:
            self._write_to(round((until - self._began) * SAMPLE_RATE_HZ))

    def finish(self) -> None:
        """Write all there is."""
        self._write_to(self._end)

    def _write_to(self, frame: int) -> None:
        count = frame - self._base
        if count <= 0:
            return
        held = min(count, KEPT)
        frames = self._waiting[:held].tobytes()
        self._waiting[: KEPT - held] = self._waiting[held:].copy()
        self._waiting[KEPT - held :] = 0
        self._base = frame
        self._write(frames)
        missing = 4 * (count - held)
        while missing:
            piece = SILENCE[:missing]
            self._write(piece)
            missing -= len(piece)
