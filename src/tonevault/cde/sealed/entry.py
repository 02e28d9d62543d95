"""The digits that a customer has keyed so far for one field, in memory that is zeroed. Refuses keys that are no digits."""

from typing import Final

from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.seal import Sealed

CAPACITY: Final = 19
"""The longest card number (ISO/IEC 7812-1); no other field is longer."""


class Entry(Sealed):
    """A buffer of at most 19 digits (ASCII bytes). `#` and `*` are the capture's business, not the entry's."""

    __slots__ = ("_digits", "_length")

    def __init__(self) -> None:
        self._digits = bytearray(CAPACITY)
        self._length = 0

    @property
    def length(self) -> int:
        """How many digits are held."""
        return self._length

    @property
    def is_full(self) -> bool:
        """Whether another digit would be refused."""
        return self._length == CAPACITY

    def append(self, key: Key) -> None:
        """Take one digit. Raises ValueError for a key that is no digit, and when the entry is full."""
        if not key.is_digit:
            raise ValueError("entry: takes the keys 0 to 9 only")
        if self.is_full:
            raise ValueError(f"entry: holds {CAPACITY} digits at most")
        self._digits[self._length] = 0x30 + key._code  # noqa: SLF001 - the sealed room is one
        self._length += 1

    def destroy(self) -> None:
        """Zero the buffer and start again from nothing."""
        self._digits[:] = bytes(CAPACITY)
        self._length = 0

    def _move_out(self) -> bytearray:
        """Hand the digits over and leave nothing behind: for the other types of this room."""
        moved = self._digits[: self._length]
        self.destroy()
        return moved
