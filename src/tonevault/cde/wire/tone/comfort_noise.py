"""Noise of the line's own level in place of what was taken out, and the measure of that level. It refuses to copy the customer's sound."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.level import power_of

FRAME: Final = 160
"""20 ms: the span over which power is measured."""

MEMORY_FRAMES: Final = 75
"""1.5 s: speech pauses within it, so that the quietest frame is the line's noise (minimum statistics, Martin 2001)."""

LOUDEST: Final = power_of(-35.0)
"""Comfort noise is never louder, however loud the line."""

_TABLE_LENGTH: Final = 16381
"""2 s, a prime number of samples, so that the table's repetition meets no rhythm of packets."""


def _table() -> NDArray[np.float32]:
    """White noise of unit power. A fixed table: it hides nothing, it only keeps the line from sounding dead (RFC 3389 section 1)."""
    noise = np.random.default_rng(3389).standard_normal(_TABLE_LENGTH)
    return np.asarray(noise / noise.std(), np.float32)


_TABLE: Final = np.concatenate([_table(), _table()])


class NoiseFloor:
    """Power of the quietest recent frame of a line, in squared sample units."""

    def __init__(self) -> None:
        self._frames: deque[float] = deque(maxlen=MEMORY_FRAMES)
        self._energy = 0.0
        self._count = 0
        self.power = 0.0

    @property
    def known(self) -> bool:
        """Whether enough was heard for the quietest frame to mean anything."""
        return len(self._frames) == MEMORY_FRAMES

    def hear(self, samples: NDArray[np.float32]) -> None:
        """Take samples that hold no tone. Digital silence, which a gap in transmission leaves, says nothing of the line and is skipped."""
        self._energy += float(samples @ samples)
        self._count += len(samples)
        if self._count >= FRAME:
            power = self._energy / self._count
            if power > 0:
                self._frames.append(power)
                self.power = min(self._frames)
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
