"""Synthesis: level, twist, frequency, length and fades are what was asked for."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tonevault.cde.wire.tone.generator import dial, key_tone
from tonevault.cde.wire.tone.level import dbm0_of


def powers_at(samples: NDArray[np.int16], *frequencies: float) -> list[float]:
    """Level in dBm0 at each frequency, by least squares over the whole stretch."""
    turn = 2 * np.pi * np.arange(len(samples)) / 8000
    waves = np.stack([wave(f * turn) for f in frequencies for wave in (np.sin, np.cos)], axis=1)
    fitted, *_ = np.linalg.lstsq(waves, samples.astype(float))
    return [dbm0_of(float(fitted[2 * i] ** 2 + fitted[2 * i + 1] ** 2) / 2) for i in range(len(frequencies))]


@pytest.mark.parametrize("twist_db", [-10.0, 0.0, 4.0])
def test_level_is_that_of_the_pair_and_twist_that_between_its_tones(twist_db: float) -> None:
    tone = key_tone(5, 0.2, level_dbm0=-12, twist_db=twist_db)
    row, column = powers_at(tone, 770, 1336)
    assert column - row == pytest.approx(twist_db, abs=0.05)
    assert dbm0_of(float(np.mean(tone.astype(float) ** 2))) == pytest.approx(-12, abs=0.1)


def test_offsets_move_each_tone_alone() -> None:
    row, column = powers_at(key_tone(5, 0.4, row_offset=0.015, column_offset=-0.02), 770 * 1.015, 1336 * 0.98)
    assert row == pytest.approx(-12, abs=0.1)
    assert column == pytest.approx(-12, abs=0.1)


def test_length_and_fades() -> None:
    assert len(key_tone(1, 0.04)) == 320
    faded = np.abs(key_tone(1, 0.1, fade_s=0.01).astype(int))
    assert faded[:4].max() < 60
    assert faded[-4:].max() < 60
    assert faded[80:-80].max() > 8000


def test_the_loudest_pair_is_clipped_and_does_not_wrap() -> None:
    loud, fair = key_tone(15, 0.1, level_dbm0=6).astype(int), key_tone(15, 0.1, level_dbm0=-6).astype(int)
    assert (np.sign(loud) == np.sign(fair))[np.abs(fair) > 0].all()
    assert loud.max() == 32767


def test_dialling_is_keys_and_pauses() -> None:
    line = dial(bytes([4, 4, 11]), on_s=0.05, off_s=0.03)
    assert len(line) == 3 * (400 + 240)
    assert not line[400:640].any()
    assert len(dial(b"")) == 0
