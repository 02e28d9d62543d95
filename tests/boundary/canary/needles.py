"""A canary as exact bytes: every encoding in which its digits stand without gaps, each named. Text with gaps is `digit_text`."""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.boundary.canary.cards import Canary

STRIDES: Final = (1, 2, 4, 8)
RUN: Final = 7
"""A run of seven digits is more than BIN or last four may show."""
PACKED_RUN: Final = 10
"""In packed decimal seven digits are 28 bits, which a large memory dump holds by chance; ten digits are 40 bits, which it does not."""
POINTER_STRIDES: Final = (32, 48, 56)
"""CPython keeps one object for each small number, each single byte and each single character; a list of them is a row of pointers, which
differ by the objects' sizes times the digits."""


def windows(number: str, length: int) -> list[str]:
    """Every run of `length` digits of a number."""
    return [number[at : at + length] for at in range(len(number) - length + 1)]


@dataclass(frozen=True, slots=True)
class Needle:
    """Bytes to look for, the name of their encoding, and how far apart their digits stand."""

    content: bytes
    encoding: str
    stride: int = 1

    def __repr__(self) -> str:
        """Without the digits."""
        return f"Needle({self.encoding})"


def needles(canary: Canary) -> Iterator[Needle]:
    """Every needle of a canary."""
    for window in windows(canary.number, RUN):
        yield from _wide(window)
        yield Needle(bytes(map(int, window)), "one digit a byte")
        for coded in _base64(window):
            yield Needle(coded, "base64")
    for window in windows(canary.number, PACKED_RUN):
        yield Needle(bytes.fromhex(window), "packed BCD")
    yield from _whole(int(canary.number))


def _wide(window: str) -> Iterator[Needle]:
    values = [int(digit) for digit in window]
    for size, code in ((2, "H"), (4, "I"), (8, "Q")):
        # Without the zeros behind the last digit, so that the order of the bytes does not matter.
        row = struct.pack(f"<{len(values)}{code}", *values)[: 1 - size]
        yield Needle(row, f"one digit in {size} bytes", size)
    yield Needle(window.encode("utf-16-be")[1:], "UTF-16 big endian", 2)
    yield Needle(window.encode("utf-32-be")[3:], "UTF-32 big endian", 4)


def _base64(window: str) -> Iterator[bytes]:
    for before in range(3):
        # What stands before and after changes the edge characters; those between are the window's own.
        coded = base64.b64encode(b"\0" * before + window.encode() + b"\0" * (-(before + len(window)) % 3))
        first = -(-before * 8 // 6)
        last = (before + len(window)) * 8 // 6
        yield coded[first:last]
        yield base64.urlsafe_b64encode(base64.b64decode(coded))[first:last]


def _whole(number: int) -> Iterator[Needle]:
    for order, name in (("<", "little"), (">", "big")):
        yield Needle(struct.pack(f"{order}Q", number), f"64-bit integer, {name} endian")
        yield Needle(struct.pack(f"{order}d", float(number)), f"64-bit float, {name} endian")
    # CPython's integers: digits of 30 bits in 32.
    yield Needle(struct.pack("<II", number & 0x3FFF_FFFF, number >> 30), "Python integer")


def pointer_steps(canary: Canary) -> Iterator[tuple[int, ...]]:
    """What a row of pointers to a window's digits steps by."""
    for window in windows(canary.number, RUN):
        values = [int(digit) for digit in window]
        for stride in POINTER_STRIDES:
            yield tuple((after - before) * stride for before, after in pairwise(values))
