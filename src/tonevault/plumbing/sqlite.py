"""SQLite: one thread writes, group by group, because the file allows one writer anyway; two threads read."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeVar, cast

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from tonevault.plumbing.database_errors import NESTED, DatabaseBusyError, DatabaseClosedError
from tonevault.plumbing.group_commit import GROUP_LIMIT, QUEUE_LIMIT, GroupCommit, Submission
from tonevault.plumbing.write_turn import WriteTurn

T = TypeVar("T")

BUSY_MS: Final = 10_000
"""How long a statement waits for a lock that another process holds for a moment, as when it opens the file."""
READERS: Final = 2
CHECKPOINT_EVERY: Final = 64
"""Commits after which the journal is worked into the file, beside the writing: within a commit it would make one caller in dozens wait."""
LULL_S: Final = 0.025
"""It waits for a pause of this length, such as a gateway's answer leaves: a commit that comes meanwhile would wait for the same disk."""
CHECKPOINT_AT_LAST: Final = 512
"""Commits after which it waits for a pause no longer."""
JOURNAL_PAGES: Final = 8_000
"""About 32 MB of journal, after which a commit works it off itself: only where the checkpoints beside do not keep up."""
WRITER: Final = "one"


class SqliteEngine:
    """A file, WAL, synchronous=FULL: a commit is on the disk when it returns."""

    def __init__(self, url: URL) -> None:
        self.engine: Final[Engine] = create_engine(url, hide_parameters=True)
        event.listen(self.engine, "connect", _tune)
        event.listen(self.engine, "begin", self._begin)
        self._turn = WriteTurn(Path(url.database or ""))
        self.group: Final = GroupCommit(self._connect_to_write, time.sleep)
        self._queue: SimpleQueue[Sequence[Submission] | None] = SimpleQueue()
        self._waiting = 0
        self._commits = 0
        self._checkpoint: Future[None] | None = None
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="sql-read")
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None
        self._is_closed = False

    def submit(self, works: Sequence[Submission]) -> None:
        """Have works done with the next group. Raises DatabaseBusyError, DatabaseClosedError: then none of them is."""
        with self._lock:
            if self._is_closed:
                raise DatabaseClosedError
            if self._writer is threading.current_thread():
                raise RuntimeError(NESTED)
            if self._waiting + len(works) > QUEUE_LIMIT:
                raise DatabaseBusyError
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="sql-write", daemon=True)
                self._writer.start()
            self._waiting += len(works)
            self._queue.put(works)

    def read(self, work: Callable[[Connection], T]) -> "Future[T]":
        """Have a work done for its answer alone."""
        if self._is_closed:
            raise DatabaseClosedError
        return self._readers.submit(self._read_now, work)

    def visit(self, work: Callable[[Connection], T]) -> T:
        """Do something on a connection that has no transaction yet, in the caller's thread: migrations bring their own."""
        with self.engine.connect() as connection:
            return work(connection)

    def close(self) -> None:
        """Let what is queued end, then release every connection."""
        with self._lock:
            writer, self._writer, self._is_closed = self._writer, None, True
            self._queue.put(None)
        if writer is not None:
            writer.join()
        self._readers.shutdown(wait=True)
        self.engine.dispose()
        self._turn.close()

    def _connect_to_write(self) -> Connection:
        return self.engine.connect().execution_options(tonevault_write=True)

    def _begin(self, connection: Connection) -> None:
        if not connection.get_execution_options().get("tonevault_write"):
            connection.exec_driver_sql("BEGIN")
            return
        try:
            self._turn.begin(cast("sqlite3.Connection", connection.connection.dbapi_connection))
        except sqlite3.OperationalError as error:
            raise OperationalError("BEGIN IMMEDIATE", None, error, hide_parameters=True) from error

    def _read_now(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return work(connection)

    def _write(self) -> None:
        waiting: list[Submission] = []
        while (works := self._next()) is not None:
            waiting.extend(works)
            last = False
            while waiting:
                while not last and len(waiting) < GROUP_LIMIT and not self._queue.empty():
                    more = self._queue.get()
                    last = more is None
                    waiting.extend(more or ())
                group, waiting = waiting[:GROUP_LIMIT], waiting[GROUP_LIMIT:]
                with self._lock:
                    self._waiting -= len(group)
                self.group.commit(WRITER, group)
                self._commits += 1
                if self._commits >= CHECKPOINT_AT_LAST:
                    self._begin_checkpoint()
            if last:
                return

    def _next(self) -> Sequence[Submission] | None:
        """What came next, and meanwhile, in a lull, a checkpoint where one is due."""
        if self._commits >= CHECKPOINT_EVERY:
            try:
                return self._queue.get(timeout=LULL_S)
            except Empty:
                self._begin_checkpoint()
        return self._queue.get()

    def _begin_checkpoint(self) -> None:
        if self._checkpoint is None or self._checkpoint.done():
            self._commits = 0
            # A database that is being closed takes no more work, and works its journal off by itself.
            with suppress(RuntimeError):
                self._checkpoint = self._readers.submit(self._work_off_the_journal)

    def _work_off_the_journal(self) -> None:
        with self.engine.connect() as connection:
            # The driver's own cursor: a checkpoint is refused within a transaction. Passive: it waits for nobody.
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")


def _tune(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:  # noqa: ARG001
    # Autocommit hands BEGIN to the engine; sqlite3's own implicit BEGIN is deferred and fails late on a busy file.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        f"wal_autocheckpoint={JOURNAL_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
