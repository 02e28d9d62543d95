"""Telephone numbers as people and carriers write them, brought to E.164. Refuses what could be a card number."""

import re
from typing import Final

from tonevault.boundary.text import holds_card_number

MAX_DIGITS: Final = 15
"""ITU-T E.164 section 6.2.1."""
MIN_DIGITS: Final = 6
"""The shortest subscriber numbers in use, with their country code."""
_SEPARATORS: Final = re.compile(r"[ ().\-/]+")
_SHORTEST_REFUSED: Final = 14
"""Of 12 and 13 digits one real telephone number in ten passes Luhn; cards in use have 14 and more, or begin unlike a country code."""


class NotATelephoneNumberError(ValueError):
    """The text is no number that E.164 can hold."""


def normalise(text: str, country_code: str | None) -> str:
    """`+44 20 7946 0000`, `0044…` or, with a country code, `020 7946 0000` as `+442079460000`."""
    digits = _SEPARATORS.sub("", text)
    if digits.startswith("+"):
        digits = digits[1:]
    elif digits.startswith("00"):
        digits = digits[2:]
    elif country_code is not None:
        # One leading zero is the trunk prefix of most national plans; it is not dialled from abroad.
        digits = country_code + digits.removeprefix("0")
    else:
        raise NotATelephoneNumberError("must begin with + and the country code, such as +44 20 7946 0000")
    return _checked(digits)


def candidates(text: str | None, country_code: str | None) -> tuple[str, ...]:
    """Every E.164 number that a carrier could mean: some send `447700900123` without +, some the national form."""
    if text is None:
        return ()
    digits = _SEPARATORS.sub("", text)
    readings = [digits.removeprefix("+").removeprefix("00")]
    if country_code is not None and not digits.startswith(("+", "00")):
        readings.append(country_code + digits.removeprefix("0"))
    found = []
    for reading in readings:
        try:
            found.append(_checked(reading))
        except NotATelephoneNumberError:
            continue
    return tuple(dict.fromkeys(found))


def _checked(digits: str) -> str:
    if not (digits.isascii() and digits.isdigit() and MIN_DIGITS <= len(digits) <= MAX_DIGITS):
        raise NotATelephoneNumberError("must have 6 to 15 digits with the country code (ITU-T E.164)")
    if digits.startswith("0"):
        raise NotATelephoneNumberError("must begin with a country code, and none begins with 0")
    if len(digits) >= _SHORTEST_REFUSED and holds_card_number(digits):
        raise NotATelephoneNumberError("looks like a card number; card data is never typed here")
    return "+" + digits
