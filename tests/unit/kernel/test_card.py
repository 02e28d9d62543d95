"""The masked card: what may be shown and no more."""

import pytest

from tonevault.kernel.card import Brand, MaskedCard


def card(**changes: object) -> MaskedCard:
    values: dict[str, object] = {
        "brand": Brand.VISA, "first6": "424242", "last4": "4242", "length": 16, "exp_month": 1, "exp_year": 2030,
    }  # fmt: skip
    return MaskedCard(**{**values, **changes})  # type: ignore[arg-type]


def test_masked_as_the_panel_shows_it() -> None:
    assert card().masked_number == "**** **** **** 4242"
    amex = card(brand=Brand.AMEX, first6="378282", last4="0005", length=15)
    assert amex.masked_number == "**** ****** *0005"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first6", "4242424"), ("first6", "42424x"), ("last4", "42424242"), ("length", 11), ("length", 20),
        ("exp_month", 0), ("exp_month", 13), ("exp_year", 30),
    ],
)  # fmt: skip
def test_refuses_more_than_may_be_shown(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        card(**{field: value})


def test_every_brand_has_a_title() -> None:
    assert all(brand.title for brand in Brand)
