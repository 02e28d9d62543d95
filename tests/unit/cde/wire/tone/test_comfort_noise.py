"""Comfort noise: the level of the line's pauses, whatever is said between them."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import speech, white

from tonevault.cde.wire.tone.comfort_noise import LOUDEST, ComfortNoise, NoiseFloor
from tonevault.cde.wire.tone.level import dbm0_of, power_of


def test_the_floor_is_that_of_the_pauses() -> None:
    rng = np.random.default_rng(2)
    wave = white(rng, 32000, -45) + speech(rng, 4.0, -17)
    floor = NoiseFloor()
    for piece in wave.astype(np.float32).reshape(-1, 160):
        floor.hear(piece)
    assert floor.known
    assert dbm0_of(floor.power) == pytest.approx(-45.5, abs=1.5)


def test_a_gap_in_transmission_is_not_the_line() -> None:
    floor = NoiseFloor()
    floor.hear(np.full(160, 20, np.float32))
    floor.hear(np.zeros(1600, np.float32))
    assert floor.power == 400


def test_noise_has_the_power_asked_for_and_a_limit_and_goes_on() -> None:
    noise = ComfortNoise()
    pieces = [noise.take(160, power_of(-50)) for _ in range(300)]
    assert all(len(piece) == 160 for piece in pieces)
    assert dbm0_of(float(np.mean(np.concatenate(pieces) ** 2))) == pytest.approx(-50, abs=0.3)
    assert float(np.mean(noise.take(8000, power_of(0)) ** 2)) == pytest.approx(LOUDEST, rel=0.05)
