"""Money: whole minor units, known currencies, bounds that keep a card number out."""

import pytest

from tonevault.kernel.money import MAX_AMOUNT_MINOR, Money


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1250, "GBP"), "12.50 GBP"),
        (Money(5, "EUR"), "0.05 EUR"),
        (Money(1250, "JPY"), "1250 JPY"),
        (Money(1250, "KWD"), "1.250 KWD"),
        (Money(0, "USD"), "0.00 USD"),
    ],
)
def test_text(money: Money, text: str) -> None:
    assert str(money) == text


@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT_MINOR + 1, 4242424242424242])
def test_out_of_bounds(amount: int) -> None:
    with pytest.raises(ValueError, match="amount_minor") as caught:
        Money(amount, "GBP")
    assert "4242" not in str(caught.value)


def test_the_largest_amount_is_shorter_than_any_card_number() -> None:
    assert len(str(MAX_AMOUNT_MINOR)) < 12


@pytest.mark.parametrize("currency", ["gbp", "ZZZ", ""])
def test_unknown_currency(currency: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money(1, currency)
