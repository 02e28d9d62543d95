"""The SQL database and its unit of work: SQLite (WAL, synchronous=FULL) or PostgreSQL. Refuses any other database."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, Connection, Dialect, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from tonevault.plumbing.database_url import parse
from tonevault.plumbing.group_commit import Run, Submission
from tonevault.plumbing.postgres import WRITERS, PostgresEngine
from tonevault.plumbing.sqlite import SqliteEngine
from tonevault.plumbing.transaction import AtCommit

T = TypeVar("T")
Item = TypeVar("Item")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as whole microseconds since 1970: the same on every database, and it sorts."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuses a datetime without a zone: it would mean a different moment on each machine."""
        return None if value is None else to_stored(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Back to an aware datetime."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def to_stored(time: datetime) -> int:
    """Whole microseconds since 1970. Raises ValueError without a zone."""
    if time.tzinfo is None:
        raise ValueError("a stored time must carry its zone; use UTC")
    return (time - _EPOCH) // _MICROSECOND


class Database:
    """One database of one zone. `transact` and `read` run plain functions of a Connection away from the event loop.

    Works of callers that come together are committed together: one durable commit answers them all.
    """

    def __init__(self, url: str, *, writers: int = WRITERS) -> None:
        """`sqlite:////path/file.db` or `postgresql://user@host/name` (docs/storage.md), the latter with so many `writers`: groups of works
        under way at once. Raises ValueError, without the URL."""
        where = parse(url)
        self.url = url
        self.is_sqlite: Final = where.is_sqlite
        self._engine: SqliteEngine | PostgresEngine = (
            SqliteEngine(where.url) if where.is_sqlite else PostgresEngine(where, writers)
        )

        self._coming: dict[asyncio.AbstractEventLoop, list[Submission]] = {}

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine; on PostgreSQL for its name and dialect alone, since connections belong to the driver's thread."""
        return self._engine.engine

    def at_commit(self, ending: AtCommit) -> None:
        """Have rows deferred to `type(ending)` written by `ending`."""
        self._engine.group.endings[type(ending)] = ending

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one durable transaction. It must have no effect but on the connection: a conflict runs it again.

        It may share the commit with others, but neither their failures nor what they roll back.
        """
        return await self._ask(_each, work, together=False)  # type: ignore[no-any-return]

    async def transact_together(
        self, work: Callable[[Connection, Sequence[Item]], Sequence[T]], item: Item
    ) -> T:
        """`transact` for many callers of one `work`: it is given the items of all that come together, and answers as many results."""
        return await self._ask(work, item, together=True)  # type: ignore[no-any-return]

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` for its answer alone; whatever it writes is rolled back."""
        return await asyncio.wrap_future(self._engine.read(work))

    def transact_now(self, work: Callable[[Connection], T]) -> T:
        """`transact` for code without an event loop; it waits."""
        future: Future[T] = Future()
        self._engine.submit([Submission(_each, work, together=False, future=future)])
        return future.result()

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """`read` for code without an event loop; it waits."""
        return self._engine.read(work).result()

    def visit(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on a connection without a transaction, for what brings its own, as migrations do. It waits."""
        return self._engine.visit(work)

    async def close(self) -> None:
        """Let running transactions end, then release every connection."""
        await asyncio.get_running_loop().run_in_executor(None, self.close_now)

    def close_now(self) -> None:
        """`close` for code without an event loop."""
        self._engine.close()

    async def _ask(self, run: Run, item: object, *, together: bool) -> Any:  # noqa: ANN401 - typed by its callers
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        coming = self._coming.get(loop)
        if coming is None:
            coming = self._coming[loop] = []
            loop.call_soon(self._hand_over, loop)
        coming.append(Submission(run, item, together=together, future=future, loop=loop))
        return await future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Callers whom one turn of the loop woke are handed over as one group: the writer does not run off with the first of them."""
        coming = self._coming.pop(loop)
        try:
            self._engine.submit(coming)
        except SQLAlchemyError as error:
            for each in coming:
                if not each.future.done():
                    each.future.set_exception(error)


def _each(connection: Connection, works: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    return [work(connection) for work in works]
