"""Level B of the ear: a careful look at the last 80 ms of the few calls that level A found worth it. It refuses to decide: it measures.

Here is what it measures by; the loops over a stretch are `c/look.c`. No stretch depends on another.
"""

import ctypes
from ctypes import c_float, c_int32, c_void_p
from dataclasses import dataclass, fields
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ
from tonevault.cde.wire.tone.kernel import EAR, address

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

STRETCH: Final = 640
"""80 ms: a 40 ms tone with what comes before it, and a hole in it."""

BLOCK: Final = 40
"""5 ms: the shortest span in which the closest row and column (941 and 1209 Hz) part, being 1.3 periods of their difference."""

STEP: Final = 20
"""2.5 ms between blocks. Phase can turn by half a period in a step, so offsets to ±200 Hz are unambiguous."""

HOLE_BLOCKS: Final = 10
"""A gap is a hole while fewer blocks than this in a row are below half. Q.24 bridges 10 ms, which darkens 4 of them; a lost packet of 20 ms
darkens 8 and a pause of 30 ms, shorter than Q.24's shortest, 12."""

STEADY_BLOCKS: Final = 9
"""Blocks (25 ms) around the anchor whose median amplitude is the tone's."""

ATTACK_STEPS: Final = 2
"""5 ms to either side of the onset. A key's tones both begin within a sample of each other; a voice's harmonics swell, and one by one."""

HIGHEST: Final = 1.2
"""A block louder than this, of a tone's height of 1, is disturbed; it must not pass for a steeper rise."""

_NUISANCE_HZ: Final = (50.0, 60.0, 350.0, 400.0, 425.0, 440.0)
"""Mains hum and the dial tones of ITU-T E.180; with DC, they are fitted to the whole stretch and taken out."""

HOLE_SEEN: Final = 4
"""10 ms of unlit blocks part what a hole parts; single blocks dip in noise."""

FEWEST_PAIRS: Final = 3
"""A tone broken into pieces of 15 ms leaves no pairs at the fine lag; the coarse one then has to do."""

_COARSE_LAG: Final = 2
_FINE_LAG: Final = 5
"""Steps over which phase is compared for the offset: 5 ms is unambiguous to ±100 Hz (6 % of 1633), 12.5 ms to ±40 Hz around that."""


@dataclass(frozen=True, slots=True, repr=False)
class Look:
    """What level B measured, one entry a row.

    `onset` and `end` are the tone's edges as sample offsets into the stretch (0 and STRETCH where it touches them); `sounding` the samples
    in between in which it is on; `row_offset` and `column_offset` relative errors of frequency; `twist_db` column over row; `purity` the
    share of the power, between the edges, that two steady sines explain; `steadiness` that of the less steady of the two tones alone, 1
    for a constant sine; `glide` how fast the frequency of the more restless one changes, in Hz a second; `attack` by how much of its
    height the more sluggish one rises within 10 ms around the onset, −1 where the stretch begins later than that; `apart` how many samples
    lie between the onsets of the two; `power` the pair's mean square in squared sample units.
    """

    onset: Floats
    end: Floats
    sounding: Floats
    row_offset: Floats
    column_offset: Floats
    twist_db: Floats
    purity: Floats
    steadiness: Floats
    glide: Floats
    attack: Floats
    apart: Floats
    power: Floats


MEASURES: Final = len(fields(Look))
_COUNT = (STRETCH - BLOCK) // STEP + 1
_CENTRE = (np.arange(_COUNT) * STEP + BLOCK / 2).astype(np.float32)
_PAIR_HZ: Floats = np.array([(row, column) for row in ROW_HZ for column in COLUMN_HZ], np.float32)


def _nuisance_basis() -> Floats:
    """Orthonormal basis, (STRETCH, 13), of DC, hum and dial tone."""
    turn = 2 * np.pi * np.outer(np.arange(STRETCH), _NUISANCE_HZ) / SAMPLE_RATE_HZ
    waves = np.concatenate([np.ones((STRETCH, 1)), np.cos(turn), np.sin(turn)], axis=1)
    return np.linalg.qr(waves)[0].astype(np.float32)


