"""Unpacking of Rob Northen's first compression method, in which Beneath a Steel Sky keeps what its people say. It refuses other methods."""

from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"RNC\x01"
HEADER: Final = 18
"""Magic, two lengths, two checksums, leeway and count of chunks."""


@dataclass(slots=True)
class _Bits:
    """Bits, lowest first, of little-endian 16-bit words, between which runs of literal octets lie. `at` is where the word begins that is
    held in advance: literals begin there, too."""

    octets: bytes
    at: int
    held: int = 0
    count: int = 0

    def word(self) -> int:
        return int.from_bytes(self.octets[self.at : self.at + 2], "little")

    def skip(self, count: int) -> None:
        self.held >>= count
        self.count -= count
        if self.count < 16:
            self.at += 2
            self.held |= self.word() << self.count
            self.count += 16

    def take(self, count: int) -> int:
        value = self.held & ((1 << count) - 1)
        self.skip(count)
        return value

    def literals(self, count: int) -> bytes:
        run = self.octets[self.at : self.at + count]
        self.at += count
        self.count -= 16
        self.held = (self.held & ((1 << self.count) - 1)) | self.word() << self.count
        self.count += 16
        return run


class _Tree:
    """A canonical code whose words are read lowest bit first; each word stands for how many bits of a number follow."""

    def __init__(self, bits: _Bits) -> None:
        lengths = [bits.take(4) for _ in range(bits.take(5))]
        self._depth = max(lengths, default=0)
        self._leaves: list[tuple[int, int]] = [(0, 0)] * (1 << self._depth)
        code = 0
        for length in range(1, self._depth + 1):
            for symbol in (symbol for symbol, own in enumerate(lengths) if own == length):
                mirrored = int(f"{code:0{length}b}"[::-1], 2)
                for leaf in range(mirrored, 1 << self._depth, 1 << length):
                    self._leaves[leaf] = length, symbol
                code += 1
            code <<= 1

    def number(self, bits: _Bits) -> int:
        length, symbol = self._leaves[bits.held & ((1 << self._depth) - 1)]
        bits.skip(length)
        return symbol if symbol < 2 else 1 << (symbol - 1) | bits.take(symbol - 1)


def unpacked(packed: bytes) -> bytes:
    """What was packed. Raises ValueError where it is not packed by this method."""
    if packed[:4] != MAGIC:
        raise ValueError("packed: must begin with the mark of Rob Northen's first method")
    length = int.from_bytes(packed[4:8], "big")
    bits = _Bits(packed, HEADER)
    bits.held, bits.count = bits.word(), 16
    bits.skip(2)
    out = bytearray()
    while len(out) < length:
        runs, distances, lengths = _Tree(bits), _Tree(bits), _Tree(bits)
        for left in range(bits.take(16), 0, -1):
            if run := runs.number(bits):
                out += bits.literals(run)
            if left > 1:
                distance, count = distances.number(bits) + 1, lengths.number(bits) + 2
                source = out[-distance:][:count]
                out += (source * (count // len(source) + 1))[:count]
    return bytes(out)
