"""Whose turn it is to write a SQLite file: a lock file beside it, so that no process starves another. Refuses to wait for ever."""

import fcntl
import os
import sqlite3
import time
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 10.0
"""How long a transaction waits for another process's before it fails."""
TURN_PATIENCE_S: Final = 1.0
"""How long it waits for its turn before it goes without: whoever holds the turn so long was stopped, and fairness is worth no more."""
LOOK_EVERY_S: Final = 0.0002
"""SQLite has no queue for its write lock: who waits can only look. Its own pauses grow to 100 ms, in which a busy rival begins
again and again."""


class WriteTurn:
    """Held by the process that waits for the write lock, so that whoever has just written waits behind it.

    The kernel lets go of it when its holder dies. A process that does not know of it, such as a database shell, only has worse luck.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-turn")
        self._file: int | None = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """Begin a transaction that writes. Raises sqlite3.OperationalError when others have written for `PATIENCE_S`."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + PATIENCE_S
        has_turn = _take(self._file)
        try:
            _begin(connection, until)
        finally:
            if has_turn:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """The file stays for the other processes."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _take(file: int) -> bool:
    """Wait for the turn; False where its holder keeps it longer than any writer would."""
    until = time.monotonic() + TURN_PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(LOOK_EVERY_S)
        else:
            return True


def _begin(connection: sqlite3.Connection, until: float) -> None:
    patience = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(LOOK_EVERY_S)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout={patience}")
