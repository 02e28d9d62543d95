"""Noise of the line's own level in place of what was taken out, and the measure of that level. It refuses to copy the customer's sound.

Here is by what measure; the loops over frames and samples are `c/noise.c`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.level import power_of

Floats = NDArray[np.float32]

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


NOISE: Final = np.concatenate([_table(), _table()])
"""The table, and again, so that a run may begin anywhere in it."""

STEADY_FRAMES: Final = 3
"""60 ms: over so much even noise that lies in a narrow band is even, while syllables, which come four a second, still stand out."""

STEADY_OUTLIERS: Final = 2
STEADY_RATIO: Final = 2.0
"""But for the two loudest and the two quietest of 25 such spans noise stays within 3 dB; hurried speech spreads over 6 dB and more."""
