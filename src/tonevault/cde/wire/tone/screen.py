"""Level A of the ear: a cheap look at every 13 ms of every call, by matrix products alone. It refuses to decide: it only measures.

Rows of its arrays are windows; they may come from one call or from thousands, for no row depends on another.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ

Floats = NDArray[np.float32]
Keys = NDArray[np.intp]

WINDOW: Final = 104
"""13 ms. The mask has 20 ms of look-ahead: the first window wholly inside a tone is complete 13 to 15.5 ms after its onset, a second one
2.5 ms later, and both are in time. Longer windows confuse less speech with tones, shorter ones leave more chances; see docs/tones.md."""

HOP: Final = 20
"""2.5 ms between windows."""

LOW_BAND_HZ: Final = 470.0
"""Below this lie dial tone (350 to 440 Hz, ITU-T E.180) and mains hum, which Q.24 has a receiver work beside. Rows begin 227 Hz above."""

_LOW_BAND_ENERGY: Final = 0.99
"""Share of a low-band sine that the low-band basis must catch; what remains (−20 dB) disturbs no decision."""


@dataclass(frozen=True, slots=True, repr=False)
class Screening:
    """What level A measured, one row a window.

    `energy` is the mean square of the tapered window in squared sample units; `low` the share of it below LOW_BAND_HZ; `tones` (rows, 8)
    the share near each row and column frequency; `waves` (rows, 16) the projections on cosine and sine of each, from whose turn between
    windows follows the exact frequency; `key` the place of the strongest pair, 4 × row + column; `pair` the share of that pair
    and `weaker` that of its weaker tone. A lone sine or a clean pair has a share of 1, give or take the overlap of the two tones (2 %).
    """

    energy: Floats
    low: Floats
    tones: Floats
    waves: Floats
    key: Keys
    pair: Floats
    weaker: Floats


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
_BASIS = np.concatenate([_tone_columns(_TAPER), _low_columns(_TAPER)], axis=1).astype(np.float32)
_TAPER_ENERGY = (_TAPER**2).astype(np.float32)
_HALF = np.float32(WINDOW / 2)
"""Energy of the taper."""
_SILENCE = _HALF
"""Added to every energy (one squared unit a sample, −84 dBm0) so that digital silence has shares of zero."""


def screen(windows: Floats) -> Screening:
    """Measure windows, (rows, WINDOW) linear samples."""
    products = windows @ _BASIS
    waves = products[:, :16].copy()
    products *= products
    energy = np.asarray((windows * windows) @ _TAPER_ENERGY + _SILENCE, np.float32)
    share: Floats = products / energy[:, None]
    tones: Floats = share[:, 0:16:2] + share[:, 1:16:2]
    row = tones[:, :4].argmax(axis=1)
    column = tones[:, 4:].argmax(axis=1)
    strongest_row = tones[:, :4].max(axis=1)
    strongest_column = tones[:, 4:].max(axis=1)
    return Screening(
        energy=energy / _HALF,
        low=share[:, 16:].sum(axis=1),
        tones=tones,
        waves=waves,
        key=4 * row + column,
        pair=strongest_row + strongest_column,
        weaker=np.minimum(strongest_row, strongest_column),
    )
