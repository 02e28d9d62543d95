"""A line that puts off listening until something is lost mends as one that listens all the time."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import through

from tonevault.cde.edge.relay.mended_line import MendedLine
from tonevault.cde.wire.concealment import BEFORE, HISTORY, Concealment
from tonevault.cde.wire.g711 import Law, decode, encode

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


class Line:
    """Gives back what it took DELAY samples earlier, now and then quieter."""

    def __init__(self, chance: np.random.Generator) -> None:
        self._chance = chance
        self._held = np.zeros(DELAY, np.int16)
        self._spoken, self.masked = np.zeros(HISTORY, np.int16), np.zeros(HISTORY, np.int16)

    def push(self, samples: np.ndarray) -> np.ndarray:
        passed = np.concatenate([self._held, samples])
        spoken, self._held = passed[: len(samples)], passed[len(samples) :]
        masked = spoken.copy()
        if self._chance.random() < 0.1:
            masked[len(masked) // 2 :] //= 2
        self._spoken = np.concatenate([self._spoken, spoken])[-HISTORY:]
        self.masked = np.concatenate([self.masked, masked])[-max(HISTORY, len(masked)) :]
        return masked

    def carry(self, octets: bytes, law: Law, law_out: Law) -> bytes:
        return encode(law_out, self.push(decode(law, octets)))

    def held(self) -> np.ndarray:
        return self._held

    def recent(self) -> tuple[np.ndarray, np.ndarray]:
        return self._spoken, self.masked[-HISTORY:]


@pytest.mark.parametrize("seed", range(8))
def test_it_makes_no_difference_when_it_listens(seed: int) -> None:
    chance = np.random.default_rng(seed)
    below, other = Line(chance), Attentive()
    line = MendedLine(below)
    tone = through(Law.ULAW, 8000 * np.sin(np.arange(300 * DELAY) * 0.13))
    at = mended = carried = 0
    while at < len(tone) - 4 * DELAY:
        count = DELAY if chance.random() < 0.9 else int(chance.integers(1, 400))
        lost = bool(chance.random() < 0.05)
        spoken = np.zeros(count, np.int16) if lost else tone[at : at + count]
        if line.is_calm and not lost and chance.random() < 0.7:
            octets = line.carry(encode(Law.ULAW, spoken), Law.ULAW, Law.ULAW)
            expected = other.follow(spoken, below.masked[-count:], lost)
            assert octets == encode(Law.ULAW, expected)
            carried += 1
        else:
            heard = line.push(spoken, lost=lost)
            masked = below.masked[-count:]
            assert np.array_equal(heard, other.follow(spoken, masked, lost))
            mended += not np.array_equal(heard, masked)
        at += count
    assert mended > 3
    assert carried > 50
