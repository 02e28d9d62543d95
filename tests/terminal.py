"""A terminal of a test's own: a command runs on a real pseudo-terminal as it would under somebody's hands, and what they see is kept."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PATIENCE_S: Final = 60.0
"""For one expected text: a start of Python and two Argon2 hashes on a machine that does eight things at once."""
TAKE_TERMINAL: Final = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
"""Makes the terminal the session's own, as a log-in does, so that /dev/tty is this one and Ctrl-C comes from its line discipline."""
COLUMNS: Final = 160


class Terminal:
    """One command on one terminal, as a context: whatever happens in the block, the command is gone after it."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path | None = None, environ: dict[str, str] | None = None
    ) -> None:
        """`command` is what Python is given, for instance `-m tonevault.app.cli keys status`."""
        self._screen, line = pty.openpty()
        termios.tcsetwinsize(line, (50, COLUMNS))
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKE_TERMINAL, sys.executable, *command],
            stdin=line,
            stdout=line,
            stderr=line,
            cwd=cwd,
            env={**os.environ, "COLUMNS": str(COLUMNS), **(environ or {})},
            start_new_session=True,
        )
        os.close(line)
        self._mark = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._screen)

    def expect(self, text: str) -> str:
        """Read until `text` is on the screen, after what was expected before; answers what came up to its end."""
        until = time.monotonic() + PATIENCE_S
        while (found := self.seen.find(text, self._mark)) < 0:
            assert self._read(until), f"{text!r} did not come; the screen shows:\n{self.seen}"
        came = self.seen[self._mark : found + len(text)]
        self._mark = found + len(text)
        return came

    def type(self, text: str) -> None:
        """Keys under somebody's fingers, with the line's end."""
        os.write(self._screen, text.encode() + b"\n")

    def answer(self, prompt: str, secret: str) -> None:
        """Wait for a prompt that hides what is typed, then type: a terminal that still echoed would show it."""
        self.expect(prompt)
        until = time.monotonic() + PATIENCE_S
        while self.echoes:
            assert time.monotonic() < until, f"the terminal echoes at {prompt!r}"
            time.sleep(0.005)
        self.type(secret)

    def glance(self) -> None:
        """Take in what is there, without waiting: a screen that nobody reads is full one day, and its command waits."""
        while self._read(0.0):
            pass

    def interrupt(self) -> None:
        """Ctrl-C, once the terminal makes a signal of it."""
        os.write(self._screen, b"\x03")

    def kill(self) -> None:
        """SIGKILL, which nothing can prepare for."""
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> int:
        """Read to the end; the exit code. May be asked again."""
        until = time.monotonic() + PATIENCE_S
        while self._read(until):
            pass
        return self.process.wait(PATIENCE_S)

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown. After a command it must be, or the next one would be typed blindly."""
        return bool(termios.tcgetattr(self._screen)[3] & termios.ECHO)

    def _read(self, until: float) -> bool:
        """More of the screen; False when the command has ended or patience has."""
        ready, _, _ = select.select([self._screen], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return False
        try:
            piece = os.read(self._screen, 65_536)
        except OSError:
            # EIO: nobody holds the other end any more (pty(7)).
            return False
        self.seen += piece.decode()
        return bool(piece)
