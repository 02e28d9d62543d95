"""Issuer ranges: which brand a number belongs to, how long it is, how long its security code is (ISO/IEC 7812, scheme documents)."""

from dataclasses import dataclass
from typing import Final

from tonevault.kernel.card import Brand


@dataclass(frozen=True, slots=True)
class IssuerRange:
    """First six digits from `low` to `high`, the lengths a number of the range may have, and the length of its security code."""

    brand: Brand
    low: int
    high: int
    lengths: frozenset[int]
    code_length: int = 3


def _range(brand: Brand, low: str, high: str, lengths: tuple[int, ...], code_length: int = 3) -> IssuerRange:
    return IssuerRange(
        brand, int(low.ljust(6, "0")), int(high.ljust(6, "9")), frozenset(lengths), code_length
    )


_LONG = tuple(range(16, 20))

RANGES: Final = (
    # The narrow ranges stand before the wide ones that enclose them: the first match decides.
    _range(Brand.AMEX, "34", "34", (15,), 4),
    _range(Brand.AMEX, "37", "37", (15,), 4),
    _range(Brand.DINERS, "300", "305", tuple(range(14, 20))),
    _range(Brand.DINERS, "3095", "3095", tuple(range(14, 20))),
    _range(Brand.DINERS, "36", "36", tuple(range(14, 20))),
    _range(Brand.DINERS, "38", "39", tuple(range(14, 20))),
    _range(Brand.JCB, "3528", "3589", _LONG),
    _range(Brand.MASTERCARD, "2221", "2720", (16,)),
    _range(Brand.MASTERCARD, "51", "55", (16,)),
    _range(Brand.DISCOVER, "6011", "6011", _LONG),
    _range(Brand.DISCOVER, "622126", "622925", _LONG),
    _range(Brand.DISCOVER, "644", "649", _LONG),
    _range(Brand.DISCOVER, "65", "65", _LONG),
    _range(Brand.UNIONPAY, "62", "62", _LONG),
    _range(Brand.UNIONPAY, "81", "81", _LONG),
    _range(Brand.MAESTRO, "50", "50", tuple(range(12, 20))),
    _range(Brand.MAESTRO, "56", "59", tuple(range(12, 20))),
    _range(Brand.MAESTRO, "6", "6", tuple(range(12, 20))),
    _range(Brand.VISA, "4", "4", (13, 16, 19)),
)


def find_range(first_six: int) -> IssuerRange | None:
    """The range that the first six digits fall in, or None where no scheme has issued."""
    for each in RANGES:
        if each.low <= first_six <= each.high:
            return each
    return None
