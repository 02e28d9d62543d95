"""How what a detector told compares with what was keyed. It refuses to need times: some detectors tell none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.peers.detector import UNTIMED, Told
from tests.unit.cde.wire.tone.lines import Press

LATEST = 1200
"""A key told later than 150 ms after its onset is told of another one."""


@dataclass(frozen=True, slots=True)
class Score:
    """Keys pressed, those of them that were told in their order, and what else was told."""

    pressed: int = 0
    heard: int = 0
    extra: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.pressed + other.pressed, self.heard + other.heard, self.extra + other.extra)

    @property
    def whole(self) -> bool:
        """Whether exactly what was pressed was told."""
        return self.heard == self.pressed and not self.extra


def score(told: Sequence[Told], presses: Sequence[Press]) -> Score:
    """By the longest common subsequence of the keys told and the keys pressed."""
    keys = np.array([each.event for each in told])
    best = np.zeros(len(keys) + 1, np.intp)
    for press in presses:
        best[1:] = np.maximum(best[1:], best[:-1] + (keys == press.event))
        best = np.maximum.accumulate(best)
    heard = int(best[-1])
    return Score(len(presses), heard, len(keys) - heard)


def delays_ms(told: Sequence[Told], presses: Sequence[Press]) -> list[float]:
    """From each onset to when its key was told, for keys that were; nothing for detectors that tell no times."""
    timed = [each for each in told if each.at != UNTIMED]
    delays = []
    for press in presses:
        after = [
            each.at for each in timed if each.event == press.event and 0 < each.at - press.onset <= LATEST
        ]
        if after:
            delays.append((min(after) - press.onset) / 8)
    return delays
