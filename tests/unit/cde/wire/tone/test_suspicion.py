"""What the mask closes for: pairs near the keys' frequencies, and neither lone tones nor a voice's harmonics."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.cde.wire.tone import loops
from tests.unit.cde.wire.tone.lines import ALL_KEYS, Wave, dial_tone, keyed, through

from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.screen import HOP, WINDOW

TIME = np.arange(4000) / 8000


BEFORE = 4 * HOP + 16
"""Silence before a line, so that its window 0, which begins with its first sample, is the sixth to be heard."""


def suspected(wave: Wave) -> NDArray[np.bool_]:
    """For each window of a line, in order, whether it is suspected."""
    samples = np.concatenate([np.zeros(BEFORE, np.int16), through(Law.ULAW, wave)])
    return loops.suspected(samples)[(BEFORE + WINDOW) // HOP - 1 :]


def sines(*hertz: float) -> Wave:
    return np.asarray(sum(5000 * np.sin(2 * np.pi * each * TIME) for each in hertz))


@pytest.mark.parametrize("offset", [-0.03, 0.0, 0.03])
def test_every_key_is_suspected_all_along(offset: float) -> None:
    for event in ALL_KEYS:
        wave, (press,) = keyed((event,), on_s=0.1, row_offset=offset, column_offset=offset)
        first = (press.onset + 144 - WINDOW) // HOP
        last = (press.end - WINDOW) // HOP
        found = suspected(wave)
        assert found[first : last + 1].all()
        assert not found[: (press.onset - WINDOW) // HOP].any()


@pytest.mark.parametrize(
    "hertz",
    [
        (697,),
        (1336,),
        (697, 941),
        (394, 788, 1182),
        (788, 1182),
        (872, 1308),
        (740, 1336),
        (770, 1270),
        (480, 620),
    ],
)
def test_what_is_no_pair_is_not(hertz: tuple[float, ...]) -> None:
    assert not suspected(sines(*hertz))[20:-20].any()


def test_dial_tone_hides_no_key_once_it_has_been_steady() -> None:
    tones, (press,) = keyed((5,), on_s=0.1, lead=4000)
    found = suspected(tones + dial_tone(len(tones), -12))
    assert found[(press.onset + 144 - WINDOW) // HOP]
    assert not found[: (press.onset - WINDOW) // HOP].any()
