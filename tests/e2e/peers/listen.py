"""Judges recorded sound: which keys are audible, how many beeps, how loud; shares nothing with the product's detector.

The judge fits, in every short window, a constant plus the two sines of each key by least squares (the exact form
of Goertzel's comparison) and asks how much of the window's energy they explain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from tests.e2e.peers.keypad import KEY_TONES_HZ
from tests.e2e.peers.wav import FULL_SCALE_DBM0, FULL_SCALE_PEAK, RATE_HZ, Signal, Sound

# ITU-T Q.24's table: the least level at which an administration operates is -25 dBm a tone and nothing at -55
# is a digit. The judge must be stricter than any receiver of the agent's audio, so it starts at -50.
QUIETEST_TONE_DBM0 = -50.0

# A standard receiver operates with up to 8 dB of twist; a listener with a recording manages more.
WIDEST_TWIST_DB = 14.0

_SILENCE_DBM0 = -100.0


@dataclass(frozen=True, slots=True)
class HeardKey:
    """A stretch in which the tones of one key are audible; times in seconds from the beginning of the sound."""

    key: str
    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class HeardBeep:
    """A stretch of one steady pitch; times in seconds, level in dBm0."""

    start_s: float
    end_s: float
    level_dbm0: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """For each window: the share of its energy that the sines explain, and the level of each sine in dBm0."""

    share: Signal
    levels: tuple[Signal, ...]


@cache
def _basis(frequencies_hz: tuple[float, ...], width: int) -> tuple[Signal, Signal]:
    """The columns of the fit (sine and cosine of each frequency, and a constant) and their pseudo-inverse."""
    angles = 2 * np.pi * np.arange(width)[:, None] / RATE_HZ * np.array(frequencies_hz)[None, :]
    columns = np.concatenate([np.sin(angles), np.cos(angles), np.ones((width, 1))], axis=1)
    return columns, np.linalg.pinv(columns)


def _dbm0(peak: Signal) -> Signal:
    return FULL_SCALE_DBM0 + 20 * np.log10(np.maximum(peak, 1e-3) / FULL_SCALE_PEAK)


def _fit(windows: Signal, frequencies_hz: tuple[float, ...]) -> _Fit:
    columns, inverse = _basis(frequencies_hz, windows.shape[1])
    weights = windows @ inverse.T
    count = len(frequencies_hz)
    offsets = weights[:, -1:]
    centred = windows - offsets
    explained = weights[:, :-1] @ columns[:, :-1].T
    energy = np.maximum(np.sum(centred**2, axis=1), 1e-9)
    share = 1 - np.sum((centred - explained) ** 2, axis=1) / energy
    peaks = [np.hypot(weights[:, tone], weights[:, count + tone]) for tone in range(count)]
    return _Fit(share, tuple(_dbm0(peak) for peak in peaks))


def _windows(sound: Sound, width: int, hop: int) -> Signal:
    samples = sound.samples.astype(np.float64)
    if len(samples) < width:
        return np.zeros((0, width))
    return np.lib.stride_tricks.sliding_window_view(samples, width)[::hop]


def _runs(flags: npt.NDArray[np.bool_], hop: int, width: int) -> Iterator[tuple[int, int, float, float]]:
    """Each run of true windows as first and past-last window, and the time span that all its windows cover."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    for first, past in zip(edges[::2], edges[1::2], strict=True):
        yield int(first), int(past), float(first * hop / RATE_HZ), float(((past - 1) * hop + width) / RATE_HZ)


