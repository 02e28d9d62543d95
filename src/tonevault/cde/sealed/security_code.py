"""The card's security code (sensitive authentication data), sealed: in memory only, never stored (PCI DSS 3.3.1, 3.3.2)."""

from typing import Final

from tonevault.cde.sealed.entry import Entry
from tonevault.cde.sealed.seal import Sealed

LENGTHS: Final = (3, 4)
"""Three digits, four for American Express; which is right is known once the card number is."""


class SecurityCode(Sealed):
    """Three or four ASCII digits in a buffer of their own, zeroed by `destroy`. Opened by `warrant.open_code`."""

    __slots__ = ("_digits",)

    def __init__(self, digits: bytearray) -> None:
        """Take ownership of `digits`. Raises ValueError unless 3 or 4 ASCII digits."""
        if len(digits) not in LENGTHS or not digits.isdigit():
            digits[:] = bytes(len(digits))
            raise ValueError("security_code: must be 3 or 4 digits")
        self._digits = digits

    @classmethod
    def from_entry(cls, entry: Entry) -> "SecurityCode":
        """Move the digits out of an entry, which is empty afterwards. Raises ValueError when their count is wrong."""
        return cls(entry._move_out())  # noqa: SLF001 - the sealed room is one

    @property
    def length(self) -> int:
        """The number of digits, 3 or 4."""
        return len(self._digits)

    def destroy(self) -> None:
        """Zero the digits. The code is unusable afterwards."""
        self._digits[:] = bytes(len(self._digits))
