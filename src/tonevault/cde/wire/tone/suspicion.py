"""Early suspicion: which windows may hold a tone, for the mask, long before the ear is certain. It refuses to name a key."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.screen import HOP, Screening
from tonevault.cde.wire.tone.sliding import sliding

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

FAINTEST_WINDOW: Final = power_of(-48.0)
"""Nothing below this is looked at; Q.24 has receivers ignore −55 dBm."""

SUSPECT_PAIR: Final = 0.68
"""Share of the strongest pair from which the mask closes. docs/tones.md shows what each threshold costs and leaves."""

SUSPECT_WEAKER: Final = 0.38
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


_HERTZ: Final = np.array(ROW_HZ + COLUMN_HZ)
_TURN: Final = np.exp(-2j * np.pi * _HERTZ * (LAG * HOP / SAMPLE_RATE_HZ)).astype(np.complex64)
"""Turns back the phase that each tone advances by over the lag."""
_PER_RADIAN: Final = SAMPLE_RATE_HZ / (2 * np.pi * LAG * HOP) / _HERTZ
"""Relative offset of each frequency that a radian of further advance amounts to."""


class Suspicion:
    """Remembers the low band and the latest phases of some calls."""

    def __init__(self, calls: int = 1) -> None:
        self._low: Floats = np.zeros((calls, STEADY_WINDOWS), np.float32)
        self._waves: Floats = np.zeros((16, calls, LAG), np.float32)

    def forget(self, call: int) -> None:
        """Another call begins in this place."""
        self._low[call] = 0
        self._waves[:, call] = 0

    def of(self, calls: Ints, screening: Screening, worth: Ints) -> tuple[Bools, Bools]:
        """Of the calls' next windows, those `worth` looking at (see `outweighing`): which may hold a tone, and which have a pair that is at
        least in tune. The screening has as many windows of each call, one call after another."""
        low = np.concatenate([self._low[calls], screening.low.reshape(len(calls), -1)], axis=1)
        self._low[calls] = low[:, -STEADY_WINDOWS:]
        waves = screening.waves.reshape(16, len(calls), -1)
        if len(worth):
            call, window = np.divmod(worth, waves.shape[2])
            before = self._waves[:, calls[call], np.minimum(window, LAG - 1)]
            earlier = np.where(window >= LAG, screening.waves[:, np.maximum(worth - LAG, 0)], before)
            tuned = in_tune(screening.waves[:, worth], earlier, screening.keys(worth))
            spans = sliding(low, STEADY_WINDOWS + 1, 1)[call, window]
            suspect = tuned & _pure(screening, worth, spans)
        else:
            suspect = tuned = np.zeros(0, np.bool_)
        if waves.shape[2] < LAG:
            waves = np.concatenate([self._waves[:, calls], waves], axis=2)
        self._waves[:, calls] = waves[:, :, -LAG:]
        return suspect, tuned


def _pure(screening: Screening, worth: Ints, low: Floats) -> Bools:
    """Whether pair and weaker tone are enough of all there is, less what `low` tells to be dial tone or hum."""
    pair, weaker = screening.pair[worth], screening.weaker[worth]
    steady = low.max(axis=1) < STEADY_RATIO * low.min(axis=1)
    rest = np.where(steady, screening.above[worth], screening.energy[worth])
    return np.asarray(
        (pair >= SUSPECT_PAIR * rest)
        & (weaker >= SUSPECT_WEAKER * (rest - pair))
        & (weaker >= FAINTEST_WEAKER * rest)
    )


def outweighing(screening: Screening, share: float) -> Ints:
    """Windows loud enough to be looked at, in which the pair has at least this share of all above the low band and its weaker tone stands
    out of that."""
    promising = (screening.pair >= share * screening.above).nonzero()[0]
    if not len(promising):
        return promising
    loud = screening.energy[promising] >= FAINTEST_WINDOW
    paired = screening.weaker[promising] >= FAINTEST_WEAKER * screening.above[promising]
    return promising[loud & paired]


def in_tune(later: Floats, earlier: Floats, keys: Ints) -> Bools:
    """Whether both tones of the key suspected in each column, 4 × row + column, have about their nominal frequency between two windows
    that end LAG apart. Both are projections on all tones as Screening has them, (16, windows)."""
    each = np.arange(len(keys))
    tone = np.stack([keys // 4, 4 + keys % 4])
    now = later[2 * tone, each] - 1j * later[2 * tone + 1, each]
    then = earlier[2 * tone, each] - 1j * earlier[2 * tone + 1, each]
    row, column = np.angle(now * then.conj() * _TURN[tone]) * _PER_RADIAN[tone]
    widest = np.maximum(np.abs(row), np.abs(column))
    return np.asarray((widest <= WIDEST_OFFSET) & (np.abs(row - column) <= WIDEST_MISTUNING))
