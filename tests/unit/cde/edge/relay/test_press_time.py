"""A tone that the network parted is one press; two presses stay two."""

import pytest

from tonevault.cde.edge.relay.press_time import LONGEST_LOSS_S, PressTime
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.tone.report import ToneEnded, ToneStarted

FOUR, FIVE = Key.from_event(4), Key.from_event(5)


def heard(key: Key, onset: int) -> ToneStarted:
    return ToneStarted(key, onset)


def after_a_loss(samples: int, late: bool = False, ended: int | None = 1000) -> PressTime:
    """A four that began at 400, 20 s into the call, and met a loss at 1000; what comes after it was spoken then, or is late."""
    time = PressTime(20.0)
    time.mark(0, 20.0, 1000, lost=False)
    assert time.is_press(heard(FOUR, 400))
    assert time.when(400) == pytest.approx(20.05)
    if ended is not None:
        time.ended(ToneEnded(400, ended))
    half = samples // 2
    time.mark(1000, 20.125, half, lost=True)
    time.mark(1000 + half, 20.125 + half / 8000, samples - half, lost=True)
    time.mark(1000 + samples, 20.125 if late else 20.125 + samples / 8000, 160, lost=False)
    return time


@pytest.mark.parametrize("ended", [None, 1000, 1020])
@pytest.mark.parametrize("samples", [160, 480, 960])
def test_a_tone_that_goes_on_after_a_loss_is_the_same_press(samples: int, ended: int | None) -> None:
    time = after_a_loss(samples, ended=ended)
    assert time.when(1000 + samples + 8) == pytest.approx(20.05)
    assert not time.is_press(heard(FOUR, 1000 + samples + 8))


def test_another_key_after_a_loss_is_another_press() -> None:
    time = after_a_loss(480)
    assert time.is_press(heard(FIVE, 1480))


def test_a_tone_that_ended_before_the_loss_or_begins_after_it_is_over() -> None:
    assert after_a_loss(480, ended=800).is_press(heard(FOUR, 1480))
    assert after_a_loss(480).is_press(heard(FOUR, 1480 + 200))


def test_a_loss_that_hides_a_whole_pause_parts_presses() -> None:
    samples = int((LONGEST_LOSS_S + 0.05) * 8000)
    assert after_a_loss(samples).is_press(heard(FOUR, 1000 + samples))


def test_what_was_late_and_not_lost_is_the_same_press_however_long_it_took() -> None:
    assert not after_a_loss(4000, late=True).is_press(heard(FOUR, 5000))


def test_it_may_be_parted_more_than_once() -> None:
    time = after_a_loss(320)
    assert not time.is_press(heard(FOUR, 1320))
    time.ended(ToneEnded(1320, 1480))
    time.mark(1480, 20.185, 320, lost=True)
    time.mark(1800, 20.225, 160, lost=False)
    assert time.when(1804) == pytest.approx(20.05)
    assert not time.is_press(heard(FOUR, 1804))


def test_a_tone_without_any_loss_is_a_press() -> None:
    time = PressTime(20.0)
    time.mark(0, 20.0, 4000, lost=False)
    assert time.is_press(heard(FOUR, 400))
    time.ended(ToneEnded(400, 800))
    assert time.is_press(heard(FOUR, 1200))
