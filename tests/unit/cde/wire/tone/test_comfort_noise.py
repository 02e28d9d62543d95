"""Comfort noise: the level of the line's pauses, whatever is said between them."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import speech, white

from tonevault.cde.wire.tone.comfort_noise import LOUDEST, ComfortNoise, NoiseFloor
from tonevault.cde.wire.tone.level import dbm0_of, power_of

ONE = np.zeros(1, np.intp)


def power(floor: NoiseFloor) -> float:
    return float(floor.power(ONE)[0])


def test_the_floor_is_that_of_the_pauses() -> None:
    rng = np.random.default_rng(2)
    wave = white(rng, 32000, -45) + speech(rng, 4.0, -17)
    floor = NoiseFloor()
    for piece in wave.astype(np.float32).reshape(-1, 160):
        floor.hear(ONE, piece[None])
    talking = floor.steady(0)
    assert dbm0_of(power(floor)) == pytest.approx(-45.0, abs=1.5)
    for piece in white(rng, 16000, -30).astype(np.float32).reshape(-1, 160):
        floor.hear(ONE, piece[None])
    assert (talking, floor.steady(0)) == (False, True)
    assert dbm0_of(floor.dip(0)) == pytest.approx(-30.0, abs=2)
    assert dbm0_of(power(floor)) == pytest.approx(-30.0, abs=1.5)


def test_lost_packets_do_not_make_a_noisy_line_quiet_but_silent_pauses_do() -> None:
    floor = NoiseFloor()
    for index in range(200):
        floor.hear(ONE, np.full((1, 160), 0 if index % 20 == 0 else 20, np.float32))
    lossy = power(floor)
    for index in range(200):
        floor.hear(ONE, np.full((1, 160), 0 if index % 4 == 0 else 20, np.float32))
    assert (lossy, power(floor)) == (400, 0)


def test_noise_has_the_power_asked_for_and_a_limit_and_goes_on() -> None:
    noise = ComfortNoise()
    pieces = [noise.take(ONE, 160, np.array([power_of(-50)]))[0] for _ in range(300)]
    assert all(len(piece) == 160 for piece in pieces)
    assert dbm0_of(float(np.mean(np.concatenate(pieces) ** 2))) == pytest.approx(-50, abs=0.3)
    assert float(np.mean(noise.take(ONE, 8000, np.array([power_of(0)])) ** 2)) == pytest.approx(
        LOUDEST, rel=0.05
    )
