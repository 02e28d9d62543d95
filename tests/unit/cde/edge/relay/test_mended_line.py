"""A line that puts off listening until something is lost mends as one that listens all the time."""

import numpy as np
import pytest

from tonevault.cde.edge.relay.mended_line import MendedLine
from tonevault.cde.wire.concealment import BEFORE, Concealment

DELAY = 160


class Attentive:
    """The same, without putting anything off."""

    def __init__(self) -> None:
        self.spoken = np.zeros(DELAY, np.int16)
        self.missing = np.zeros(DELAY, np.bool_)
        self.concealment = Concealment()

    def follow(self, spoken: np.ndarray, masked: np.ndarray, lost: bool) -> np.ndarray:
        held = np.concatenate([self.spoken, spoken])
        missing = np.concatenate([self.missing, np.full(len(spoken), lost)])
        self.spoken, self.missing = held[len(spoken) :], missing[len(spoken) :]
        return self.concealment.mend(held[: len(spoken)], masked, missing[: len(spoken) + BEFORE])


@pytest.mark.parametrize("seed", range(8))
def test_it_makes_no_difference_when_it_listens(seed: int) -> None:
    chance = np.random.default_rng(seed)
    line, other = MendedLine(DELAY), Attentive()
    tone = (8000 * np.sin(np.arange(300 * DELAY) * 0.13)).astype(np.int16)
    before = np.zeros(DELAY, np.int16)
    at = mended = 0
    while at < len(tone) - 4 * DELAY:
        count = DELAY if chance.random() < 0.9 else int(chance.integers(1, 400))
        lost = bool(chance.random() < 0.05)
        spoken = np.zeros(count, np.int16) if lost else tone[at : at + count]
        passed = np.concatenate([before, spoken])
        masked, before = passed[:count].copy(), passed[count:]
        if chance.random() < 0.1:
            masked[count // 2 :] //= 2
        heard = line.follow(spoken, masked, lost=lost)
        assert np.array_equal(heard, other.follow(spoken, masked, lost))
        mended += not np.array_equal(heard, masked)
        at += count
    assert mended > 3
