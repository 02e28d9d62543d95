"""Any rate down to 8 kHz, by a polyphase filter, in a stream. It refuses to raise a rate."""

from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ

Floats = NDArray[np.float32]

PASS_HZ: Final = 3400.0
STOP_HZ: Final = 4600.0
"""The telephone band passes whole; what folds back from between 4 and 4.6 kHz stays above it, far from the highest column (1633 Hz)."""

KAISER_BETA: Final = 7.0
"""72 dB of rejection, about what 12 bits resolve (Kaiser 1974: beta = 0.11 (A − 8.7))."""

_KAISER_WIDTH: Final = 72.0 - 7.95
"""A − 7.95, over 2.285 times the transition in radians, is the length of the filter."""


class Resampler:
    """One channel from `rate_hz` to 8 kHz: for every 8 kHz instant, the filter's phase that lies on it."""

    def __init__(self, rate_hz: int) -> None:
        if rate_hz < SAMPLE_RATE_HZ:
            raise ValueError("rate_hz: must be 8000 or more")
        shared = gcd(rate_hz, SAMPLE_RATE_HZ)
        self._up, self._down = SAMPLE_RATE_HZ // shared, rate_hz // shared
        transition = 2 * np.pi * (STOP_HZ - PASS_HZ) / rate_hz
        self._half = int(np.ceil(_KAISER_WIDTH / (2.285 * transition) / 2))
        self._taps = self._phases(rate_hz)
        self._line: Floats = np.zeros(self._half - 1, np.float32)
        self._next = 0
        """Where the next output sample lies after the line's first, in steps of 1 / (8000 × down) seconds."""

    def push(self, samples: Floats) -> Floats:
        """Take samples at the file's rate; give back those at 8 kHz that have become certain."""
        if self._up == self._down:
            return samples
        line = np.concatenate([self._line, samples])
        width = 2 * self._half
        latest = (len(line) - width) * self._up + self._up - 1
        count = max((latest - self._next) // self._down + 1, 0) if len(line) >= width else 0
        at = self._next + self._down * np.arange(count)
        begin, phase = at // self._up, at % self._up
        out = np.zeros(0, np.float32)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(line, width)
            out = np.einsum("ij,ij->i", windows[begin], self._taps[phase])
        following = self._next + self._down * count
        used = min(following // self._up, len(line))
        self._line, self._next = line[used:], following - used * self._up
        return np.asarray(out, np.float32)

    def finish(self) -> Floats:
        """The samples that the end of the recording still owes."""
        return (
            self.push(np.zeros(self._half, np.float32)) if self._up != self._down else np.zeros(0, np.float32)
        )

    def _phases(self, rate_hz: int) -> Floats:
        """(phases, 2 × half): a Kaiser-windowed sinc, sampled where each phase puts its instant between two samples."""
        place = np.arange(2 * self._half) - (self._half - 1)
        time = place[None, :] - np.arange(self._up)[:, None] / self._up
        cut = (PASS_HZ + STOP_HZ) / rate_hz
        inside = np.clip(1 - (time / self._half) ** 2, 0, None)
        taps = cut * np.sinc(cut * time) * np.i0(KAISER_BETA * np.sqrt(inside)) / np.i0(KAISER_BETA)
        return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)
