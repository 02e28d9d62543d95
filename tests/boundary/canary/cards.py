"""Canary cards: valid by Luhn and issuer range, with digits that nothing else produces by chance."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Canary:
    """A card to be keyed and then searched for. A security code begins with 0, so that no count or size looks like it."""

    name: str
    number: str = field(repr=False)
    code: str = field(repr=False)

    @property
    def allowed(self) -> tuple[str, str]:
        """What may be shown: first six and last four (PCI DSS 3.4.1)."""
        return self.number[:6], self.number[-4:]

    @property
    def mistyped(self) -> str:
        """The number with its two last digits exchanged or, where they are alike, one more than the last: it fails Luhn."""
        body, tens, ones = self.number[:-2], self.number[-2], self.number[-1]
        return f"{body}{ones}{tens}" if tens != ones else f"{body}{tens}{(int(ones) + 1) % 10}"


def with_check_digit(body: str) -> str:
    """`body` with its Luhn digit behind it."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) << (1 - (place & 1))
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


VISA: Final = Canary("visa", with_check_digit("498503718264957"), "073")
MASTERCARD: Final = Canary("mastercard", with_check_digit("522894163750829"), "085")
AMEX: Final = Canary("amex", with_check_digit("37915046283917"), "0619")
CANARIES: Final = (VISA, MASTERCARD, AMEX)
"""Keyed on the telephone while a field waits for them: they may be nowhere outside the secure zone's memory."""

STRAY: Final = Canary("stray", with_check_digit("675918402736851"), "097")
"""Keyed while no field waits for it, so that the agent hears it as on any call; it may be nowhere else."""

BY_GATEWAY: Final = Canary("from a gateway", with_check_digit("457290316845207"), "041")
"""Sent by a gateway in fields of its webhooks where none belongs: it may not be stored, logged, answered, or cross to the desk."""

POSTED: Final = Canary("posted", with_check_digit("463071958204618"), "058")
"""Written by a merchant's program where no card number belongs: it may not come back, be stored or be logged."""
