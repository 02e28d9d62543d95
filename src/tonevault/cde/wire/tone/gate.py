"""Which samples in delay lines may leave them and which may not, with faded edges. It refuses to know why a stretch is closed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.sliding import sliding

Ints = NDArray[np.intp]
Gains = NDArray[np.float32]

FADE: Final = 16
"""2 ms raised-cosine edges, all of them outside the closed stretch: no click, and nothing of what is closed is heard in the fade."""

HISTORY: Final = 960
"""120 ms of samples that have left are remembered, so that a tone told late can be asked whether it got out."""


def _ramp() -> Gains:
    """A raised-cosine kernel of FADE + 1 taps whose sum is 1."""
    kernel = 1 - np.cos(2 * np.pi * (np.arange(FADE + 1) + 1) / (FADE + 2))
    return np.asarray(kernel / kernel.sum(), np.float32)


_RAMP: Final = _ramp()


class Gate:
    """Open and closed stretches of some lines, whose samples leave `delay` samples after they entered. Positions count a line's samples
    from 0. A line in which nothing was closed of late costs next to nothing."""

    def __init__(self, lines: int, delay: int) -> None:
        self._delay = delay
        self._closed = np.zeros((lines, HISTORY + delay), np.bool_)
        self._positions: Ints = np.zeros(lines, np.intp)
        self._until: Ints = np.zeros(lines, np.intp)
        """Where the last closed stretch of a line ends."""

    def forget(self, line: int) -> None:
        """A new line begins in this place, all open."""
        self._closed[line] = False
        self._positions[line] = self._until[line] = 0

    def earliest(self, line: int) -> int:
        """The first position from which a stretch can still be closed whole, its fade included."""
        return int(self._positions[line]) - self._delay + FADE

    def holds(self, line: int) -> bool:
        """Whether any sample in the line, or yet to enter it, is closed, or the fade after one has not yet left."""
        if self._until[line] > self._positions[line]:
            return True
        return self._touched(line) and bool(self._closed[line, -self._delay - FADE :].any())

    def enter(self, lines: Ints, count: int) -> None:
        """Samples enter the lines, at most HISTORY; as many leave them, of which `gain` then tells."""
        before = self._positions[lines]
        touched = (self._until[lines] > before - self._closed.shape[1]).nonzero()[0]
        if len(touched):
            chosen = lines[touched]
            fresh = np.arange(count) < (self._until[chosen] - before[touched])[:, None]
            self._closed[chosen] = np.concatenate([self._closed[chosen, count:], fresh], axis=1)
        self._positions[lines] = before + count

    def close(self, line: int, start: int, stop: int) -> None:
        """Close from `start` to before `stop`, also where that has not yet entered."""
        if not self._touched(line):
            self._closed[line] = False
        origin = int(self._positions[line]) - self._closed.shape[1]
        self._closed[line, max(start - origin, 0) : max(stop - origin, 0)] = True
        self._until[line] = max(int(self._until[line]), stop)

    def gain(self, lines: Ints, count: int) -> tuple[Ints, Gains]:
        """Places, in `lines`, of those whose `count` samples that left last are not all open, and the gain of these, 0 to 1, (those,
        count)."""
        leaving = self._positions[lines] - self._delay - count
        places = (self._until[lines] > leaving - FADE).nonzero()[0]
        stop = self._closed.shape[1] - self._delay
        closed = self._closed[lines[places], stop - count - FADE : stop + FADE]
        shut = closed.any(axis=1)
        if not shut.all():
            places, closed = places[shut], closed[shut]
        if not len(places):
            return places, np.zeros((0, count), np.float32)
        spread = sliding(closed.astype(np.float32), FADE + 1, 1).any(axis=2)
        is_open = np.asarray(~spread, np.float32)
        return places, np.asarray(sliding(is_open, FADE + 1, 1) @ _RAMP)

    def is_closed(self, line: int, at: int) -> bool:
        """Whether the remembered sample at `at` is closed."""
        return self.kept(line, at, at + 1)

    def kept(self, line: int, start: int, stop: int) -> bool:
        """Whether every remembered sample from `start` to before `stop` is closed."""
        if not self._touched(line):
            return stop <= start
        origin = int(self._positions[line]) - self._closed.shape[1]
        return bool(self._closed[line, max(start - origin, 0) : max(stop - origin, 0)].all())

    def _touched(self, line: int) -> bool:
        """Whether anything that is remembered may be closed; what is remembered of other lines is out of date."""
        return bool(self._until[line] > self._positions[line] - self._closed.shape[1])
