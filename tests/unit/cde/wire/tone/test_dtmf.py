"""The keypad of Q.23."""

import pytest

from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, EVENTS, ROW_HZ, key_at, place_of


def test_every_key_has_one_place() -> None:
    assert sorted(code for row in EVENTS for code in row) == list(range(16))
    for code in range(16):
        row, column = place_of(code)
        assert EVENTS[row][column] == code
        assert key_at(row, column).matches(Key.from_event(code))


@pytest.mark.parametrize(
    ("code", "low", "high"),
    [(5, 770, 1336), (0, 941, 1336), (10, 941, 1209), (11, 941, 1477), (15, 941, 1633)],
)
def test_frequencies_of_q23(code: int, low: float, high: float) -> None:
    row, column = place_of(code)
    assert (ROW_HZ[row], COLUMN_HZ[column]) == (low, high)


def test_no_other_event_has_tones_and_the_error_does_not_repeat_it() -> None:
    with pytest.raises(ValueError, match="0 to 15") as caught:
        place_of(4242)
    assert "4242" not in str(caught.value)
