"""Blanks: what stands for a card's digits in a request until its bytes leave. Client libraries get the blank, the wire the digits.

A library that builds a request out of `str` (every gateway's SDK) would keep, log and copy a card number as it pleases. So
it is handed a blank, an unguessable word of letters that survives form, XML and JSON encoding alike, and the adapter's HTTP
transport asks `Blanks.body` for the bytes, in which the digits take the blank's place. They leave in pieces of six digits at
most, each its own object: a piece that the interpreter has not yet reused tells no more than a receipt does (PCI DSS 3.4.1).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.warrant import open_code, open_number
from tonevault.kernel.ids import Entropy, make_secret_id

PREFIX: Final = "blank"
PIECE: Final = 6
"""Digits in one piece: fewer than the seven that the canary search takes for a leak."""
_BLANK: Final = re.compile(rb"blank_[a-z]{28}")


class BlankError(Exception):
    """A request holds a blank where none may stand, or one that nobody has lent: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Lent:
    """The blanks of one card, good while they are lent."""

    number: str
    security_code: str | None = None


@dataclass(frozen=True, slots=True)
class FilledBody:
    """A request's body: `length` in bytes once it is filled, and the pieces to write, in order, once."""

    length: int
    _parts: tuple["bytes | CardNumber | SecurityCode", ...] = field(repr=False)

    def pieces(self) -> Iterator[bytes]:
        """The bytes to write. The card is opened piece by piece, while the caller writes."""
        for part in self._parts:
            if isinstance(part, CardNumber):
                with open_number(part) as digits:
                    yield from _split(digits)
            elif isinstance(part, SecurityCode):
                with open_code(part) as digits:
                    yield from _split(digits)
            elif part:
                yield part


def _split(digits: memoryview) -> Iterator[bytes]:
    for start in range(0, len(digits), PIECE):
        yield bytes(digits[start : start + PIECE])


class Blanks:
    """Lends blanks and fills them. Safe for threads; one for each adapter."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._lent: dict[bytes, CardNumber | SecurityCode] = {}
        self._lock = Lock()

    @contextmanager
    def lent(self, number: CardNumber, security_code: SecurityCode | None = None) -> Iterator[Lent]:
        """Blanks for one card, until the block ends. The card stays its owner's to destroy."""
        number_blank = make_secret_id(PREFIX, self._entropy)
        code_blank = make_secret_id(PREFIX, self._entropy) if security_code is not None else None
        with self._lock:
            self._lent[number_blank.encode()] = number
            if code_blank is not None and security_code is not None:
                self._lent[code_blank.encode()] = security_code
        try:
            yield Lent(number_blank, code_blank)
        finally:
            with self._lock:
                self._lent.pop(number_blank.encode())
                if code_blank is not None:
                    self._lent.pop(code_blank.encode())

    def body(self, text: bytes) -> FilledBody:
        """What to write for a request's body. Raises BlankError for a blank that is not lent, or that stands in it twice."""
        parts: list[bytes | CardNumber | SecurityCode] = []
        length = end = 0
        used: set[bytes] = set()
        for match in _BLANK.finditer(text):
            with self._lock:
                sealed = self._lent.get(match[0])
            if sealed is None or match[0] in used:
                raise BlankError(
                    "a request's body holds a blank that is not lent to it, or the same one twice"
                )
            used.add(match[0])
            parts += (text[end : match.start()], sealed)
            length += match.start() - end + sealed.length
            end = match.end()
        parts.append(text[end:])
        return FilledBody(length + len(text) - end, tuple(parts))


def refuse_blanks(*texts: str) -> None:
    """URLs and headers are logged by whatever handles them: no blank may stand there. Raises BlankError."""
    if any(_BLANK.search(text.encode()) for text in texts):
        raise BlankError("a request's URL or headers hold a blank; card digits belong in its body alone")
