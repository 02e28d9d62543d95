"""What went into a masking line beside what comes out of it, so that lost packets are made up behind the mask. It refuses to unmask."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.concealment import BEFORE, HISTORY, Concealment

Samples = NDArray[np.int16]
_NOTHING: Final = np.zeros(1, np.bool_)


class MendedLine:
    """Follows a line that gives samples back `delay` samples after it took them."""

    def __init__(self, delay: int) -> None:
        self._delay = delay
        self._spoken: Samples = np.zeros(delay, np.int16)
        self._missing = np.zeros(delay, np.bool_)
        self._concealment = Concealment()
        self._calm = True
        """Nothing is missing in the line, and nothing is being made up."""
        self._recent: deque[tuple[Samples, Samples]] = deque(maxlen=-(-HISTORY // delay))
        """Of calm times, what a voice would be made up from: told to the concealment only when something is lost."""

    def follow(self, spoken: Samples, masked: Samples, *, lost: bool) -> Samples:
        """The line took `spoken`, which was `lost` or not, and gave `masked`. What is to be heard."""
        count = len(spoken)
        if self._calm and not lost and count == self._delay:
            self._recent.append((self._spoken, masked))
            self._spoken = spoken
            return masked
        while self._recent:
            self._concealment.mend(*self._recent.popleft(), _NOTHING)
        held = np.concatenate([self._spoken, spoken])
        missing = np.concatenate([self._missing, np.full(count, lost)])
        self._spoken, self._missing = held[count:], missing[count:]
        mended = self._concealment.mend(held[:count], masked, missing[: count + BEFORE])
        self._calm = self._concealment.is_idle and not self._missing.any()
        return mended
