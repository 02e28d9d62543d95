"""How far a long act on keys is: a bar on the last line of a terminal, a plain line now and then in a file or a pipe."""

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

WIDTH: Final = 30
EVERY_S: Final = 0.1
PLAIN_EVERY_S: Final = 10.0
"""Often enough to see in a log that it goes on, and not so often as to fill it: a million cards take half a minute."""
FEWEST_COLUMNS: Final = 20
"""What a terminal that does not know its width, or is folded away, is taken for."""
_CLEAR: Final = "\r\x1b[K"


class ProgressBar:
    """A context, called with how far it is. The bar is wiped when done, for a sentence about the whole follows."""

    def __init__(
        self, title: str, unit: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`title` says what is done, `unit` what is counted. `stream` is stderr, `clock` seconds that only go on."""
        self._title = title
        self._unit = unit
        self._stream = stream or sys.stderr
        self._clock = clock
        self._watched = self._stream.isatty()
        self._began = self._told = clock()
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watched:
            self._write(_CLEAR)

    @property
    def rate(self) -> float:
        """Done each second."""
        return self.done / max(1e-9, self._clock() - self._began)

    def __call__(self, done: int, whole: int) -> None:
        """So many of so many."""
        self.done = done
        now = self._clock()
        if self._watched and (now - self._told >= EVERY_S or done >= whole):
            self._told = now
            self._write(_CLEAR + self._bar(done, whole))
        elif not self._watched and now - self._told >= PLAIN_EVERY_S:
            self._told = now
            self._write(f"{self._title}: {self._figures(done, whole)}\n")

    def _bar(self, done: int, whole: int) -> str:
        """One line that fits: one that wraps could not be wiped, and every look would leave another behind."""
        columns = max(FEWEST_COLUMNS, _columns(self._stream)) - 1
        figures = self._figures(done, whole)
        width = min(WIDTH, columns - len(self._title) - len(figures) - len(" [] "))
        filled = "#" * int(width * (done / whole if whole else 1.0))
        line = f"{self._title} [{filled:<{width}}] {figures}" if width > 0 else f"{self._title} {figures}"
        return line[:columns]

    def _figures(self, done: int, whole: int) -> str:
        left_s = (whole - done) / self.rate if self.rate else 0.0
        return f"{done:,} of {whole:,} {self._unit}, {self.rate:,.0f}/s, {_duration(left_s)} left"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 80


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
