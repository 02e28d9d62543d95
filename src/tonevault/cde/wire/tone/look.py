"""Level B of the ear: a careful look at the last 80 ms of the few calls that level A found worth it. It refuses to decide: it measures.

Each row is one call's stretch of samples with the key it is suspected of; no row depends on another.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ
from tonevault.cde.wire.tone.sliding import sliding

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
Numbers = TypeVar("Numbers", Floats, Ints)

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
    return np.stack(fits).astype(np.float32)


def _rotors() -> NDArray[np.complex64]:
    """(16, blocks, 2): turns each block's phase back to that of a sine at the nominal frequency."""
    centre = _CENTRE.astype(np.float64) - 0.5
    return _turned_back(_PAIR_HZ[:, None, :] * centre[None, :, None])


def _turned_back(periods: NDArray[np.floating]) -> NDArray[np.complex64]:
    """The unit phasor that turns back so many periods, counted in samples × Hz."""
    return np.asarray(np.exp((-2j * np.pi / SAMPLE_RATE_HZ) * periods), np.complex64)


_NUISANCE = _nuisance_basis()
_FITS = _fits()
_ROTORS = _rotors()


def look(stretches: Floats, keys: Ints, anchors: Ints) -> Look:
    """Measure stretches, (rows, STRETCH) linear samples, each suspected of the key at place `keys[row]` (4 × row + column) which certainly
    sounded, if it did, around sample `anchors[row]`."""
    tones, power = _demodulated(stretches, keys)
    size: Floats = np.abs(tones)
    anchor = _within((anchors - BLOCK // 2) // STEP, 0, _COUNT - 1)
    steady = _steady(size, anchor)
    level: Floats = np.sqrt((size**2).sum(axis=2) / (steady**2).sum(axis=1)[:, None])
    height: Floats = size / steady[:, None, :]
    on = (level >= 0.5) & (height.min(axis=2) >= 0.35)
    first, last = _edges(on, anchor)
    onset, end = _crossings(level, first, last)
    index = np.arange(_COUNT)
    inside = (index >= first[:, None]) & (index <= last[:, None])
    full = inside & on & (level >= 0.8)
    offset_hz = _offsets(tones, full)
    straight = _straight(tones, full, offset_hz)
    squares, steadiness = _constant(straight, full)
    relative: Floats = offset_hz / _PAIR_HZ[keys]
    explained: Floats = squares.sum(axis=1) / 2
    whole: Floats = (power * full).sum(axis=1) / np.maximum(full.sum(axis=1), 1)
    return Look(
        onset=onset,
        end=end,
        sounding=end - onset - np.float32(STEP) * (inside & ~on).sum(axis=1),
        row_offset=relative[:, 0],
        column_offset=relative[:, 1],
        twist_db=20 * np.log10(steady[:, 1] / steady[:, 0]),
        purity=explained / (whole + 1),
        steadiness=steadiness.min(axis=1),
        glide=_glide(straight, full),
        attack=_attack(height, onset),
        apart=_apart(height, anchor),
        power=explained,
    )


def _demodulated(stretches: Floats, keys: Ints) -> tuple[NDArray[np.complex64], Floats]:
    """Phasors of both tones, (rows, blocks, 2), and the mean square of all but the nuisances, (rows, blocks), block by block."""
    clean: Floats = stretches - np.asarray((stretches @ _NUISANCE) @ _NUISANCE.T, np.float32)
    blocks = sliding(clean, BLOCK, STEP)
    fitted = np.ascontiguousarray(np.matmul(blocks, _FITS[keys]))
    return fitted.view(np.complex64) * _ROTORS[keys], (blocks * blocks).mean(axis=2)


def _within(numbers: Numbers, least: int, most: int) -> Numbers:
    """As np.clip, at a third of its price, which is most of its work on a row or two."""
    return np.minimum(np.maximum(numbers, least), most)


def _steady(size: Floats, anchor: Ints) -> Floats:
    """Median amplitude of both tones around the anchor, (rows, 2), never zero."""
    begin = _within(anchor - STEADY_BLOCKS // 2, 0, _COUNT - STEADY_BLOCKS)
    chosen = size[np.arange(len(size))[:, None], begin[:, None] + np.arange(STEADY_BLOCKS)]
    return np.asarray(
        np.partition(chosen, STEADY_BLOCKS // 2, axis=1)[:, STEADY_BLOCKS // 2] + np.float32(0.01)
    )


def _edges(on: NDArray[np.bool_], anchor: Ints) -> tuple[Ints, Ints]:
    """First and last block of the tone around the anchor, holes bridged."""
    index = np.arange(_COUNT)
    dark = sliding(~on, HOLE_BLOCKS, 1).all(axis=2)
    start = np.arange(dark.shape[1])
    before = np.where(dark & (start + HOLE_BLOCKS - 1 <= anchor[:, None]), start + HOLE_BLOCKS - 1, -1).max(
        axis=1
    )
    after = np.where(dark & (start >= anchor[:, None]), start, _COUNT).min(axis=1)
    alive = on & (index > before[:, None]) & (index < after[:, None])
    first = np.where(alive.any(axis=1), alive.argmax(axis=1), anchor)
    last = np.where(alive.any(axis=1), _COUNT - 1 - alive[:, ::-1].argmax(axis=1), anchor)
    return first, last


def _crossings(level: Floats, first: Ints, last: Ints) -> tuple[Floats, Floats]:
    """Where the envelope crosses half its height. A step darkens a block in proportion, so the crossing is the step itself."""
    rows = np.arange(len(level))
    high, low = level[rows, first], level[rows, np.maximum(first - 1, 0)]
    rise = _CENTRE[first] - STEP * _within((high - 0.5) / np.maximum(high - low, 0.05), 0, 1)
    onset = np.where(first == 0, 0, rise)
    high, low = level[rows, last], level[rows, np.minimum(last + 1, _COUNT - 1)]
    fall = _CENTRE[last] + STEP * _within((high - 0.5) / np.maximum(high - low, 0.05), 0, 1)
    end = np.where(last == _COUNT - 1, STRETCH, fall)
    return onset.astype(np.float32), end.astype(np.float32)


def _attack(height: Floats, onset: Floats) -> Floats:
    """The lesser rise of the two tones, as a share of their height, over ATTACK_STEPS blocks to either side of the onset."""
    rows = np.arange(len(height))
    middle = np.rint((onset - np.float32(BLOCK / 2)) / STEP).astype(np.intp)
    after = height[rows, np.minimum(middle + ATTACK_STEPS, _COUNT - 1)]
    before = height[rows, np.maximum(middle - ATTACK_STEPS, 0)]
    rise = (np.minimum(after, np.float32(HIGHEST)) - before).min(axis=1)
    return np.where(middle < ATTACK_STEPS, np.float32(-1), rise)


def _apart(height: Floats, anchor: Ints) -> Floats:
    """Samples between the places where the two tones last rose through half their height before the anchor."""
    rows = np.arange(len(height))[:, None]
    tone = np.arange(2)[None, :]
    index = np.arange(_COUNT)
    below = (height < 0.5) & (index <= anchor[:, None])[:, :, None]
    last = _COUNT - 1 - below[:, ::-1].argmax(axis=1)
    last = np.where(below[rows, last, tone], last, -1)
    low = height[rows, np.maximum(last, 0), tone]
    high = height[rows, np.minimum(last + 1, _COUNT - 1), tone]
    crossing = STEP * (last + _within((0.5 - low) / np.maximum(high - low, 1e-3), 0, 1))
    return np.asarray(np.abs(crossing[:, 0] - crossing[:, 1]), np.float32)


def _offsets(tones: NDArray[np.complex64], full: NDArray[np.bool_]) -> Floats:
    """Frequency error of both tones in Hz, (rows, 2), by the turn of phase over a short lag, then over a longer one around it."""
    lit = tones * full[:, :, None]
    coarse = _turn(lit, _COARSE_LAG)
    fine = _turn(lit, _FINE_LAG)
    expected = coarse * (_FINE_LAG / _COARSE_LAG)
    turn = expected + (fine - expected + np.pi) % (2 * np.pi) - np.pi
    turn = np.where(_pairs(full, _FINE_LAG)[:, None] >= FEWEST_PAIRS, turn, expected)
    return np.asarray(turn * (SAMPLE_RATE_HZ / (2 * np.pi * STEP * _FINE_LAG)), np.float32)


def _pairs(full: NDArray[np.bool_], lag: int) -> Ints:
    """How many blocks are lit together with the one `lag` steps later."""
    return np.asarray((full[:, lag:] & full[:, :-lag]).sum(axis=1))


def _turn(lit: NDArray[np.complex64], lag: int) -> Floats:
    """Mean turn of phase, in radians, over `lag` steps, (rows, 2)."""
    return np.asarray(np.angle((lit[:, lag:] * lit[:, :-lag].conj()).sum(axis=1)), np.float32)


def _straight(
    tones: NDArray[np.complex64], full: NDArray[np.bool_], offset_hz: Floats
) -> NDArray[np.complex64]:
    """The lit phasors, turned back by each tone's own offset: those of a constant sine all point the same way. A hole may have swallowed
    any number of samples, so what follows one is turned to point as what came before."""
    lit = tones * full[:, :, None] * _turned_back(offset_hz[:, None, :] * _CENTRE[None, :, None])
    late = _after_a_hole(full)
    if late.any():
        sums = np.stack([(lit * ~late[:, :, None]).sum(axis=1), (lit * late[:, :, None]).sum(axis=1)])
        turn = sums[0] * sums[1].conj()
        unit = turn / np.maximum(np.abs(turn), np.float32(1e-9))
        lit = np.where(late[:, :, None], lit * unit[:, None, :], lit)
    return lit


def _after_a_hole(full: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blocks that follow the first run of HOLE_SEEN or more unlit blocks after a lit one, (rows, blocks)."""
    lit = np.cumsum(full, axis=1)
    late = np.zeros_like(full)
    late[:, HOLE_SEEN:] = (lit[:, HOLE_SEEN:] == lit[:, :-HOLE_SEEN]) & (lit[:, HOLE_SEEN:] > 0)
    return np.logical_or.accumulate(late, axis=1)


def _constant(straight: NDArray[np.complex64], full: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Squared amplitude of the constant sine in each tone, and its share of the tone's whole power, both (rows, 2)."""
    weight = np.maximum(full.sum(axis=1), 1)[:, None]
    squares = np.asarray(np.abs(straight.sum(axis=1) / weight) ** 2, np.float32)
    whole = (np.abs(straight) ** 2).sum(axis=1) / weight
    return squares, np.asarray(squares / (whole + 1e-6), np.float32)


def _glide(straight: NDArray[np.complex64], full: NDArray[np.bool_]) -> Floats:
    """How fast the frequency of the more restless tone changes, in Hz a second, (rows,): the bend of its phase, by least squares."""
    weight = np.maximum(full.sum(axis=1), 1)[:, None].astype(np.float32)
    phase = np.angle(straight * straight.sum(axis=1).conj()[:, None, :])
    time = (_CENTRE - (full @ _CENTRE)[:, None] / weight) / SAMPLE_RATE_HZ
    square = time * time
    bend = (square - (square * full).sum(axis=1)[:, None] / weight) * full
    curve = (phase * bend[:, :, None]).sum(axis=1) / np.maximum((bend * bend).sum(axis=1), 1e-12)[:, None]
    return np.asarray(np.abs(curve).max(axis=1) / np.pi, np.float32)
