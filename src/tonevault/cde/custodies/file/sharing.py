"""A key in three shares of which any two make it and one tells nothing: replicated secret sharing, by XOR alone.

Ito, Saito and Nishizeki, "Secret sharing scheme realizing general access structure" (1987): the key is the XOR of three parts, and each
share lacks one of them. For two of three it needs no field arithmetic, so nothing in it can be got wrong or timed.
"""

from collections.abc import Mapping
from typing import Final

KEY_LENGTH: Final = 32
SHARES: Final = 3
SHARE_LENGTH: Final = 2 * KEY_LENGTH
"""A share holds two of the three parts."""


class SharesDisagreeError(Exception):
    """Two shares hold different values of the part they have in common: they were not made together."""


def split(key: bytearray, randomness: bytes) -> tuple[bytes, bytes, bytes]:
    """Shares one, two and three of a 32-byte key. `randomness` is 64 fresh random bytes."""
    if len(key) != KEY_LENGTH or len(randomness) != 2 * KEY_LENGTH:
        raise ValueError("a key has 32 bytes and its splitting takes 64 random ones")
    first, second = randomness[:KEY_LENGTH], randomness[KEY_LENGTH:]
    third = bytes(k ^ a ^ b for k, a, b in zip(key, first, second, strict=True))
    return first + second, second + third, third + first


def join(shares: Mapping[int, bytes]) -> bytearray:
    """The key of two shares or three, by their numbers; the caller zeroes it. Raises SharesDisagreeError."""
    parts = _parts(shares)
    return bytearray(a ^ b ^ c for a, b, c in zip(parts[0], parts[1], parts[2], strict=True))


def rebuild(shares: Mapping[int, bytes], number: int) -> bytes:
    """The share `number`, of the two others. Raises SharesDisagreeError."""
    parts = _parts(shares)
    return parts[number - 1] + parts[number % SHARES]


def _parts(shares: Mapping[int, bytes]) -> dict[int, bytes]:
    """Every part: share n holds part n and the one after it, and share three part one again."""
    parts: dict[int, bytes] = {}
    for number, share in shares.items():
        for part, value in ((number - 1, share[:KEY_LENGTH]), (number % SHARES, share[KEY_LENGTH:])):
            if parts.setdefault(part, value) != value:
                raise SharesDisagreeError
    if len(parts) < SHARES:
        raise ValueError("a key needs two of its three shares")
    return parts
