"""What went into a masking line beside what comes out of it, so that lost packets are made up behind the mask. It refuses to unmask."""

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.concealment import BEFORE, Concealment

Samples = NDArray[np.int16]


class MendedLine:
    """Follows a line that gives samples back `delay` samples after it took them."""

    def __init__(self, delay: int) -> None:
        self._delay = delay
        self._spoken: Samples = np.zeros(delay, np.int16)
        self._missing = np.zeros(delay, np.bool_)
        self._concealment = Concealment()

    def follow(self, spoken: Samples, masked: Samples, *, lost: bool) -> Samples:
        """The line took `spoken`, which was `lost` or not, and gave `masked`. What is to be heard."""
        count = len(spoken)
        held = np.concatenate([self._spoken, spoken])
        missing = np.concatenate([self._missing, np.full(count, lost)])
        self._spoken, self._missing = held[count:], missing[count:]
        return self._concealment.mend(held[:count], masked, missing[: count + BEFORE])
