"""A primary account number, sealed. Luhn, brand, first six and last four are its own methods; the rest never leaves."""

from typing import Final

from tonevault.cde.sealed.entry import Entry
from tonevault.cde.sealed.issuer import IssuerRange, find_range
from tonevault.cde.sealed.seal import Sealed
from tonevault.kernel.luhn import passes_luhn

MIN_DIGITS: Final = 12
MAX_DIGITS: Final = 19
"""ISO/IEC 7812-1 allows 10 to 19; no scheme that Tonevault takes issues below 12."""


class CardNumber(Sealed):
    """A card number as ASCII digits in a buffer of its own, zeroed by `destroy`. Opened by `warrant.open_number`."""

    __slots__ = ("_digits",)

    def __init__(self, digits: bytearray) -> None:
        """Take ownership of `digits` (the caller keeps no copy). Raises ValueError unless 12 to 19 ASCII digits."""
        if not MIN_DIGITS <= len(digits) <= MAX_DIGITS or not digits.isdigit():
            digits[:] = bytes(len(digits))
            raise ValueError(f"card_number: must be {MIN_DIGITS} to {MAX_DIGITS} digits")
        self._digits = digits

    @classmethod
    def from_entry(cls, entry: Entry) -> "CardNumber":
        """Move the digits out of an entry, which is empty afterwards. Raises ValueError when their count is wrong."""
        return cls(entry._move_out())  # noqa: SLF001 - the sealed room is one

    @property
    def length(self) -> int:
        """The number of digits, 12 to 19."""
        return len(self._digits)

    @property
    def issuer(self) -> IssuerRange | None:
        """The issuer range of its first six digits, if any scheme has issued there."""
        return find_range(int(self._digits[:6]))

    @property
    def is_valid(self) -> bool:
        """Whether it passes Luhn (ISO/IEC 7812-1 annex B) and has a length that its issuer range uses."""
        issuer = self.issuer
        return issuer is not None and self.length in issuer.lengths and passes_luhn(self._digits)

    @property
    def first6(self) -> str:
        """The first six digits, which may be shown (PCI DSS 3.4.1)."""
        return self._digits[:6].decode("ascii")

    @property
    def last4(self) -> str:
        """The last four digits, which may be shown (PCI DSS 3.4.1)."""
        return self._digits[-4:].decode("ascii")

    def destroy(self) -> None:
        """Zero the digits. The number is unusable afterwards."""
        self._digits[:] = bytes(len(self._digits))
