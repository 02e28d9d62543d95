"""The check digit of card numbers: ISO/IEC 7812-1 annex B, known as Luhn's."""

from collections.abc import Sequence

ZERO = 0x30
"""ASCII `0`."""
DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""The sum of the digits of twice a digit."""


def passes_luhn(digits: Sequence[int]) -> bool:
    """Whether a run of ASCII digits (as bytes, a bytearray or a view of them) ends in its right check digit. Nothing is copied."""
    total, is_doubled = 0, False
    for digit in reversed(digits):
        total += DOUBLED[digit - ZERO] if is_doubled else digit - ZERO
        is_doubled = not is_doubled
    return total % 10 == 0
