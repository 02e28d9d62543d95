"""One child process of a test: started, logged to a file, and gone when the test is, however the test ends."""

import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.masking import masked

# How often a condition that has no event of its own (a port that opens, a file that grows) is looked at.
_POLL_S = 0.01

# A peer that was asked to end gets this long before it is killed.
_GRACE_S = 0.5

_LOG_TAIL_CHARS = 6_000

Found = TypeVar("Found")


class PeerProcess:
    """A peer's program. `setpriv` has the kernel kill it if the test process itself dies."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.log_path = folder / f"{name}.log"
        program = shutil.which(command[0])
        if program is None:
            raise PeerError(f"{command[0]} is not installed: run scripts/install-peers")
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", program, *command[1:]],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def return_code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self._child.poll()

    def log(self) -> str:
        """Everything the program printed, digits included: for assertions, never for a message."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def masked_log(self) -> str:
        """The end of the log with digits masked."""
        return masked(self.log())[-_LOG_TAIL_CHARS:]

    def masked_text(self, path: Path) -> str:
        """The end of another file that the program writes, with digits masked; empty when there is none."""
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return masked(text)[-_LOG_TAIL_CHARS:]

    def failure(self, what: str) -> PeerError:
        """The exception to raise: what went wrong, with the masked end of the log."""
        return PeerError(f"{self.name}: {what}\n--- end of its log, digits masked ---\n{self.masked_log()}")

    def wait_until(self, what: str, look: Callable[[], Found | None], timeout_s: float) -> Found:
        """The first result of `look` that is not None; fails when the time is up or the program has ended."""
        deadline = time.monotonic() + timeout_s
        while True:
            ended = self.return_code is not None
            found = look()
            if found is not None:
                return found
            if ended:
                raise self.failure(f"ended with code {self.return_code} before {what}")
            if time.monotonic() > deadline:
                raise self.failure(f"no {what} within {timeout_s:g} s")
            time.sleep(_POLL_S)

    def wait(self, timeout_s: float) -> int:
        """The exit code, once it has ended by itself."""
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise self.failure(f"still running after {timeout_s:g} s") from None

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(number)

    def kill(self) -> None:
        """Ends it without asking."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """Ends it now: asks, waits a moment, kills. Does nothing when it has ended already."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(_GRACE_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
