"""Noise of the line's own level in place of what was taken out, and the measure of that level. It refuses to copy the customer's sound."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.level import power_of

FRAME: Final = 160
"""20 ms: the span over which power is measured."""

MEMORY_FRAMES: Final = 75
"""1.5 s: speech pauses within it, so that its quietest frames are the line's noise (minimum statistics, Martin 2001)."""

QUIETEST: Final = 7
"""The floor is the eighth quietest of 75 frames: lost packets, filled with silence, do not make a noisy line a quiet one up to 9 % loss."""

LOUDEST: Final = power_of(-35.0)
"""Comfort noise is never louder, however loud the line."""

_TABLE_LENGTH: Final = 16381
"""2 s, a prime number of samples, so that the table's repetition meets no rhythm of packets."""


def _table() -> NDArray[np.float32]:
    """White noise of unit power. A fixed table: it hides nothing, it only keeps the line from sounding dead (RFC 3389 section 1)."""
    noise = np.random.default_rng(3389).standard_normal(_TABLE_LENGTH)
    return np.asarray(noise / noise.std(), np.float32)


_TABLE: Final = np.concatenate([_table(), _table()])

STEADY_RATIO: Final = 2.0
"""Noise alone keeps its louder frames within 3 dB of the floor (20 ms of white noise vary by 0.5 dB); hurried speech spreads over 8 dB."""


class NoiseFloor:
    """Power of a line in its recent pauses, in squared sample units; zero where pauses are digital silence or nothing was heard."""

    def __init__(self) -> None:
        self._frames: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._energy = 0.0
        self._count = 0
        self.power = 0.0
        self.dip = 0.0
        """The second quietest frame that is not digital silence: even speech without pauses soon dips to the line's noise."""
        self.steady = False
        """Whether all of the memory sounds like noise: the line said nothing else for as long as that."""

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take samples that hold no tone."""
        self._energy += float(samples @ samples)
        self._count += len(samples)
        if self._count >= FRAME:
            self._frames.append(self._energy / self._count)
            ranked = sorted(self._frames)
            self.power = ranked[min(QUIETEST, len(ranked) - 1)]
            heard = [power for power in ranked if power > 0]
            self.dip = heard[1] if len(heard) > 1 else 0.0
            self.steady = len(ranked) == MEMORY_FRAMES and ranked[-1 - QUIETEST] <= STEADY_RATIO * self.power
            self._energy, self._count = 0.0, 0


class ComfortNoise:
    """An endless run of noise."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int, power: float) -> NDArray[np.float32]:
        """The next samples, at most _TABLE_LENGTH, of the power asked for or LOUDEST."""
        piece = _TABLE[self._next : self._next + count]
        self._next = (self._next + count) % _TABLE_LENGTH
        return piece * np.float32(np.sqrt(min(power, LOUDEST)))
