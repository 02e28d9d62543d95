"""A canary in text: digits with separators between them, wide characters, escapes, and the codes of the characters written out."""

import re
from collections.abc import Iterator
from typing import Final

from tests.boundary.canary.cards import CANARIES, Canary
from tests.boundary.canary.needles import RUN, windows

SURE_RUN: Final = 10
"""So many digits of a card are no chance, wherever they stand. Seven to nine count where a number begins and ends with them: in the
midst of longer numbers, of which memory and logs are full, they would be found by chance once in a hundred runs."""
REACH: Final = 64
"""A text of seven digits with their separators and escapes is no longer, in bytes: seven times `\\u0034, `."""

_SEPARATOR: Final = rb"[ \t\r\n,.;:_/'\"|\[\]\-]{0,4}"
_PLAIN: Final = re.compile(rb"[0-9](?:" + _SEPARATOR + rb"[0-9]){6,}")
_WIDE: Final = re.compile(rb"(?:[0-9]\x00(?:[ \-]\x00)?){6,}[0-9]")
_WIDER: Final = re.compile(rb"(?:[0-9]\x00\x00\x00){6,}[0-9]")
_ESCAPED: Final = re.compile(rb"(?:(?:%|\\x|\\u00|0x|&#x)3[0-9];?[, ]{0,2}){7,}")
_ESCAPED_DIGIT: Final = re.compile(rb"(?:%|\\x|\\u00|0x|&#x)3([0-9])")
_ENTITIES: Final = re.compile(rb"(?:&#(?:4[89]|5[0-7]);){7,}")
_STAMP: Final = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?")
"""A moment as logs and documents write it. Its digits are blanked, because the fractions of ten thousand seconds hold every run."""
_NOT_DIGIT: Final = re.compile(rb"[^0-9]+")


class DigitText:
    """Finds runs of the canaries' digits in a stretch of bytes."""

    def __init__(self, canaries: tuple[Canary, ...] = CANARIES) -> None:
        self._short: dict[bytes, str] = {}
        self._sure: dict[bytes, str] = {}
        for canary in canaries:
            for length in range(RUN, SURE_RUN):
                self._short |= dict.fromkeys(map(str.encode, windows(canary.number, length)), canary.name)
            for window in windows(canary.number, SURE_RUN):
                self._sure[window.encode()] = canary.name
                self._sure[window[::-1].encode()] = canary.name
            for window in windows(canary.number, RUN):
                self._sure[window.encode().hex().encode()] = canary.name
                self._sure["".join(str(ord(digit)) for digit in window).encode()] = canary.name
        self._sure_lengths = sorted({len(each) for each in self._sure})

    def find(self, text: bytes) -> Iterator[tuple[str, str, int]]:
        """Each run as canary, encoding and offset."""
        if b"-" in text and b":" in text:
            text = _STAMP.sub(lambda stamp: b"\x01" * len(stamp.group()), text)
        for pattern, encoding in ((_PLAIN, "text"), (_WIDE, "UTF-16"), (_WIDER, "UTF-32")):
            for match in pattern.finditer(text):
                name = self._name_of(match.group())
                if name is not None:
                    yield name, encoding, match.start()
        for match in _ESCAPED.finditer(text):
            name = self._name_of(b"".join(_ESCAPED_DIGIT.findall(match.group())))
            if name is not None:
                yield name, "escaped", match.start()
        for match in _ENTITIES.finditer(text):
            codes = _NOT_DIGIT.split(match.group())
            name = self._name_of(bytes(int(code) for code in codes if code))
            if name is not None:
                yield name, "character references", match.start()

    def _name_of(self, run: bytes) -> str | None:
        digits = _NOT_DIGIT.sub(b"", run)
        for length in self._sure_lengths:
            for at in range(len(digits) - length + 1):
                name = self._sure.get(digits[at : at + length])
                if name is not None:
                    return name
        return self._whole_numbers(run)

    def _whole_numbers(self, run: bytes) -> str | None:
        """Seven to nine digits that begin where one number of the run begins, and end where one ends."""
        numbers = [part for part in _NOT_DIGIT.split(run) if part]
        for first in range(len(numbers)):
            digits = b""
            for part in numbers[first:]:
                digits += part
                if len(digits) >= SURE_RUN:
                    break
                name = self._short.get(digits)
                if name is not None:
                    return name
        return None
