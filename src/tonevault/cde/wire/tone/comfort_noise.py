"""Noise of the line's own level in place of what was taken out, and the measure of that level. It refuses to copy the customer's sound."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.level import power_of

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

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


def _table() -> Floats:
    """White noise of unit power. A fixed table: it hides nothing, it only keeps the line from sounding dead (RFC 3389 section 1)."""
    noise = np.random.default_rng(3389).standard_normal(_TABLE_LENGTH)
    return np.asarray(noise / noise.std(), np.float32)


_TABLE: Final = np.concatenate([_table(), _table()])

STEADY_FRAMES: Final = 3
"""60 ms: over so much even noise that lies in a narrow band is even, while syllables, which come four a second, still stand out."""

STEADY_OUTLIERS: Final = 2
STEADY_RATIO: Final = 2.0
"""But for the two loudest and the two quietest of 25 such spans noise stays within 3 dB; hurried speech spreads over 6 dB and more."""


class NoiseFloor:
    """Power of some lines in their recent pauses, in squared sample units."""

    def __init__(self, lines: int = 1) -> None:
        self._frames = np.full((lines, MEMORY_FRAMES), np.inf)
        """Infinite where nothing was heard yet."""
        self._next: Ints = np.zeros(lines, np.intp)
        self._energy = np.zeros(lines)
        self._count: Ints = np.zeros(lines, np.intp)

    def forget(self, line: int) -> None:
        """A new line begins in this place."""
        self._frames[line] = np.inf
        self._next[line] = self._energy[line] = self._count[line] = 0

    def hear(self, lines: Ints, samples: Floats) -> Ints:
        """Take samples, (lines, any number), that hold no tone; the lines of whose floor something new is known."""
        self._energy[lines] += np.einsum("ij,ij->i", samples, samples)
        self._count[lines] += samples.shape[1]
        lines = lines[self._count[lines] >= FRAME]
        at = self._next[lines]
        self._frames[lines, at] = self._energy[lines] / self._count[lines]
        self._next[lines] = (at + 1) % MEMORY_FRAMES
        self._energy[lines] = self._count[lines] = 0
        return lines

    def loud(self, lines: Ints, power: float) -> Ints:
        """Those of the lines whose memory is full and whose floor lies above `power`."""
        quiet = (self._frames[lines] <= power).sum(axis=1)
        full = self._frames[lines, -1] < np.inf
        return np.asarray(lines[(quiet <= QUIETEST) & full])

    def power(self, lines: Ints) -> NDArray[np.float64]:
        """The floor; zero where pauses are digital silence or nothing was heard."""
        ranked = np.sort(self._frames[lines], axis=1)
        floor = ranked[:, QUIETEST]
        short = np.isinf(floor)
        if short.any():
            loudest = np.where(np.isinf(ranked), 0, ranked).max(axis=1)
            floor = np.where(short, loudest, floor)
        return floor

    def dip(self, line: int) -> float:
        """The second quietest frame that is not digital silence: even speech without pauses soon dips to the line's noise."""
        frames = self._frames[line]
        heard = np.sort(frames[(frames > 0) & (frames < np.inf)])
        return float(heard[1]) if len(heard) > 1 else 0.0

    def steady(self, line: int) -> bool:
        """Whether all of the memory sounds like noise: the line said nothing else for as long as that."""
        in_order = np.roll(self._frames[line], -int(self._next[line]))
        ranked = np.sort(in_order.reshape(-1, STEADY_FRAMES).mean(axis=1))
        loudest, quietest = ranked[-1 - STEADY_OUTLIERS], ranked[STEADY_OUTLIERS]
        return bool(ranked[-1] < np.inf and loudest <= STEADY_RATIO * quietest)


class ComfortNoise:
    """Endless runs of noise, one for each of some lines."""

    def __init__(self, lines: int = 1) -> None:
        self._next: Ints = np.zeros(lines, np.intp)

    def forget(self, line: int) -> None:
        """A new line begins in this place."""
        self._next[line] = 0

    def take(self, lines: Ints, count: int, power: NDArray[np.float64]) -> Floats:
        """The next samples of each line, (lines, at most _TABLE_LENGTH), of the powers asked for or LOUDEST."""
        begin = self._next[lines]
        self._next[lines] = (begin + count) % _TABLE_LENGTH
        scale = np.sqrt(np.minimum(power, LOUDEST)).astype(np.float32)
        return np.asarray(_TABLE[begin[:, None] + np.arange(count)] * scale[:, None])
