"""Comfort noise: the level of the line's pauses, whatever is said between them."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import Wave, speech, white
from tests.unit.cde.wire.tone.loops import Line

from tonevault.cde.wire.tone.comfort_noise import LOUDEST, NOISE
from tonevault.cde.wire.tone.level import dbm0_of, power_of


def linear(wave: Wave) -> np.ndarray:
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def test_the_floor_is_that_of_the_pauses() -> None:
    rng = np.random.default_rng(2)
    line = Line()
    line.hear(linear(white(rng, 32000, -45) + speech(rng, 4.0, -17)))
    talking = line.steady()
    assert dbm0_of(line.floor()) == pytest.approx(-45.0, abs=1.5)
    line.hear(linear(white(rng, 16000, -30)))
    assert (talking, line.steady()) == (False, True)
    assert dbm0_of(line.dip()) == pytest.approx(-30.0, abs=2)
    assert dbm0_of(line.floor()) == pytest.approx(-30.0, abs=1.5)


def test_what_is_known_of_a_new_line_is_its_loudest_frame() -> None:
    line = Line()
    assert (line.floor(), line.dip(), line.steady()) == (0, 0, False)
    for level in (5, 30, 10):
        line.hear(np.full(160, level, np.int16))
    assert (line.floor(), line.dip()) == (900, 100)


def test_lost_packets_do_not_make_a_noisy_line_quiet_but_silent_pauses_do() -> None:
    line = Line()
    for index in range(200):
        line.hear(np.full(160, 0 if index % 20 == 0 else 20, np.int16))
    lossy = line.floor()
    for index in range(200):
        line.hear(np.full(160, 0 if index % 4 == 0 else 20, np.int16))
    assert (lossy, line.floor()) == (400, 0)


def test_noise_has_the_lines_power_and_a_limit_and_goes_on() -> None:
    line = Line()
    line.hear(linear(white(np.random.default_rng(1), 16000, -50)))
    asked = dbm0_of(line.floor())
    pieces = np.concatenate([line.noise(160) for _ in range(300)])
    assert dbm0_of(float(np.mean(pieces**2))) == pytest.approx(asked, abs=0.3)
    assert np.array_equal(pieces[: 48000 - len(NOISE) // 2], pieces[len(NOISE) // 2 :])
    line.hear(np.full(16000, 20000, np.int16))
    assert line.floor() > power_of(0)
    assert float(np.mean(np.concatenate([line.noise(160) for _ in range(50)]) ** 2)) == pytest.approx(
        LOUDEST, rel=0.05
    )
