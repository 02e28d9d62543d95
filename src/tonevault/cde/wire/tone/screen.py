"""Level A of the ear: a cheap look at every 13 ms of every call. It refuses to decide: it only measures.

Here is what it measures by; the loops over the samples are `c/screen.c`. No window depends on another.
"""

import ctypes
from ctypes import c_float, c_void_p
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ
from tonevault.cde.wire.tone.kernel import EAR, address

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

WINDOW: Final = 104
"""13 ms. The mask has 20 ms of look-ahead: the first window wholly inside a tone is complete 13 to 15.5 ms after its onset, a second one
2.5 ms later, and both are in time. Longer windows confuse less speech with tones, shorter ones leave more chances; see docs/tones.md."""

HOP: Final = 20
"""2.5 ms between windows."""

LOW_BAND_HZ: Final = 470.0
"""Below this lie dial tone (350 to 440 Hz, ITU-T E.180) and mains hum, which Q.24 has a receiver work beside. Rows begin 227 Hz above."""

_LOW_BAND_ENERGY: Final = 0.99
"""Share of a low-band sine that the low-band basis must catch; what remains (−20 dB) disturbs no decision."""


LEAST_ABOVE: Final = 0.03
"""Share of the energy that is always reckoned to lie above the low band: what lies below is told apart from a row no better than this. A
dial tone 10 dB above each tone leaves the pair 0.09."""


@dataclass(frozen=True, slots=True, repr=False)
class Screening:
    """What level A measured of some windows: energies, mean squares of the tapered window in squared sample units.

    `energy` is that of all; `above` what lies above LOW_BAND_HZ; `low` what lies below; `tones` (8, windows) what lies near each row and
    column frequency; `pair` the strongest row and column together and `weaker` the weaker of them. A lone sine or a clean pair has all of
    the energy, give or take the overlap of the two tones (2 %). `waves` (16, windows) are the projections on cosine and sine of each
    tone, from whose turn between windows follows the exact frequency.
    """

    energy: Floats
    above: Floats
    low: Floats
    tones: Floats
    pair: Floats
    weaker: Floats

    def keys(self, windows: Indices) -> Indices:
        """The place of the strongest pair, 4 × row + column, in some of the windows: few of them are worth asking."""
        tones = self.tones[:, windows]
        return np.asarray(4 * tones[:4].argmax(axis=0) + tones[4:].argmax(axis=0))


def _taper() -> NDArray[np.float64]:
    """Half a sine wave: side lobes at −23 dB and falling, and 30 % less widening than Hann's (Harris 1978, table 1)."""
    return np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)


def _tone_columns(taper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine and sine at each frequency, (WINDOW, 16), scaled so that their squared products with a tapered sine sum to its energy."""
    time = (np.arange(WINDOW) - (WINDOW - 1) / 2) / SAMPLE_RATE_HZ
    columns = []
    for frequency in ROW_HZ + COLUMN_HZ:
        for wave in (np.cos(2 * np.pi * frequency * time), np.sin(2 * np.pi * frequency * time)):
            tapered = wave * taper
            columns.append(tapered * taper / np.linalg.norm(tapered))
    return np.stack(columns, axis=1)


def _low_columns(taper: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis of the tapered low band, folded with the taper, (WINDOW, few)."""
    time = (np.arange(WINDOW) - (WINDOW - 1) / 2) / SAMPLE_RATE_HZ
    frequencies = np.arange(0.0, LOW_BAND_HZ + 1, 10.0)
    waves = np.concatenate(
        [np.cos(2 * np.pi * np.outer(time, frequencies)), np.sin(2 * np.pi * np.outer(time, frequencies))],
        axis=1,
    )
    basis, strength, _ = np.linalg.svd(waves * taper[:, None], full_matrices=False)
    count = int(np.searchsorted(np.cumsum(strength**2) / np.sum(strength**2), _LOW_BAND_ENERGY)) + 1
    return np.asarray(basis[:, :count] * taper[:, None])


_TAPER = _taper()
_SCALE: Final = np.sqrt(2 / WINDOW)
"""Makes energies of sums: half of WINDOW is the energy of the taper."""
_COLUMNS: Final = 28
"""Of the basis: whole vectors of four, the last of zeros."""


def _basis() -> Floats:
    """What a window is projected on, (WINDOW, _COLUMNS)."""
    columns = _SCALE * np.concatenate([_tone_columns(_TAPER), _low_columns(_TAPER)], axis=1)
    basis = np.zeros((WINDOW, _COLUMNS), np.float32)
    basis[:, : columns.shape[1]] = columns
    return basis


_BASIS: Final = _basis()
_TAPER_ENERGY: Final = ((_SCALE * _TAPER) ** 2).astype(np.float32)
_SILENCE: Final = 1.0
"""Added to every energy (−84 dBm0) so that in digital silence nothing is a share of nothing."""


class _Tables(ctypes.Structure):
    """struct screen_tables of c/ear.h."""

    _fields_: ClassVar = [
        ("basis", c_void_p),
        ("taper_energy", c_void_p),
        ("silence", c_float),
        ("least_above", c_float),
    ]


SCREEN_TABLES: Final = _Tables(address(_BASIS), address(_TAPER_ENERGY), _SILENCE, LEAST_ABOVE)
"""What the compiled loop measures by."""

_SCREENING: Final = np.dtype(
    [(name, np.float32) for name in ("energy", "above", "low", "pair", "weaker")]
    + [("tones", np.float32, 8), ("waves", np.float32, 16)]
)
"""struct screening of c/ear.h."""


def require_screen() -> None:
    """Raise CompiledError unless the library was compiled for these sizes."""
    EAR.require("screen_fits", (WINDOW, HOP, _COLUMNS, _SCREENING.itemsize, ctypes.sizeof(_Tables)))


def screen(windows: Floats) -> Screening:
    """Measure windows of linear samples, (windows, WINDOW)."""
    if windows.ndim != 2 or windows.shape[1] != WINDOW:
        raise ValueError(f"windows: each must be of {WINDOW} samples")
    require_screen()
    samples = np.ascontiguousarray(windows, np.float32)
    found = np.zeros(len(samples), _SCREENING)
    EAR.function("screen_rows", "ppip")(
        address(SCREEN_TABLES), address(samples), len(samples), address(found)
    )
    return Screening(
        energy=found["energy"],
        above=found["above"],
        low=found["low"],
        tones=found["tones"].T,
        pair=found["pair"],
        weaker=found["weaker"],
    )