def keys_heard(
    sound: Sound,
    *,
    window_s: float = 0.015,
    hop_s: float = 0.005,
    least_share: float = 0.8,
    shortest_s: float = 0.02,
) -> list[HeardKey]:
    """The keys whose tones are audible, in order.

    With the defaults every tone of 20 ms or more is found that carries 80 % of its windows' energy (7 dB above
    the rest), and speech is not taken for keys. `shortest_s` and `window_s` of 5 ms find fragments.
    """
    width, hop = round(window_s * RATE_HZ), round(hop_s * RATE_HZ)
    windows = _windows(sound, width, hop)
    fits = {key: _fit(windows, tones) for key, tones in KEY_TONES_HZ.items()}
    best = np.max([fit.share for fit in fits.values()], axis=0) if len(windows) else np.zeros(0)
    heard = []
    for key, fit in fits.items():
        low, high = fit.levels
        audible = np.minimum(low, high) > QUIETEST_TONE_DBM0
        flags = (
            audible
            & (np.abs(low - high) < WIDEST_TWIST_DB)
            & (fit.share >= least_share)
            & (fit.share == best)
        )
        heard += [
            HeardKey(key, start, end)
            for _, _, start, end in _runs(flags, hop, width)
            if end - start >= shortest_s - 1e-9
        ]
    return sorted(heard, key=lambda one: one.start_s)


def keys_text(sound: Sound) -> str:
    """The audible keys as one string, such as "42#"."""
    return "".join(one.key for one in keys_heard(sound))


def key_fragments(sound: Sound) -> list[HeardKey]:
    """Even 5 ms of a key's tones. For recordings without speech: a voice can pass for 5 ms of a key."""
    return keys_heard(sound, window_s=0.005, hop_s=0.001, least_share=0.95, shortest_s=0.005)


def beeps_heard(
    sound: Sound, frequency_hz: float, *, shortest_s: float = 0.03, least_share: float = 0.8
) -> list[HeardBeep]:
    """The stretches in which one pitch alone is heard, in order; their lengths are good to about 5 ms.

    Windows of 10 ms every millisecond. The first window that passes lies over a beep by about nine tenths, so a
    tenth of it is taken off at either end.
    """
    width, hop = RATE_HZ // 100, RATE_HZ // 1000
    fit = _fit(_windows(sound, width, hop), (frequency_hz,))
    level = fit.levels[0]
    flags = (fit.share >= least_share) & (level > QUIETEST_TONE_DBM0)
    beeps = []
    for first, past, start, end in _runs(flags, hop, width):
        trim = width / RATE_HZ * (1 - least_share) / 2
        if end - start - 2 * trim >= shortest_s:
            beeps.append(HeardBeep(start + trim, end - trim, float(np.median(level[first:past]))))
    return beeps


def level_dbm0(sound: Sound) -> float:
    """The mean level; -100 for digital silence or no sound at all."""
    if not len(sound.samples):
        return _SILENCE_DBM0
    rms = float(np.sqrt(np.mean(sound.samples.astype(np.float64) ** 2)))
    if rms == 0:
        return _SILENCE_DBM0
    return FULL_SCALE_DBM0 + 20 * float(np.log10(rms * np.sqrt(2) / FULL_SCALE_PEAK))


def levels_dbm0(sound: Sound, window_s: float = 0.1) -> list[float]:
    """The level of each consecutive window."""
    count = int(sound.length_s / window_s)
    return [level_dbm0(sound.between(i * window_s, (i + 1) * window_s)) for i in range(count)]


def likeness(sent: Sound, heard: Sound) -> float:
    """How much of `heard` is `sent` at its best alignment: 1 for the same sound at any delay and loudness, near 0
    for another one. Normalised cross-correlation over the whole of `sent`, which must not be longer than `heard`.
    """
    wanted, got = sent.samples.astype(np.float64), heard.samples.astype(np.float64)
    if len(wanted) > len(got) or not np.any(wanted):
        return 0.0
    size = 1 << int(np.ceil(np.log2(len(wanted) + len(got))))
    spectrum = np.fft.rfft(got, size) * np.conj(np.fft.rfft(wanted, size))
    products = np.fft.irfft(spectrum, size)[: len(got) - len(wanted) + 1]
    sums = np.concatenate([[0.0], np.cumsum(got**2)])
    energies = sums[len(wanted) :] - sums[: len(got) - len(wanted) + 1]
    scale = np.sqrt(np.maximum(energies, 1e-9) * np.sum(wanted**2))
    return float(np.max(products / scale))
