"""The ear and what the mask needs of it: samples in; keys, and the stretches of the line that may hold a tone, out. It refuses to mask."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.look import STRETCH, look
from tonevault.cde.wire.tone.report import ToneReport
from tonevault.cde.wire.tone.screen import HOP, WINDOW, Screening, screen
from tonevault.cde.wire.tone.sliding import sliding
from tonevault.cde.wire.tone.suspicion import FAINTEST_WEAKER, FAINTEST_WINDOW, Suspicion
from tonevault.cde.wire.tone.tracker import Ask, Heard, Tracker
from tonevault.cde.wire.tone.verdict import Sight

SLICE: Final = 8000
"""Most samples worked on at once (1 s), whatever the caller pushes: bounds memory."""

WORTH_A_LOOK: Final = 0.55
"""Share of the strongest pair, of what lies above the low band, from which level B looks. A pair 6 dB above white noise has 0.8."""

LEAST_ABOVE: Final = 0.05
"""Share of the energy that is always reckoned to lie above the low band: a dial tone 10 dB above each tone leaves the pair 0.09."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came of one chunk.

    `tonal` holds where windows end (sample indices, in no order) that may hold a tone: those that look like one at first glance, and those
    in which a reported key still sounds.
    """

    reports: list[ToneReport]
    tonal: list[int]


class Ear:
    """Hears one call."""

    def __init__(self) -> None:
        self._tracker = Tracker()
        self._suspicion = Suspicion()
        self._recent: NDArray[np.float32] = np.zeros(STRETCH, np.float32)
        self._position = 0
        self._next_end = HOP

    @property
    def position(self) -> int:
        """Samples heard so far."""
        return self._position

    def hear(self, samples: NDArray[np.int16]) -> Hearing:
        """Take the next samples, any number."""
        hearing = Hearing([], [])
        for begin in range(0, len(samples), SLICE):
            self._hear_slice(samples[begin : begin + SLICE], hearing)
        return hearing

    def _hear_slice(self, samples: NDArray[np.int16], hearing: Hearing) -> None:
        line = np.concatenate([self._recent, samples])
        origin = self._position - len(self._recent)
        self._position += len(samples)
        if self._position >= self._next_end:
            first = self._next_end - WINDOW - origin
            windows = sliding(line[first:], WINDOW, HOP)
            self._track(screen(windows), line, origin, hearing)
            self._next_end += HOP * len(windows)
        self._recent = line[-(STRETCH + HOP) :]

    def _track(self, screening: Screening, line: NDArray[np.float32], origin: int, hearing: Hearing) -> None:
        above = np.maximum(1 - screening.low, LEAST_ABOVE)
        worth = (
            (screening.energy >= FAINTEST_WINDOW)
            & (screening.pair >= WORTH_A_LOOK * above)
            & (screening.weaker >= FAINTEST_WEAKER * above)
        )
        suspect = self._suspicion.of(screening)
        if suspect.any():
            hearing.tonal.extend((self._next_end + HOP * np.flatnonzero(suspect)).tolist())
        if self._tracker.idle and not worth.any():
            return
        for index in range(len(worth)):
            if self._tracker.idle and not worth[index]:
                continue
            tones = tuple((screening.tones[index] * screening.energy[index]).tolist())
            place = int(screening.key[index]) if worth[index] else None
            end = self._next_end + HOP * index
            ask = self._tracker.hear(Heard(end, place, tones))
            if ask is not None:
                self._tracker.see(ask, self._look(ask, line, origin))
            if self._tracker.sounds_until == end:
                hearing.tonal.append(end)
        hearing.reports.extend(self._tracker.take_reports())

    @staticmethod
    def _look(ask: Ask, line: NDArray[np.float32], origin: int) -> Sight:
        stretch = line[None, ask.end - origin - STRETCH : ask.end - origin]
        return Sight.of(look(stretch, np.array([ask.place]), np.array([ask.anchor])), 0)
