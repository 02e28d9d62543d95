"""Amounts as people type them; what cannot be read for certain is refused, and never repeated."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.desk.panel.amount import read_amount
from tonevault.desk.refusal import Refusal
from tonevault.kernel.money import MAX_AMOUNT_MINOR, MINOR_DIGITS, Money


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("12.50", "GBP", 1250),
        ("12,50", "EUR", 1250),
        ("12.5", "GBP", 1250),
        ("12", "GBP", 1200),
        (" 1 250 ", "GBP", 125000),
        ("0.01", "GBP", 1),
        ("1250", "JPY", 1250),
        ("1.234", "KWD", 1234),
        ("999999999.99", "GBP", 99_999_999_999),
    ],
)
def test_an_amount_is_read(typed: str, currency: str, minor: int) -> None:
    assert read_amount(typed, currency) == Money(minor, currency)


@pytest.mark.parametrize("typed", ["", "   "])
def test_nothing_means_that_only_the_card_is_kept(typed: str) -> None:
    assert read_amount(typed, "GBP") is None


@pytest.mark.parametrize(
    ("typed", "currency", "field", "rule"),
    [
        ("abc", "GBP", "amount", "pattern"),
        ("£12", "GBP", "amount", "pattern"),
        ("-5", "GBP", "amount", "pattern"),
        ("1,234.50", "GBP", "amount", "pattern"),
        ("12.345", "GBP", "amount", "pattern"),
        ("12.5", "JPY", "amount", "pattern"),
        ("1,234", "KWD", "amount", "pattern"),
        ("1.", "GBP", "amount", "pattern"),
        ("١٢", "GBP", "amount", "pattern"),
        ("0", "GBP", "amount", "minimum"),
        ("0.00", "GBP", "amount", "minimum"),
        ("99999999999", "GBP", "amount", "maximum"),
        ("12", "ZZZ", "currency", "unknown"),
        ("12", "", "currency", "unknown"),
    ],
)
def test_what_is_not_certain_is_refused(typed: str, currency: str, field: str, rule: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_amount(typed, currency)
    assert [(fault.field, fault.rule) for fault in refused.value.errors] == [(field, rule)]
    if len(typed) > 2:
        assert typed not in refused.value.detail


@given(st.integers(1, MAX_AMOUNT_MINOR), st.sampled_from(sorted(MINOR_DIGITS)))
def test_what_the_panel_shows_can_be_typed_again(minor: int, currency: str) -> None:
    shown, _, _ = str(Money(minor, currency)).partition(" ")
    assert read_amount(shown, currency) == Money(minor, currency)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(typed: str) -> None:
    with suppress(Refusal):
        read_amount(typed, "GBP")
