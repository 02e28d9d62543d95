"""The neutral beep that the agent hears for a key: one pitch, one length, one level, whatever the key and however long it is held."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.level import peak_of

BEEP_HZ: Final = 520.0
"""A single tone 25 % below the lowest row tone (Q.23), with no column beside it. Its harmonics, which companding adds some 35 dB down,
lie at 1040, 1560 and 2080 Hz, each more than 4 % from every row and column, so beyond the ±3.5 % that Q.24 has receivers reject. It is
no tone of a network either (those use 350, 425, 440, 480 and 620 Hz, ITU-T E.180)."""

BEEP_SAMPLES: Final = 480
"""60 ms: 31 periods, so a clear pitch, and short enough that keys at the fastest legal pace (Q.24: 40 ms on, 40 ms off) each keep a beep
of their own with a pause after it."""

BEEP_GAP_SAMPLES: Final = 160
"""20 ms: the least pause between two beeps, so that two keys are heard as two."""

BEEP_LEVEL_DBM0: Final = -16.0
"""About the level of quiet speech: heard beside a talking customer, never startling in a headset."""

BEEP_FADE_SAMPLES: Final = 40
"""5 ms raised-cosine edges: no click, and no broadband edge in which a detector could find a pair of tones."""


def _waveform() -> NDArray[np.float32]:
    tone = peak_of(BEEP_LEVEL_DBM0) * np.sin(2 * np.pi * BEEP_HZ / SAMPLE_RATE_HZ * np.arange(BEEP_SAMPLES))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(BEEP_FADE_SAMPLES) + 0.5) / BEEP_FADE_SAMPLES)
    tone[:BEEP_FADE_SAMPLES] *= ramp
    tone[-BEEP_FADE_SAMPLES:] *= ramp[::-1]
    waveform: NDArray[np.float32] = tone.astype(np.float32)
    waveform.flags.writeable = False
    return waveform


BEEP: Final = _waveform()
"""The one beep, shape (BEEP_SAMPLES,), linear sample units. Every beep of every key is these very samples."""

QUEUE_LIMIT: Final = 8
"""Beeps that may wait: keys faster than 80 ms each are beyond Q.24, so more than a burst of late events never waits."""


class Beeper:
    """Plays one beep for each `ring`, one after the other. Times count the samples of its line."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()
        self._now = 0
        self._free_at = 0
        """When another beep may begin."""
        self._ends_at = 0

    @property
    def idle(self) -> bool:
        """Whether nothing sounds and nothing waits."""
        return not self._waiting and self._now >= self._ends_at

    def ring(self, at: int = 0) -> None:
        """One more beep: at sample `at`, or now where that has passed, and after those that sound and wait."""
        if len(self._waiting) < QUEUE_LIMIT:
            self._waiting.append(at)

    def next(self, now: int, count: int) -> int | None:
        """Where the beep begins that sounds in the next `count` samples, at most BEEP_GAP_SAMPLES of them, so that no two do; None where
        none does. The first of them is sample `now`. While it is idle it need not be asked."""
        if self._ends_at <= now and self._waiting:
            begin = max(self._waiting[0], self._free_at, now)
            if begin < now + count:
                self._waiting.popleft()
                self._ends_at = begin + BEEP_SAMPLES
                self._free_at = self._ends_at + BEEP_GAP_SAMPLES
        self._now = now + count
        return self._ends_at - BEEP_SAMPLES if self._ends_at > now else None
