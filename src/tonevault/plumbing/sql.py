"""The SQL engine and its unit of work: SQLite (WAL, synchronous=FULL) or PostgreSQL. Refuses any other database."""

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

T = TypeVar("T")

SQLITE_BUSY_MS: Final = 10_000
"""How long a statement waits for another process's write lock before it fails."""
MAX_TRIES: Final = 8
"""A transaction that conflicts (SQLSTATE 40001, 40P01) is run again this often, after a growing random pause."""
POSTGRES_THREADS: Final = 8
"""Transactions at work at once on one node; beyond it they queue in order."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as whole microseconds since 1970: the same on every database, and it sorts."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuses a datetime without a zone: it would mean a different moment on each machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must carry its zone; use UTC")
        return (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to an aware datetime."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Database:
    """One database of one zone. `transact` and `read` run plain functions of a Connection in worker threads.

    On SQLite one thread does all the writing, which is what the file allows anyway; on PostgreSQL several do.
    """

    def __init__(self, url: str) -> None:
        """`url` as SQLAlchemy writes it: `sqlite:////path/file.db` or `postgresql+psycopg://user@host/name`."""
        backend = make_url(url).get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise ValueError("database: must be sqlite:///PATH or postgresql+psycopg://…")
        self.url = url
        self.is_sqlite = backend == "sqlite"
        self.engine: Engine = create_engine(url, hide_parameters=True)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _tune_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writers = ThreadPoolExecutor(
            1 if self.is_sqlite else POSTGRES_THREADS, thread_name_prefix="sql-write"
        )
        self._readers = ThreadPoolExecutor(
            2 if self.is_sqlite else POSTGRES_THREADS, thread_name_prefix="sql-read"
        )

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one durable transaction. It must have no effect but on the connection: a conflict runs it again."""
        return await asyncio.get_running_loop().run_in_executor(self._writers, self.transact_now, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` for its answer alone; whatever it writes is rolled back."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, work)

    def transact_now(self, work: Callable[[Connection], T]) -> T:
        """`transact` for code that is in a thread of its own already."""
        for trial in range(1, MAX_TRIES + 1):
            try:
                with (
                    self.engine.connect().execution_options(tonevault_write=True) as connection,
                    connection.begin(),
                ):
                    return work(connection)
            except DBAPIError as error:
                if trial == MAX_TRIES or not _is_conflict(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**trial))  # noqa: S311 - jitter, no secret
        raise AssertionError("unreachable: the last try returns or raises")

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """`read` for code that is in a thread of its own already."""
        with self.engine.connect() as connection:
            return work(connection)

    async def close(self) -> None:
        """Let running transactions end, then release every connection."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.close_now)

    def close_now(self) -> None:
        """`close` for code without an event loop."""
        self._writers.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self.engine.dispose()


def _tune_sqlite(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:  # noqa: ARG001
    # Autocommit hands BEGIN to _begin_sqlite; sqlite3's own implicit BEGIN is deferred and fails late on a busy file.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={SQLITE_BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("tonevault_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _is_conflict(error: DBAPIError) -> bool:
    origin: Any = error.orig
    return getattr(origin, "sqlstate", None) in ("40001", "40P01")
