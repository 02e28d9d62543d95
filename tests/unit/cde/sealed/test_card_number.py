"""Brand, length and Luhn by issuer range, on the schemes' published test numbers."""

import pytest

from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.issuer import RANGES
from tonevault.kernel.card import Brand

PUBLISHED = [
    ("4242424242424242", Brand.VISA, 3), ("4000056655665556", Brand.VISA, 3), ("4222222222222", Brand.VISA, 3),
    ("5555555555554444", Brand.MASTERCARD, 3), ("2223003122003222", Brand.MASTERCARD, 3), ("378282246310005", Brand.AMEX, 4),
    ("6011111111111117", Brand.DISCOVER, 3), ("3056930009020004", Brand.DINERS, 3), ("36227206271667", Brand.DINERS, 3),
    ("3566002020360505", Brand.JCB, 3), ("6200000000000005", Brand.UNIONPAY, 3), ("6759649826438453", Brand.MAESTRO, 3),
]  # fmt: skip


@pytest.mark.parametrize(("digits", "brand", "code_length"), PUBLISHED)
def test_published_numbers(digits: str, brand: Brand, code_length: int) -> None:
    number = CardNumber(bytearray(digits.encode()))
    assert number.issuer is not None
    assert (number.issuer.brand, number.issuer.code_length, number.is_valid) == (brand, code_length, True)


@pytest.mark.parametrize("place", range(16))
def test_one_wrong_digit_fails_luhn(place: int) -> None:
    digits = bytearray(b"4000056655665556")
    digits[place] = 0x30 + (digits[place] - 0x30 + 1) % 10
    assert not CardNumber(digits).is_valid


def test_a_length_that_the_range_does_not_use_is_invalid() -> None:
    assert not CardNumber(bytearray(b"42424242424242")).is_valid


def test_a_range_that_nobody_issues_is_invalid() -> None:
    assert CardNumber(bytearray(b"0000000000000000")).issuer is None


def test_ranges_are_whole() -> None:
    for each in RANGES:
        assert 0 <= each.low <= each.high <= 999_999
        assert each.lengths <= set(range(12, 20))
