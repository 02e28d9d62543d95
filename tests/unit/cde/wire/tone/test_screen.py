"""Level A: shares of energy that mean what they say, row by row."""

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import ALL_KEYS, dial_tone

from tonevault.cde.wire.tone.dtmf import place_of
from tonevault.cde.wire.tone.generator import key_tone
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.screen import LEAST_ABOVE, WINDOW, screen


def strongest(tones: np.ndarray) -> tuple[int, int]:
    """Row and column of the strongest pair."""
    return int(tones[:4].argmax()), int(tones[4:].argmax())


def test_a_clean_pair_has_all_the_energy_and_its_key() -> None:
    for event in ALL_KEYS:
        tone = key_tone(event, 0.05)[100 : 100 + WINDOW].astype(np.float32)
        found = screen(tone[None])
        row, column = place_of(event)
        assert strongest(found.tones[:, 0]) == (row, column)
        assert float(found.pair[0] / found.energy[0]) == pytest.approx(1, abs=0.12)
        assert float(found.weaker[0] / found.energy[0]) > 0.35
        assert float(found.low[0] / found.energy[0]) < 0.02
        assert float(found.above[0] / found.energy[0]) > 0.98
        assert float(found.energy[0]) == pytest.approx(power_of(-9), rel=0.3)


def test_dial_tone_is_low_and_silence_is_nothing() -> None:
    found = screen(np.stack([dial_tone(WINDOW, -15), np.zeros(WINDOW)]).astype(np.float32))
    assert found.low[0] > 0.97 * found.energy[0]
    assert found.above[0] == pytest.approx(LEAST_ABOVE * found.energy[0])
    assert found.pair[0] < 0.06 * found.energy[0]
    assert found.pair[1] == 0
    assert found.low[1] == 0


def test_rows_do_not_know_of_each_other() -> None:
    windows = np.random.default_rng(1).normal(0, 1000, (9, WINDOW)).astype(np.float32)
    together = screen(windows)
    for index in range(9):
        alone = screen(windows[index : index + 1])
        assert np.allclose(together.tones[:, index], alone.tones[:, 0], rtol=1e-3, atol=1e-6)
        assert strongest(together.tones[:, index]) == strongest(alone.tones[:, 0])
