"""The unit of work: durable settings, rollback, reads that change nothing, times that keep their zone."""

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import StatementError

from tonevault.plumbing import sqlite
from tonevault.plumbing.sql import Database, UtcTime

metadata = MetaData()
moments = Table("moment", metadata, Column("id", Integer, primary_key=True), Column("at", UtcTime))


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'test.db'}")
    made.transact_now(metadata.create_all)
    return made


def count(connection: Connection) -> int:
    return len(connection.execute(select(moments)).all())


def test_sqlite_is_tuned_for_durability(database: Database) -> None:
    def pragmas(connection: Connection) -> list[object]:
        return [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        ]

    assert database.read_now(pragmas) == ["wal", 2, 1]


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(insert(moments).values(id=1))
        raise LookupError("midway")

    with pytest.raises(LookupError):
        database.transact_now(fail)
    assert database.read_now(count) == 0


def test_a_read_cannot_keep_what_it_wrote(database: Database) -> None:
    database.read_now(lambda connection: connection.execute(insert(moments).values(id=1)).close())
    assert database.read_now(count) == 0


def add(number: int) -> Callable[[Connection], None]:
    return lambda connection: connection.execute(insert(moments).values(id=number)).close()


def test_many_writers_all_commit(database: Database) -> None:
    async def run() -> None:
        await asyncio.gather(*(database.transact(add(number)) for number in range(50)))
        assert await database.read(count) == 50
        await database.close()

    asyncio.run(run())


def test_the_journal_is_worked_off_beside_the_writing(database: Database, tmp_path: Path) -> None:
    numbers = itertools.count()
    while database._engine._checkpoint is None:  # type: ignore[union-attr]
        database.transact_now(add(next(numbers)))
    database._engine._checkpoint.result(30)  # type: ignore[union-attr]
    held = database.read_now(lambda c: c.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar())
    assert held == sqlite.JOURNAL_PAGES
    # `immutable` looks at the file alone: what is only in the journal is not seen.
    file = f"file:{tmp_path / 'test.db'}?immutable=1"
    with contextlib.closing(sqlite3.connect(file, uri=True)) as alone:
        (worked_off,) = alone.execute("SELECT COUNT(*) FROM moment").fetchone()
    assert worked_off >= sqlite.CHECKPOINT_EVERY - 2
    assert database.read_now(count) == next(numbers)


def test_times_come_back_the_same_moment(database: Database) -> None:
    moment = datetime(2026, 11, 21, 12, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    database.transact_now(lambda c: c.execute(insert(moments).values(id=1, at=moment)).close())
    assert database.read_now(lambda c: c.execute(select(moments.c.at)).scalar_one()) == moment.astimezone(UTC)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 11, 21)  # noqa: DTZ001
    with pytest.raises(StatementError, match="zone"):
        database.transact_now(lambda c: c.execute(insert(moments).values(id=1, at=naive)).close())


def test_errors_hide_parameters(database: Database) -> None:
    database.transact_now(lambda c: c.execute(insert(moments).values(id=4242424)).close())
    with pytest.raises(Exception, match="UNIQUE") as caught:
        database.transact_now(lambda c: c.execute(insert(moments).values(id=4242424)).close())
    assert "4242424" not in str(caught.value)


def test_another_database_is_refused() -> None:
    with pytest.raises(ValueError, match="sqlite"):
        Database("mysql://localhost/x")
