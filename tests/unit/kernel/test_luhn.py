"""Luhn: published numbers pass, and one wrong digit never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.kernel.luhn import passes_luhn


@pytest.mark.parametrize(
    "number", [b"4242424242424242", b"378282246310005", b"5555555555554444", b"79927398713", b"0"]
)
def test_published_numbers(number: bytes) -> None:
    assert passes_luhn(number)
    assert passes_luhn(memoryview(number))


@given(st.integers(0, 15), st.integers(1, 9))
def test_one_wrong_digit_is_found(place: int, off: int) -> None:
    digits = bytearray(b"4000056655665556")
    digits[place] = 0x30 + (digits[place] - 0x30 + off) % 10
    assert not passes_luhn(digits)
