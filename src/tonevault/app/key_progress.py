"""How far a long act on keys is, on the last line of a terminal; one line at the end where nobody watches."""

import sys
import time
from types import TracebackType
from typing import Final, Self

WIDTH: Final = 30
EVERY_S: Final = 0.1
_CLEAR: Final = "\r\x1b[K"


class ProgressBar:
    """A line on stderr with a bar, a count and a rate, wiped when done."""

    def __init__(self, title: str, unit: str) -> None:
        """`title` says what is done, `unit` what is counted."""
        self._title = title
        self._unit = unit
        self._watched = sys.stderr.isatty()
        self._began = self._told = time.monotonic()
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watched:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    @property
    def rate(self) -> float:
        """Done each second."""
        return self.done / max(1e-9, time.monotonic() - self._began)

    def __call__(self, done: int, whole: int) -> None:
        """So many of so many."""
        self.done = done
        now = time.monotonic()
        if not self._watched or (now - self._told < EVERY_S and done < whole):
            return
        self._told = now
        share = done / whole if whole else 1.0
        left_s = (whole - done) / self.rate if self.rate else 0.0
        bar = "#" * int(WIDTH * share)
        sys.stderr.write(
            f"{_CLEAR}{self._title} [{bar:<{WIDTH}}] {done:,} of {whole:,} {self._unit}, {self.rate:,.0f}/s, {left_s:.0f} s left"
        )
        sys.stderr.flush()
