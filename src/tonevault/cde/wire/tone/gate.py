"""Which samples in delay lines may leave them and which may not, with faded edges. It refuses to know why a stretch is closed.

Here is by what measure; the loops over the samples are `c/gate.c`, which also says what leaves a line and what it holds.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

DELAY: Final = 160
"""20 ms: what a line holds back."""

FADE: Final = 16
"""2 ms raised-cosine edges, all of them outside the closed stretch: no click, and nothing of what is closed is heard in the fade."""

HISTORY: Final = 960
"""120 ms of samples that have left are remembered, so that a tone told late can be asked whether it got out."""


def _ramp() -> NDArray[np.float32]:
    """A raised-cosine kernel of FADE + 1 taps whose sum is 1."""
    kernel = 1 - np.cos(2 * np.pi * (np.arange(FADE + 1) + 1) / (FADE + 2))
    return np.asarray(kernel / kernel.sum(), np.float32)


RAMP: Final = _ramp()
"""What the compiled loop fades with: an open sample beside a closed one is the open ones under this."""
