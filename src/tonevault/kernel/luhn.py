"""The check digit of card numbers: ISO/IEC 7812-1 annex B, known as Luhn's."""

from collections.abc import Sequence

ZERO = 0x30
"""ASCII `0`."""


def passes_luhn(digits: Sequence[int]) -> bool:
    """Whether a run of ASCII digits (as bytes, a bytearray or a view of them) ends in its right check digit. Nothing is copied."""
    total = 0
    for place in range(len(digits)):
        value = (digits[-1 - place] - ZERO) << (place & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
