"""How far a long recording is, on the last line of a terminal. It refuses to write where nobody watches."""

import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

WIDTH: Final = 30
_CLEAR: Final = "\r\x1b[K"


class TerminalProgress:
    """One line on stderr, wiped when done; nothing at all where stderr is no terminal."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._told: tuple[Path, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def wipe(self) -> None:
        """Something else is about to be written to the terminal."""
        if self._told is not None:
            self._told = None
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    def tell(self, path: Path, heard_s: float, whole_s: float) -> None:
        """So many seconds of a file of so many have been heard."""
        percent = int(100 * heard_s / whole_s)
        if not self._watched or self._told == (path, percent):
            return
        self._told = (path, percent)
        done = "#" * (WIDTH * percent // 100)
        sys.stderr.write(f"{_CLEAR}{path.name} [{done:<{WIDTH}}] {percent} %")
        sys.stderr.flush()
