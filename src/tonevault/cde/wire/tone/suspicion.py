"""Early suspicion: which windows may hold a tone, for the mask, long before the ear is certain. It refuses to name a key."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.screen import HOP, Screening
from tonevault.cde.wire.tone.sliding import sliding

FAINTEST_WINDOW: Final = power_of(-48.0)
"""Nothing below this is looked at; Q.24 has receivers ignore −55 dBm."""

SUSPECT_PAIR: Final = 0.62
"""Share of the strongest pair from which the mask closes. docs/tones.md shows what each threshold costs and leaves."""

SUSPECT_WEAKER: Final = 0.32
"""Least ratio of the weaker tone to all that is not the pair. Speech has lone formants near a tone, rarely two of them."""

FAINTEST_WEAKER: Final = 0.022
"""Least share of the weaker tone: a twist of 13 dB leaves it 0.048; a lone tone leaves as much as 0.01 on the other side."""

LAG: Final = 3
"""Windows (7.5 ms) over which phase is compared. Long enough to tell a harmonic that merely lies near a tone, short enough that the earlier
window, too, has some of a key in it when the later one is the last in time."""

WIDEST_OFFSET: Final = 0.035
"""Q.24 has receivers reject what is further off; so nothing further off is a key to anyone who listens."""

WIDEST_MISTUNING: Final = 0.04
"""Between the offsets of the two tones; 0.03 by Q.24, and noise 8 dB below adds 0.006 in one window of a thousand. The harmonics of a voice
whose ratio is 2:3 pass for 770 and 1209 Hz, or 852 and 1336, with 0.041 and more."""

STEADY_WINDOWS: Final = 80
"""200 ms: a low band that has not changed for so long is dial tone or hum, and is left out of the reckoning. Vowels hold a fifth of a
second too, but seldom within STEADY_RATIO."""

STEADY_RATIO: Final = 3.0
"""Between the least and the greatest energy of a steady low band. The two sines of a dial tone beat at 90 Hz,
which a window of 13 ms sees as 4 dB."""

LEAST_REST: Final = 0.03
"""Share of the energy that is never taken for dial tone: the low band of a window is told apart from a row no better than this."""


_HERTZ: Final = np.array(ROW_HZ + COLUMN_HZ)
_TURN: Final = np.exp(-2j * np.pi * _HERTZ * (LAG * HOP / SAMPLE_RATE_HZ)).astype(np.complex64)
"""Turns back the phase that each tone advances by over the lag."""
_PER_RADIAN: Final = SAMPLE_RATE_HZ / (2 * np.pi * LAG * HOP) / _HERTZ
"""Relative offset of each frequency that a radian of further advance amounts to."""


class Suspicion:
    """Remembers the low band and the latest phases of one call."""

    def __init__(self) -> None:
        self._low: NDArray[np.float32] = np.zeros(STEADY_WINDOWS, np.float32)
        self._waves: NDArray[np.float32] = np.zeros((LAG, 16), np.float32)

    def of(self, screening: Screening) -> NDArray[np.bool_]:
        """For each of the call's next windows, in order, whether it may hold a tone."""
        low = np.concatenate([self._low, screening.energy * screening.low])
        self._low = low[-STEADY_WINDOWS:]
        waves = np.concatenate([self._waves, screening.waves])
        self._waves = waves[-LAG:]
        spans = sliding(low, STEADY_WINDOWS + 1, 1)
        steady = spans.max(axis=1) < STEADY_RATIO * spans.min(axis=1)
        rest = np.where(steady, np.maximum(1 - screening.low, LEAST_REST), 1)
        suspect = np.asarray(
            (screening.energy >= FAINTEST_WINDOW)
            & (screening.pair >= SUSPECT_PAIR * rest)
            & (screening.weaker >= SUSPECT_WEAKER * (rest - screening.pair))
            & (screening.weaker >= FAINTEST_WEAKER * rest)
        )
        alike = np.flatnonzero(suspect)
        if len(alike):
            suspect[alike] = in_tune(waves[alike + LAG], waves[alike], screening.key[alike])
        return suspect


def in_tune(
    later: NDArray[np.float32], earlier: NDArray[np.float32], keys: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether both tones of the key suspected in each row, 4 × row + column, have about their nominal frequency between two windows that
    end LAG apart. Both are projections on all tones as Screening has them, (rows, 16)."""
    rows = np.arange(len(keys))
    offsets = []
    for tone in (keys // 4, 4 + keys % 4):
        now = later[rows, 2 * tone] - 1j * later[rows, 2 * tone + 1]
        then = earlier[rows, 2 * tone] - 1j * earlier[rows, 2 * tone + 1]
        offsets.append(np.angle(now * then.conj() * _TURN[tone]) * _PER_RADIAN[tone])
    row, column = offsets
    widest = np.maximum(np.abs(row), np.abs(column))
    return np.asarray((widest <= WIDEST_OFFSET) & (np.abs(row - column) <= WIDEST_MISTUNING))