def _fits() -> Floats:
    """Least-squares solvers, (16, BLOCK, 4): a block of samples to the cosine and sine amplitudes of both tones at its centre."""
    time = (np.arange(BLOCK) - (BLOCK - 1) / 2) / SAMPLE_RATE_HZ
    fits = []
    for pair in _PAIR_HZ:
        turn = 2 * np.pi * np.outer(time, pair)
        waves = np.stack([np.cos(turn), -np.sin(turn)], axis=2).reshape(BLOCK, 4)
        fits.append(np.linalg.pinv(waves).T)
    return np.ascontiguousarray(np.stack(fits), np.float32)


def _rotors() -> NDArray[np.complex64]:
    """(16, blocks, 2): turns each block's phase back to that of a sine at the nominal frequency."""
    centre = _CENTRE.astype(np.float64) - 0.5
    return _turned_back(_PAIR_HZ[:, None, :] * centre[None, :, None])


def _turned_back(periods: NDArray[np.floating]) -> NDArray[np.complex64]:
    """The unit phasor that turns back so many periods, counted in samples × Hz."""
    return np.asarray(np.exp((-2j * np.pi / SAMPLE_RATE_HZ) * periods), np.complex64)


_NUISANCE: Final = np.ascontiguousarray(_nuisance_basis().T)
_FITS: Final = _fits()
_ROTORS: Final = _rotors()


class _Tables(ctypes.Structure):
    """struct look_tables of c/ear.h."""

    _fields_: ClassVar = [
        ("nuisance", c_void_p),
        ("fits", c_void_p),
        ("rotors", c_void_p),
        ("pair_hz", c_void_p),
        ("highest", c_float),
        ("hole_blocks", c_int32),
        ("hole_seen", c_int32),
        ("attack_steps", c_int32),
        ("fewest_pairs", c_int32),
        ("coarse_lag", c_int32),
        ("fine_lag", c_int32),
    ]


LOOK_TABLES: Final = _Tables(
    address(_NUISANCE),
    address(_FITS),
    address(_ROTORS),
    address(_PAIR_HZ),
    HIGHEST,
    HOLE_BLOCKS,
    HOLE_SEEN,
    ATTACK_STEPS,
    FEWEST_PAIRS,
    _COARSE_LAG,
    _FINE_LAG,
)
"""What the compiled loops measure by."""


def require_look() -> None:
    """Raise CompiledError unless the library was compiled for these sizes."""
    sizes = (STRETCH, BLOCK, STEP, len(_NUISANCE), STEADY_BLOCKS, MEASURES, ctypes.sizeof(_Tables))
    EAR.require("look_fits", sizes)


def look(stretches: Floats, keys: Ints, anchors: Ints) -> Look:
    """Measure stretches, (rows, STRETCH) linear samples, each suspected of the key at place `keys[row]` (4 × row + column) which certainly
    sounded, if it did, around sample `anchors[row]`."""
    if (
        stretches.ndim != 2
        or stretches.shape[1] != STRETCH
        or not len(stretches) == len(keys) == len(anchors)
    ):
        raise ValueError(f"stretches: each must be of {STRETCH} samples, with a key and an anchor of its own")
    if len(keys) and not 0 <= keys.min() <= keys.max() < len(_PAIR_HZ):
        raise ValueError(f"keys: places of keys are 0 to {len(_PAIR_HZ) - 1}")
    require_look()
    rows = [np.ascontiguousarray(stretches, np.float32), keys.astype(np.int32), anchors.astype(np.int32)]
    found = np.zeros((len(stretches), MEASURES), np.float32)
    look_rows = EAR.function("look_rows", "ppppip")
    look_rows(address(LOOK_TABLES), *(address(row) for row in rows), len(stretches), address(found))
    return Look(*found.T)
