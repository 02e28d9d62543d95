"""Early suspicion: which windows may hold a tone, for the mask, long before the ear is certain. It refuses to name a key."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.screen import Screening
from tonevault.cde.wire.tone.sliding import sliding

FAINTEST_WINDOW: Final = power_of(-48.0)
"""Nothing below this is looked at; Q.24 has receivers ignore −55 dBm."""

SUSPECT_PAIR: Final = 0.65
"""Share of the strongest pair from which the mask closes. docs/tones.md shows what each threshold costs and leaves."""

SUSPECT_WEAKER: Final = 0.35
"""Least ratio of the weaker tone to all that is not the pair. Speech has lone formants near a tone, rarely two of them."""

STEADY_WINDOWS: Final = 80
"""200 ms: a low band that has not changed for so long is dial tone or hum, and is left out of the reckoning. Vowels hold a fifth of a
second too, but seldom within STEADY_RATIO."""

STEADY_RATIO: Final = 3.0
"""Between the least and the greatest energy of a steady low band. The two sines of a dial tone beat at 90 Hz,
which a window of 13 ms sees as 4 dB."""

LEAST_REST: Final = 0.03
"""Share of the energy that is never taken for dial tone: the low band of a window is told apart from a row no better than this."""


class Suspicion:
    """Remembers the low band of one call."""

    def __init__(self) -> None:
        self._low: NDArray[np.float32] = np.zeros(STEADY_WINDOWS, np.float32)

    def of(self, screening: Screening) -> NDArray[np.bool_]:
        """For each of the call's next windows, in order, whether it may hold a tone."""
        low = np.concatenate([self._low, screening.energy * screening.low])
        self._low = low[-STEADY_WINDOWS:]
        spans = sliding(low, STEADY_WINDOWS + 1, 1)
        steady = spans.max(axis=1) < STEADY_RATIO * spans.min(axis=1)
        rest = np.where(steady, np.maximum(1 - screening.low, LEAST_REST), 1)
        return np.asarray(
            (screening.energy >= FAINTEST_WINDOW)
            & (screening.pair >= SUSPECT_PAIR * rest)
            & (screening.weaker >= SUSPECT_WEAKER * (rest - screening.pair))
        )
