"""PostgreSQL through asyncpg, on an event loop in a thread of its own: a few writers commit groups, a few readers read."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar

import uvloop
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only, greenlet_spawn

from tonevault.plumbing.database_errors import (
    NESTED,
    DatabaseAwayError,
    DatabaseBusyError,
    DatabaseClosedError,
)
from tonevault.plumbing.database_url import DatabaseUrl
from tonevault.plumbing.group_commit import (
    GROUP_LIMIT,
    MAX_TRIES,
    QUEUE_LIMIT,
    GroupCommit,
    Submission,
    may_run_again,
)

T = TypeVar("T")

WRITERS: Final = 4
"""Groups under way at once: while one waits for the disk, others are built. More only share out the same work."""
ONE_WRITER: Final = 1
"""For a database most of whose works want the same row: several writers would only wait for each other's locks."""
READERS: Final = 8
CONNECT_TIMEOUT_S: Final = 10.0
STATEMENT_TIMEOUT_S: Final = 30.0
"""A server that does not answer a statement for so long is taken for away; migrations have no such limit."""
LOCK_TIMEOUT_MS: Final = 500
"""Groups of two nodes that wait for each other's rows part after this, and run again; also the longest wait behind a rival."""
IDLE_IN_TRANSACTION_MS: Final = 60_000
"""The server ends a transaction whose node has gone without a word, so that its locks do not outlive it."""


class PostgresEngine:
    """One server. Works run in greenlets on the loop's thread, so they are plain functions of a Connection as on SQLite."""

    def __init__(self, where: DatabaseUrl, writers: int = WRITERS) -> None:
        self._where = where
        self._engine = _engine(where, command_timeout=STATEMENT_TIMEOUT_S, pool_size=writers + READERS)
        self.engine: Final = self._engine.sync_engine
        event.listen(self.engine, "handle_error", _tell_away)
        self.group: Final = GroupCommit(self._connect, lambda seconds: await_only(asyncio.sleep(seconds)))
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._inbox: deque[Submission] = deque()
        self._is_woken = False
        self._idle = [str(number) for number in range(writers, 0, -1)]
        self._writing: set[asyncio.Task[None]] = set()
        self._reading = asyncio.Semaphore(READERS)

    def submit(self, works: Sequence[Submission]) -> None:
        """Have works done with the next groups. Raises DatabaseBusyError, DatabaseClosedError: then none of them is."""
        if len(self._inbox) + len(works) > QUEUE_LIMIT:
            raise DatabaseBusyError
        loop = self._started()
        self._inbox.extend(works)
        if not self._is_woken:
            self._is_woken = True
            loop.call_soon_threadsafe(self._dispatch)

    def read(self, work: Callable[[Connection], T]) -> "Future[T]":
        """Have a work done for its answer alone."""
        loop = self._started()
        return asyncio.run_coroutine_threadsafe(self._read(work), loop)

    def visit(self, work: Callable[[Connection], T]) -> T:
        """Do something on a connection of its own without a transaction or a time limit: migrations bring their own."""

        async def on_its_own() -> T:
            engine = _engine(self._where, command_timeout=None, pool_size=0)
            event.listen(engine.sync_engine, "handle_error", _tell_away)
            try:
                return await greenlet_spawn(_visit, engine, work)
            except (OSError, TimeoutError) as error:
                raise _away(error) from None
            finally:
                await engine.dispose()

        loop = self._started()
        return asyncio.run_coroutine_threadsafe(on_its_own(), loop).result()

    def close(self) -> None:
        """Let what is queued end, then release every connection."""
        with self._lock:
            loop, thread, self._is_closed = self._loop, self._thread, True
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._wind_up(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._is_closed:
                raise DatabaseClosedError
            if self._thread is threading.current_thread():
                raise RuntimeError(NESTED)
            if self._loop is None:
                self._loop = uvloop.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="sql", daemon=True)
                self._thread.start()
            return self._loop

    def _connect(self) -> Connection:
        try:
            return self.engine.connect()
        except (OSError, TimeoutError) as error:
            raise _away(error) from None

    def _dispatch(self) -> None:
        """Give what waits to the writers that are idle, in fair shares, so that their commits overlap."""
        self._is_woken = False
        while self._inbox and self._idle:
            share = min(GROUP_LIMIT, -(-len(self._inbox) // len(self._idle)))
            group = [self._inbox.popleft() for _ in range(share)]
            task = asyncio.get_running_loop().create_task(self._write(self._idle.pop(), group))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _write(self, writer: str, group: list[Submission]) -> None:
        try:
            await greenlet_spawn(self.group.commit, writer, group)
        finally:
            self._idle.append(writer)
            self._dispatch()

    async def _read(self, work: Callable[[Connection], T]) -> T:
        async with self._reading:
            for trial in range(1, MAX_TRIES + 1):
                try:
                    return await greenlet_spawn(_visit, self._engine, work)
                except DBAPIError as error:
                    if trial == MAX_TRIES or not may_run_again(error):
                        raise
                except (OSError, TimeoutError) as error:
                    raise _away(error) from None
                await asyncio.sleep(0.005 * 2**trial)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _wind_up(self) -> None:
        while self._writing or self._inbox:
            self._dispatch()
            await asyncio.gather(*self._writing, return_exceptions=True)
        for _ in range(READERS):
            await self._reading.acquire()
        with suppress(Exception):
            await self._engine.dispose()


def _visit(engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
    with engine.sync_engine.connect() as connection:
        return work(connection)


def _engine(where: DatabaseUrl, *, command_timeout: float | None, pool_size: int) -> AsyncEngine:
    arguments: dict[str, Any] = {
        "timeout": CONNECT_TIMEOUT_S,
        "command_timeout": command_timeout,
        "server_settings": {
            "application_name": where.application_name,
            "lock_timeout": str(LOCK_TIMEOUT_MS if pool_size else 0),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
            # Short statements on few rows: compiling them costs more than it can ever save.
            "jit": "off",
        },
    }
    if where.socket_folder is not None:
        arguments["host"] = where.socket_folder
    else:
        arguments["ssl"] = where.tls
    if pool_size == 0:
        return create_async_engine(
            where.url, hide_parameters=True, connect_args=arguments, poolclass=NullPool
        )
    return create_async_engine(
        where.url, hide_parameters=True, connect_args=arguments, pool_size=pool_size, max_overflow=0
    )


def _tell_away(context: ExceptionContext) -> None:
    """The driver's bare network errors become a fault of the database, which handlers of SQLAlchemyError know."""
    if isinstance(context.original_exception, (OSError, TimeoutError)):
        raise _away(context.original_exception) from None


def _away(error: BaseException) -> DatabaseAwayError:
    reason = getattr(error, "strerror", None) or "no answer in time"
    return DatabaseAwayError(f"the server cannot be reached: {reason}")
