"""The beep: the same for every key, and never a key to any detector."""

import numpy as np
from tests.unit.cde.wire.tone.lines import heard, started, through

from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.beep import BEEP, BEEP_GAP_SAMPLES, BEEP_HZ, BEEP_SAMPLES, QUEUE_LIMIT, Beeper
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ

CYCLE = BEEP_SAMPLES + BEEP_GAP_SAMPLES


def played(beeper: Beeper, length: int, chunk: int = 160) -> np.ndarray:
    line = np.zeros(length, np.float32)
    for at in range(0, length, chunk):
        begin = beeper.next(at, chunk)
        if begin is not None:
            first, last = max(at, begin), min(at + chunk, begin + BEEP_SAMPLES, length)
            line[first:last] = BEEP[first - begin : last - begin]
    return line


def test_neither_it_nor_its_harmonics_come_near_a_key() -> None:
    for harmonic in range(1, 8):
        for frequency in ROW_HZ + COLUMN_HZ:
            assert abs(harmonic * BEEP_HZ / frequency - 1) > 0.035


def test_the_ear_takes_no_row_of_beeps_for_a_key() -> None:
    beeper = Beeper()
    for _ in range(QUEUE_LIMIT):
        beeper.ring()
    line = played(beeper, QUEUE_LIMIT * CYCLE + 800).astype(np.float64)
    for law in Law:
        for gain in (1.0, 4.0, 0.05):
            assert started(heard(through(law, gain * line))) == []


def test_two_rings_are_two_beeps_with_a_pause_whatever_the_chunks() -> None:
    for chunk in (1, 77, BEEP_GAP_SAMPLES):
        beeper = Beeper()
        beeper.ring()
        beeper.ring()
        line = played(beeper, 2 * CYCLE + 100, chunk)
        assert np.array_equal(line[:BEEP_SAMPLES], BEEP)
        assert not line[BEEP_SAMPLES:CYCLE].any()
        assert np.array_equal(line[CYCLE : CYCLE + BEEP_SAMPLES], BEEP)
        assert beeper.idle


def test_a_flood_of_rings_is_bounded() -> None:
    beeper = Beeper()
    for _ in range(1000):
        beeper.ring()
    line = played(beeper, (QUEUE_LIMIT + 3) * CYCLE)
    assert not line[QUEUE_LIMIT * CYCLE :].any()


def test_it_fades_in_and_out() -> None:
    assert np.abs(BEEP[:3]).max() < 40
    assert np.abs(BEEP[-3:]).max() < 40
