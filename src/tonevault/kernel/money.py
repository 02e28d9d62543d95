"""Money: integer minor units with their currency (ISO 4217). Refuses fractions, negatives and amounts that could hide a card number."""

from dataclasses import dataclass
from typing import Final

MAX_AMOUNT_MINOR: Final = 99_999_999_999
"""Eleven digits: above any payment by card, and too short to carry the shortest card number (12 digits)."""

MINOR_DIGITS: Final = {
    "AED": 2, "AUD": 2, "BGN": 2, "BHD": 3, "BRL": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2, "CZK": 2, "DKK": 2, "EUR": 2,
    "GBP": 2, "HKD": 2, "HUF": 2, "IDR": 2, "ILS": 2, "INR": 2, "ISK": 0, "JOD": 3, "JPY": 0, "KES": 2, "KRW": 0, "KWD": 3,
    "MXN": 2, "MYR": 2, "NGN": 2, "NOK": 2, "NZD": 2, "OMR": 3, "PHP": 2, "PLN": 2, "QAR": 2, "RON": 2, "SAR": 2, "SEK": 2,
    "SGD": 2, "THB": 2, "TND": 3, "TRY": 2, "TWD": 2, "UAH": 2, "USD": 2, "VND": 0, "ZAR": 2,
}  # fmt: skip
"""Currency to its number of decimal digits (ISO 4217 table A.1), for the currencies that cards are charged in."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of at least zero in the currency's minor unit (pence, cents)."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in MINOR_DIGITS:
            msg = (
                "currency: not an ISO 4217 code that Tonevault charges in; write for example GBP, EUR or USD"
            )
            raise ValueError(msg)
        if not 0 <= self.amount_minor <= MAX_AMOUNT_MINOR:
            msg = f"amount_minor: must be from 0 to {MAX_AMOUNT_MINOR}, in minor units (12.50 GBP is 1250)"
            raise ValueError(msg)

    def __str__(self) -> str:
        digits = MINOR_DIGITS[self.currency]
        if digits == 0:
            return f"{self.amount_minor} {self.currency}"
        whole, part = divmod(self.amount_minor, 10**digits)
        return f"{whole}.{part:0{digits}d} {self.currency}"
