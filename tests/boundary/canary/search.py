"""Finds a canary in a blob of bytes, in every encoding it could take. A finding tells place and encoding, and repeats no digit."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.boundary.canary.cards import Canary

RUN: Final = 7
"""A run of seven digits is more than BIN or last four may show."""
PACKED_RUN: Final = 10
"""In packed decimal seven digits are 28 bits, which a large memory dump holds by chance; ten digits are 40 bits, which it does not."""

DIGIT_RUN: Final = re.compile(rb"[0-9](?:[ \t\r\n,.;:_/'\"|\-]{0,4}[0-9]){6,}")
WIDE_RUN: Final = re.compile(rb"(?:[0-9]\x00[ \-]?\x00?){6,}[0-9]")
WIDER_RUN: Final = re.compile(rb"(?:[0-9]\x00\x00\x00){6,}[0-9]")
PERCENT_RUN: Final = re.compile(rb"(?:%3[0-9]){7,}")
NOT_DIGIT: Final = re.compile(rb"[^0-9]")


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something of a canary was found."""

    where: str
    canary: str
    encoding: str
    offset: int


class Search:
    """A search for a set of canaries, prepared once and run over many blobs."""

    def __init__(self, canaries: tuple[Canary, ...]) -> None:
        self._plain: dict[bytes, str] = {}
        self._needles: list[tuple[bytes, str, str]] = []
        for canary in canaries:
            for window in windows(canary.number, RUN):
                self._plain[window.encode()] = canary.name
                self._plain[window.encode().hex().encode()] = canary.name
                for needle, encoding in _needles(window):
                    self._needles.append((needle, canary.name, encoding))
            for window in windows(canary.number, PACKED_RUN):
                self._needles.append((bytes.fromhex(window), canary.name, "packed BCD"))

    def run(self, where: str, blob: bytes) -> list[Finding]:
        """Every finding in one blob."""
        found = [Finding(where, name, encoding, offset) for name, encoding, offset in self._runs(blob)]
        for needle, name, encoding in self._needles:
            offset = blob.find(needle)
            if offset >= 0:
                found.append(Finding(where, name, encoding, offset))
        return found

    def _runs(self, blob: bytes) -> Iterator[tuple[str, str, int]]:
        for pattern, encoding in (
            (DIGIT_RUN, "text"),
            (WIDE_RUN, "UTF-16"),
            (WIDER_RUN, "UTF-32"),
            (PERCENT_RUN, "percent-encoded"),
        ):
            for match in pattern.finditer(blob):
                text = match.group().replace(b"%3", b"") if encoding == "percent-encoded" else match.group()
                digits = NOT_DIGIT.sub(b"", text)
                name = self._name_of(digits)
                if name is not None:
                    yield name, encoding, match.start()

    def _name_of(self, digits: bytes) -> str | None:
        for length in (RUN, 2 * RUN):
            for at in range(len(digits) - length + 1):
                name = self._plain.get(digits[at : at + length])
                if name is not None:
                    return name
        return None


def windows(number: str, length: int) -> list[str]:
    """Every run of `length` digits of a number."""
    return [number[at : at + length] for at in range(len(number) - length + 1)]


def _needles(window: str) -> Iterator[tuple[bytes, str]]:
    yield bytes(int(digit) for digit in window), "one digit a byte"
    yield window.encode("utf-16-be")[1:], "UTF-16 big endian"
    for before in range(3):
        # What stands before and after changes the edge characters; those between are the window's own.
        coded = base64.b64encode(b"\0" * before + window.encode() + b"\0" * (-(before + len(window)) % 3))
        first = -(-before * 8 // 6)
        last = (before + len(window)) * 8 // 6
        yield coded[first:last], "base64"
        yield base64.urlsafe_b64encode(base64.b64decode(coded))[first:last], "base64 (URL)"


def standalone(code: str, text: str) -> list[int]:
    """Where a security code stands as a word of its own: three digits inside a longer number say nothing."""
    return [match.start() for match in re.finditer(rf"(?<![0-9A-Za-z.:_-]){code}(?![0-9A-Za-z.:_-])", text)]
