"""The memory of one captured call, and what the mask's compiled loops work by. It refuses to push: `masking_line.py` does."""

import ctypes
import math
from ctypes import c_double, c_float, c_int16, c_int32, c_int64, c_uint8, c_void_p
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.beep import BEEP, BEEP_SAMPLES
from tonevault.cde.wire.tone.comfort_noise import (
    FRAME,
    LOUDEST,
    MEMORY_FRAMES,
    NOISE,
    QUIETEST,
    STEADY_FRAMES,
    STEADY_OUTLIERS,
    STEADY_RATIO,
)
from tonevault.cde.wire.tone.ear import SLICE, Glance, Memory
from tonevault.cde.wire.tone.gate import DELAY, FADE, HISTORY, RAMP
from tonevault.cde.wire.tone.kernel import EAR, address
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.screen import SCREEN_TABLES
from tonevault.cde.wire.tone.suspicion import SUSPICION_LIMITS

HANG: Final = 80
"""10 ms kept closed after the last window that may hold a tone: a window with less than about 10 ms of tone in it looks innocent."""

BEFORE_A_HOLE: Final = 64
"""8 ms kept closed before samples that never came: they may be the beginning of a key of which the ear gets to hear no more in time. A
window needs about as much of it to suspect anything."""

LONGEST_HOLE: Final = 480
"""60 ms, three packets: what was closed before a hole stays closed through it and for HANG after it, for a key may end in so short a
piece that it looks innocent. Silence that lasts longer is a pause."""

NOISIEST: Final = power_of(-30.0)
"""Noise floor above which the mask is not trusted: 10 dB below −20 dBm0, the quietest pair to expect of a phone behind a lossy line. Where
noise is 10 dB below the pair no tone escapes, see docs/tones.md."""

NOISE_EASED: Final = power_of(-33.0)
"""The floor must fall 3 dB lower before the line trusts itself again."""

STEADY_FOR: Final = 10
"""Frames (200 ms) for which noise has to be steady: a hurried voice is for one or two in an hour."""

MENDED: Final = 240
"""30 ms of what entered and what left are remembered together: what is made up for a lost packet is made of them (`concealment.py`)."""


class Line(ctypes.Structure):
    """struct line of c/mask.h, which says what its fields hold."""

    _fields_: ClassVar = [
        ("position", c_int64),
        ("until", c_int64),
        ("beep_at", c_int64),
        ("hole", c_int64),
        ("frames", c_double * MEMORY_FRAMES),
        ("energy", c_double),
        ("count", c_int32),
        ("next_frame", c_int32),
        ("next_noise", c_int32),
        ("steady_for", c_int32),
        ("voice", c_float),
        ("held", c_int16 * DELAY),
        ("spoken", c_int16 * MENDED),
        ("masked", c_int16 * MENDED),
        ("closed", c_uint8 * (HISTORY + DELAY)),
        ("hush", c_uint8),
        ("noisy", c_uint8),
        ("escaped", c_uint8),
        ("closing", c_uint8),
        ("finished", c_uint8),
        ("ringing", c_uint8),
    ]

    def empty(self, *, hush: bool) -> None:
        """Nothing has entered it yet: nothing was heard of its noise, no beep sounds."""
        self.frames[:] = [math.inf] * MEMORY_FRAMES
        self.beep_at = -BEEP_SAMPLES
        self.hush = hush
        self.voice = 0.0 if hush else 1.0


class MaskTables(ctypes.Structure):
    """struct mask_tables of c/mask.h."""

    _fields_: ClassVar = [
        ("ramp", c_void_p),
        ("noise", c_void_p),
        ("beep", c_void_p),
        ("loudest", c_double),
        ("steady_ratio", c_double),
        ("noisiest", c_double),
        ("noise_eased", c_double),
        ("quietest", c_int32),
        ("steady_outliers", c_int32),
        ("steady_for", c_int32),
        ("hang", c_int32),
        ("before_a_hole", c_int32),
        ("longest_hole", c_int32),
    ]


def mask_tables(noise: NDArray[np.float32]) -> MaskTables:
    """What the compiled loops mask by. `noise`, as long as NOISE, must outlive it. Raises ValueError for another length."""
    if noise.shape != NOISE.shape or noise.dtype != NOISE.dtype:
        raise ValueError(f"noise: a table must have {len(NOISE)} samples")
    return MaskTables(
        address(RAMP),
        address(noise),
        address(BEEP),
        LOUDEST,
        STEADY_RATIO,
        NOISIEST,
        NOISE_EASED,
        QUIETEST,
        STEADY_OUTLIERS,
        STEADY_FOR,
        HANG,
        BEFORE_A_HOLE,
        LONGEST_HOLE,
    )


class Passage(ctypes.Structure):
    """struct passage of c/mask.h: all of one captured call."""

    _fields_: ClassVar = [
        ("screen", c_void_p),
        ("limits", c_void_p),
        ("mask", c_void_p),
        ("ear", Memory),
        ("line", Line),
        ("glance", Glance),
        ("entering", c_int16 * SLICE),
        ("leaving", c_int16 * SLICE),
        ("octets", c_uint8 * SLICE),
    ]


def new_passage(tables: MaskTables, *, hush: bool) -> Passage:
    """One into which nothing has entered. `tables` must outlive it. Raises CompiledError."""
    sizes = (DELAY, FADE, HISTORY, FRAME, MEMORY_FRAMES, STEADY_FRAMES, len(NOISE) // 2, BEEP_SAMPLES, MENDED)
    EAR.require("passage_fits", (*sizes, *map(ctypes.sizeof, (MaskTables, Line, Passage))))
    passage = Passage(address(SCREEN_TABLES), address(SUSPICION_LIMITS), address(tables))
    passage.line.empty(hush=hush)
    return passage
