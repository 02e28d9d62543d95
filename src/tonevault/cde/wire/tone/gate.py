"""Which samples in a delay line may leave it and which may not, with faded edges. It refuses to know why a stretch is closed."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FADE: Final = 16
"""2 ms raised-cosine edges, all of them outside the closed stretch: no click, and nothing of what is closed is heard in the fade."""

HISTORY: Final = 960
"""120 ms of samples that have left are remembered, so that a tone told late can be asked whether it got out."""

_SPREAD: Final = np.ones(FADE + 1, np.float32)


def _ramp() -> NDArray[np.float32]:
    """A raised-cosine kernel of FADE + 1 taps whose sum is 1."""
    kernel = 1 - np.cos(2 * np.pi * (np.arange(FADE + 1) + 1) / (FADE + 2))
    return np.asarray(kernel / kernel.sum(), np.float32)


_RAMP: Final = _ramp()


class Gate:
    """Open and closed stretches of a line whose samples leave `delay` samples after they entered. Positions count samples from 0."""

    def __init__(self, delay: int) -> None:
        self._delay = delay
        self._closed: NDArray[np.bool_] = np.zeros(HISTORY + delay, np.bool_)
        self._position = 0
        self._until = 0

    @property
    def earliest(self) -> int:
        """The first position from which a stretch can still be closed whole, its fade included."""
        return self._position - self._delay + FADE

    @property
    def holds(self) -> bool:
        """Whether any sample in the line, or yet to enter it, is closed, or the fade after one has not yet left."""
        return self._until > self._position or bool(self._closed[-self._delay - FADE :].any())

    def enter(self, count: int) -> None:
        """Samples enter the line; as many leave it, of which `gain` then tells."""
        fresh = np.zeros(count, np.bool_)
        fresh[: max(self._until - self._position, 0)] = True
        self._closed = np.concatenate([self._closed, fresh])[-(HISTORY + self._delay + count) :]
        self._position += count

    def close(self, start: int, stop: int) -> None:
        """Close from `start` to before `stop`, also where that has not yet entered."""
        origin = self._position - len(self._closed)
        self._closed[max(start - origin, 0) : max(stop - origin, 0)] = True
        self._until = max(self._until, stop)

    def gain(self, count: int) -> NDArray[np.float32] | None:
        """Gain, 0 to 1, of the `count` samples that left last; None where all of them are open."""
        stop = len(self._closed) - self._delay
        closed = self._closed[stop - count - FADE : stop + FADE]
        if not closed.any():
            return None
        spread = np.convolve(closed, _SPREAD, "valid") > 0
        return np.asarray(np.convolve(~spread, _RAMP, "valid"), np.float32)

    def is_closed(self, at: int) -> bool:
        """Whether the remembered sample at `at` is closed."""
        return self.kept(at, at + 1)

    def kept(self, start: int, stop: int) -> bool:
        """Whether every remembered sample from `start` to before `stop` is closed."""
        origin = self._position - len(self._closed)
        return bool(self._closed[max(start - origin, 0) : max(stop - origin, 0)].all())
