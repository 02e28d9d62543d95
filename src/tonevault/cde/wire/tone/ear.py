"""The ear of one call: samples in; keys, and the stretches of the line that may hold a tone, out. It refuses to mask."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.ear_bank import EarBank
from tonevault.cde.wire.tone.report import ToneReport
from tonevault.cde.wire.tone.screen import HOP

SLICE: Final = 8000
"""Most samples worked on at once (1 s), whatever the caller pushes: bounds memory."""

_ALONE: Final = np.zeros(1, np.intp)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What came of one chunk.

    `tonal` holds where windows end (sample indices, in order) that may hold a tone: those that look like one at first glance, and those
    in which a reported key still sounds.
    """

    reports: list[ToneReport]
    tonal: list[int]


class Ear:
    """Hears one call: a bank of one."""

    def __init__(self) -> None:
        self._bank = EarBank(1)

    @property
    def position(self) -> int:
        """Samples heard so far."""
        return int(self._bank.positions[0])

    def hear(self, samples: NDArray[np.int16]) -> Hearing:
        """Take the next samples, any number."""
        hearing = Hearing([], [])
        for begin in range(0, len(samples), SLICE):
            heard = self._bank.hear(_ALONE, samples[None, begin : begin + SLICE])
            hearing.reports.extend(heard.reports.get(0, []))
            hearing.tonal.extend((heard.first_end[0] + HOP * np.flatnonzero(heard.tonal[0])).tolist())
        return hearing
