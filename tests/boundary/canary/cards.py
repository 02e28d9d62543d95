"""Canary cards: valid by Luhn and issuer range, with digits that nothing else produces by chance."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Canary:
    """A card to be keyed and then searched for."""

    name: str
    number: str
    code: str

    @property
    def allowed(self) -> tuple[str, str]:
        """What may be shown: first six and last four (PCI DSS 3.4.1)."""
        return self.number[:6], self.number[-4:]


def with_check_digit(body: str) -> str:
    """`body` with its Luhn digit behind it."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) << (1 - (place & 1))
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


CANARIES: Final = (
    Canary("visa", with_check_digit("498503718264957"), "739"),
    Canary("mastercard", with_check_digit("522894163750829"), "857"),
    Canary("amex", with_check_digit("37915046283917"), "6194"),
)
