"""Entries that become plain values once checked: expiry and postal code. What fails the check is destroyed, not returned."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.sealed.entry import Entry

MAX_POSTAL_DIGITS: Final = 9
"""A US ZIP+4. Nine digits cannot be a card number, so the value may leave the sealed room."""
MAX_YEARS_AHEAD: Final = 20
"""No scheme issues a card for longer; a later date is a slip of the finger."""


@dataclass(frozen=True, slots=True)
class Expiry:
    """Month 1–12 and four-digit year, good to the last day of that month."""

    month: int
    year: int

    def is_past(self, today: tuple[int, int]) -> bool:
        """Whether the card was no longer good in the (year, month) given."""
        return (self.year, self.month) < today


def expiry_from(entry: Entry, today: tuple[int, int]) -> Expiry | None:
    """Read MMYY; `today` is (year, month). None when malformed, past, or over 20 years ahead. The entry is empty afterwards."""
    digits = entry._move_out()  # noqa: SLF001 - the sealed room is one
    try:
        if len(digits) != 4:
            return None
        month, year = int(digits[:2]), 2000 + int(digits[2:])
        expiry = Expiry(month, year)
        if not 1 <= month <= 12 or expiry.is_past(today) or year > today[0] + MAX_YEARS_AHEAD:
            return None
        return expiry
    finally:
        digits[:] = bytes(len(digits))


def postal_code_from(entry: Entry, min_digits: int) -> str | None:
    """Read a postal code of `min_digits` to nine digits; None when it has not that many. The entry is empty afterwards."""
    digits = entry._move_out()  # noqa: SLF001 - the sealed room is one
    try:
        return digits.decode("ascii") if min_digits <= len(digits) <= MAX_POSTAL_DIGITS else None
    finally:
        digits[:] = bytes(len(digits))
