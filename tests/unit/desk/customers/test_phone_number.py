"""Telephone numbers as people and carriers write them."""

import pytest

from tonevault.desk.customers.phone_number import NotATelephoneNumberError, candidates, normalise


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+44 20 7946 0000", None, "+442079460000"),
        ("0044 (20) 7946-0000", None, "+442079460000"),
        ("020 7946 0000", "44", "+442079460000"),
        ("(415) 555-0100", "1", "+14155550100"),
        ("+441632960001", "1", "+441632960001"),
    ],
)
def test_normalise(text: str, country: str | None, expected: str) -> None:
    assert normalise(text, country) == expected


@pytest.mark.parametrize(
    ("text", "country"),
    [("020 7946 0000", None), ("+0123456789", None), ("+12", None), ("+1234567890123456", None), ("", "44")],
)
def test_what_is_no_number(text: str, country: str | None) -> None:
    with pytest.raises(NotATelephoneNumberError):
        normalise(text, country)


@pytest.mark.parametrize(
    "card", ["378282246310005", "+378282246310005", "3782 822463 10005", "30569309025904"]
)
def test_a_card_number_is_no_telephone_number(card: str) -> None:
    with pytest.raises(NotATelephoneNumberError):
        normalise("+" + card.removeprefix("+"), None)
    assert candidates(card, None) == ()


@pytest.mark.parametrize(
    ("caller", "country", "expected"),
    [
        ("+441632960001", None, ("+441632960001",)),
        ("441632960001", None, ("+441632960001",)),
        ("441632960001", "44", ("+441632960001", "+44441632960001")),
        ("01632960001", "44", ("+441632960001",)),
        (None, "44", ()),
        ("5550100", None, ("+5550100",)),
    ],
)
def test_candidates(caller: str | None, country: str | None, expected: tuple[str, ...]) -> None:
    assert candidates(caller, country) == expected
