"""Early suspicion: which windows may hold a tone, for the mask, long before the ear is certain. It refuses to name a key.

Here is what it judges by; the loop over the windows is `c/hear.c`.
"""

import ctypes
from ctypes import c_double, c_float, c_void_p
from typing import ClassVar, Final

import numpy as np

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ
from tonevault.cde.wire.tone.kernel import address
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.screen import HOP

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


WORTH_A_LOOK: Final = 0.55
"""Share of the strongest pair, of what lies above the low band, from which level B looks. A pair 6 dB above white noise has 0.8. The weaker
tone must be FAINTEST_WEAKER of it besides, and the window as loud as FAINTEST_WINDOW."""

_HERTZ: Final = np.array(ROW_HZ + COLUMN_HZ)
_TURN: Final = np.exp(-2j * np.pi * _HERTZ * (LAG * HOP / SAMPLE_RATE_HZ)).astype(np.complex64)
"""Turns back the phase that each tone advances by over the lag."""
_PER_RADIAN: Final = SAMPLE_RATE_HZ / (2 * np.pi * LAG * HOP) / _HERTZ
"""Relative offset of each frequency that a radian of further advance amounts to."""


class Limits(ctypes.Structure):
    """struct suspicion_limits of c/ear.h."""

    _fields_: ClassVar = [
        ("turn", c_void_p),
        ("per_radian", c_void_p),
        ("widest_offset", c_double),
        ("widest_mistuning", c_double),
        ("worth_a_look", c_float),
        ("faintest_window", c_float),
        ("suspect_pair", c_float),
        ("suspect_weaker", c_float),
        ("faintest_weaker", c_float),
        ("steady_ratio", c_float),
    ]


SUSPICION_LIMITS: Final = Limits(
    address(_TURN),
    address(_PER_RADIAN),
    WIDEST_OFFSET,
    WIDEST_MISTUNING,
    WORTH_A_LOOK,
    FAINTEST_WINDOW,
    SUSPECT_PAIR,
    SUSPECT_WEAKER,
    FAINTEST_WEAKER,
    STEADY_RATIO,
)
"""What the compiled loop judges by."""
