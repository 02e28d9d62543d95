"""Making hostile input of sound input, from one seed: bytes turned, cut and doubled; lines and values exchanged for what trips parsers."""

from collections.abc import Sequence
from random import Random
from typing import Final

NASTY_NUMBERS: Final = (
    "0",
    "-1",
    "1",
    "00000000001",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967296",
)
NASTY_TEXTS: Final = (
    *(
        "",
        " ",
        "\t",
        ",",
        ";",
        ":",
        "@",
        "=",
        "<",
        ">",
        '"',
        "'",
        "\\",
        "%",
        "%00",
        "%zz",
        "*",
        "?",
        "[",
        "]",
        "[::1]",
        "::",
        "//",
    ),
    *(
        ";;",
        ",,",
        '""',
        '"\\',
        "<>",
        "sip:",
        "sips:",
        "tel:",
        "SIP/2.0",
        "\r",
        "\n",
        "\x00",
        "\x7f",
        "é",
        "\u202e",
        "\udcff",
        "a" * 300,
    ),
    *(
        ";tag=",
        ";lr",
        ";branch=z9hG4bK",
        ";rport",
        ";transport=tls",
        ";maddr=1.2.3.4",
        ";refresher=uas",
        "١٢٣",
        "1e9",
        "0x10",
        "½",
    ),
)
MAX_BYTES: Final = 4_096
"""Of an input: larger ones take longer and find nothing more; the limits have tests of their own."""


class Mutator:
    """Everything that it makes follows from its random numbers."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def octets(self, seed: bytes) -> bytes:
        """A few of: a bit or a byte changed, a piece cut out, doubled, moved or made up."""
        data = bytearray(seed)
        for _ in range(self._random.randint(1, 4)):
            at = self._random.randint(0, len(data))
            end = min(len(data), at + self._random.randint(1, 12))
            match self._random.randrange(7):
                case 0 if at < len(data):
                    data[at] ^= 1 << self._random.randrange(8)
                case 1 if at < len(data):
                    data[at] = self._random.choice(
                        (0, 1, 0x7F, 0x80, 0xFE, 0xFF, self._random.randrange(256))
                    )
                case 2:
                    del data[at:end]
                case 3:
                    data[at:at] = data[at:end] * self._random.randint(1, 3)
                case 4:
                    data[at:at] = self._random.randbytes(self._random.randint(1, 8))
                case 5:
                    del data[at:]
                case _:
                    data[at:end] = self._random.randbytes(end - at)
        return bytes(data[:MAX_BYTES])

    def text(self, seed: bytes, others: Sequence[bytes]) -> bytes:
        """A few of: a line dropped, doubled, moved, taken from another message; a word or a number exchanged."""
        lines = seed.split(b"\r\n")
        for _ in range(self._random.randint(1, 3)):
            at = self._random.randrange(len(lines))
            match self._random.randrange(6):
                case 0 if len(lines) > 1:
                    del lines[at]
                case 1:
                    lines.insert(self._random.randint(0, len(lines)), lines[at])
                case 2:
                    other = self._random.choice(others).split(b"\r\n")
                    lines.insert(at, self._random.choice(other))
                case 3:
                    lines[at] = self._exchanged_number(lines[at])
                case 4:
                    lines[at] = self._spliced(lines[at])
                case _:
                    lines[at] = self.octets(lines[at])
        return b"\r\n".join(lines)[:MAX_BYTES]

    def _exchanged_number(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "surrogateescape")
        digits = [place for place, character in enumerate(text) if character.isdigit()]
        if not digits:
            return line
        start = end = self._random.choice(digits)
        while start > 0 and text[start - 1].isdigit():
            start -= 1
        while end < len(text) and text[end].isdigit():
            end += 1
        return f"{text[:start]}{self._random.choice(NASTY_NUMBERS)}{text[end:]}".encode(
            "utf-8", "surrogateescape"
        )

    def _spliced(self, line: bytes) -> bytes:
        text = line.decode("utf-8", "surrogateescape")
        at = self._random.randint(0, len(text))
        gone = self._random.choice((0, 0, 1, 5))
        return f"{text[:at]}{self._random.choice(NASTY_TEXTS)}{text[at + gone :]}".encode(
            "utf-8", "surrogateescape"
        )
