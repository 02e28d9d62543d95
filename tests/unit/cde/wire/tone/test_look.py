"""Level B: edges to a millisecond, offsets to half a percent, row by row."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import ALL_KEYS, dial_tone, keyed, through, white

from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.dtmf import place_of
from tonevault.cde.wire.tone.look import STRETCH, Look, look


def seen(
    event: int,
    *,
    age: int = 280,
    dial_dbm0: float | None = None,
    snr_db: float | None = None,
    twist_db: float = 0.0,
    row_offset: float = 0.0,
    column_offset: float = 0.0,
) -> tuple[Look, int]:
    """A look at a tone `age` samples old, and where in the stretch its onset is."""
    wave, (press,) = keyed((event,), twist_db=twist_db, row_offset=row_offset, column_offset=column_offset)
    if dial_dbm0 is not None:
        wave += dial_tone(len(wave), dial_dbm0)
    if snr_db is not None:
        wave += white(np.random.default_rng(event), len(wave), -9 - snr_db)
    stop = press.onset + age
    row, column = place_of(event)
    stretch = through(Law.ALAW, wave)[stop - STRETCH : stop].astype(np.float32)
    return look(stretch[None], np.array([4 * row + column]), np.array([STRETCH - 60])), STRETCH - age


@pytest.mark.parametrize("event", ALL_KEYS)
def test_a_clean_tone_is_seen_as_it_is(event: int) -> None:
    found, onset = seen(event, twist_db=-6)
    assert found.onset[0] == pytest.approx(onset, abs=6)
    assert found.end[0] == STRETCH
    assert found.sounding[0] == pytest.approx(280, abs=6)
    assert found.twist_db[0] == pytest.approx(-6, abs=0.5)
    assert found.purity[0] > 0.97
    assert found.steadiness[0] > 0.99


@pytest.mark.parametrize("offset", [-0.035, -0.015, 0.015, 0.035])
def test_offsets_are_measured_each_alone_even_in_noise(offset: float) -> None:
    for event in ALL_KEYS:
        found, _ = seen(event, row_offset=offset, snr_db=10)
        assert found.row_offset[0] == pytest.approx(offset, abs=0.005)
        assert found.column_offset[0] == pytest.approx(0, abs=0.005)
        found, _ = seen(event, column_offset=offset, snr_db=10)
        assert found.column_offset[0] == pytest.approx(offset, abs=0.005)


def test_an_end_is_seen_too() -> None:
    wave, (press,) = keyed((7,), on_s=0.05)
    stop, onset = press.onset + 520, STRETCH - 520
    row, column = place_of(7)
    stretch = through(Law.ULAW, wave)[stop - STRETCH : stop].astype(np.float32)
    found = look(stretch[None], np.array([4 * row + column]), np.array([onset + 300]))
    assert found.end[0] == pytest.approx(onset + 400, abs=6)
    assert found.sounding[0] == pytest.approx(400, abs=8)


def test_dial_tone_as_loud_as_the_pair_is_looked_through() -> None:
    found, onset = seen(1, dial_dbm0=-12)
    assert found.purity[0] > 0.9
    assert found.onset[0] == pytest.approx(onset, abs=12)


def test_rows_do_not_know_of_each_other() -> None:
    rng = np.random.default_rng(3)
    stretches = rng.normal(0, 1000, (6, STRETCH)).astype(np.float32)
    keys, anchors = rng.integers(0, 16, 6), rng.integers(100, STRETCH, 6)
    together = look(stretches, keys, anchors)
    for index in range(6):
        alone = look(stretches[index : index + 1], keys[index : index + 1], anchors[index : index + 1])
        assert together.purity[index] == pytest.approx(alone.purity[0], rel=1e-3)
        assert together.onset[index] == pytest.approx(alone.onset[0], abs=0.1)


def test_silence_measures_nothing_and_does_not_warn() -> None:
    found = look(np.zeros((1, STRETCH), np.float32), np.array([0]), np.array([STRETCH]))
    assert found.power[0] < 1


def test_a_pressed_key_rises_sharply_and_both_tones_together() -> None:
    for event in ALL_KEYS:
        found, _ = seen(event, snr_db=10)
        assert found.attack[0] > 0.65
        assert found.apart[0] < 12
        assert found.glide[0] < 300


def looked_at(wave: np.ndarray, stop: int) -> Look:
    """A look at row 770 and column 1336 Hz before `stop`."""
    return look(wave[None, stop - STRETCH : stop].astype(np.float32), np.array([5]), np.array([STRETCH - 60]))


def test_a_swelling_pair_has_no_attack() -> None:
    turn = 2 * np.pi * np.arange(1600) / 8000
    swell = np.clip((np.arange(1600) - 1100) / 240, 0, 1)
    found = looked_at(4000 * swell * (np.sin(770 * turn) + np.sin(1336 * turn)), 1600)
    assert 0 < found.attack[0] < 0.5


def test_tones_that_begin_one_by_one_are_apart() -> None:
    turn, time = 2 * np.pi * np.arange(1600) / 8000, np.arange(1600)
    found = looked_at(4000 * ((time > 1200) * np.sin(770 * turn) + (time > 1280) * np.sin(1336 * turn)), 1600)
    assert found.apart[0] == pytest.approx(80, abs=8)


@pytest.mark.parametrize("glide", [500.0, -1500.0])
def test_a_gliding_tone_is_seen_to_glide(glide: float) -> None:
    time = (np.arange(1600) - 1450) / 8000
    phase = 2 * np.pi * (1336 * time + glide * time**2 / 2)
    wave = (time > -0.04) * (np.sin(2 * np.pi * 770 * time) + np.sin(phase))
    found = looked_at(4000 * wave, 1600)
    assert found.glide[0] == pytest.approx(abs(glide), rel=0.25)


def test_a_tone_goes_on_after_a_hole_of_a_packet() -> None:
    wave, (press,) = keyed((5,), on_s=0.05, row_offset=0.012)
    wave[press.onset + 120 : press.onset + 280] = 0
    found = looked_at(wave, press.onset + 400)
    assert found.steadiness[0] > 0.95
    assert found.purity[0] > 0.9
    assert found.sounding[0] == pytest.approx(240, abs=24)
