"""Runs of keys that are a card number, and runs that are not. Numbers are the schemes' published test numbers."""

import pytest

from tonevault.cde.sealed.key import Key
from tonevault.cde.tones.card_run import LONGEST_RUN, KeyedCardNumber, RunWatch
from tonevault.cde.tones.channel_ear import HeardKey
from tonevault.kernel.card import Brand

VISA, AMEX = b"4242424242424242", b"378282246310005"


def found(keys: bytes, pause_after: int = -1) -> list[KeyedCardNumber]:
    watch, numbers, at = RunWatch(), [], 10.0
    for index, character in enumerate(keys):
        numbers += watch.take(HeardKey(2, Key.from_character(character), at, at + 0.1, 1.0))
        at += 20.0 if index == pause_after else 0.3
    return numbers + watch.finish()


@pytest.mark.parametrize(("keys", "brand"), [(VISA, Brand.VISA), (AMEX, Brand.AMEX)])
def test_a_card_number_and_nothing_else(keys: bytes, brand: Brand) -> None:
    (number,) = found(keys + b"#")
    assert (number.brand, number.length, number.whole, number.channel) == (brand, len(keys), True, 2)
    assert number.start_s == 10.0
    assert number.end_s == pytest.approx(10.1 + 0.3 * (len(keys) - 1))


def test_two_numbers_parted_by_a_key() -> None:
    assert [number.brand for number in found(VISA + b"#" + AMEX)] == [Brand.VISA, Brand.AMEX]


def test_a_number_among_other_digits_passes_for_one() -> None:
    (number,) = found(b"11" + VISA)
    assert (number.length, number.whole) == (16, False)


def test_no_number() -> None:
    assert found(b"4242424242424243") == []
    assert found(b"424242424242424") == []
    assert found(b"") == []


def test_a_long_pause_and_a_star_part_runs() -> None:
    assert found(VISA, pause_after=7) == []
    assert found(VISA[:8] + b"*" + VISA[8:]) == []
    assert len(found(VISA[:8] + b"*" + VISA)) == 1


def test_what_is_found_shows_no_digit() -> None:
    assert "4242" not in repr(found(VISA))


def test_an_endless_run_is_cut() -> None:
    assert found(b"1" * (3 * LONGEST_RUN)) == []
