"""Works that share a commit: answered after it, hurt by no other's failure, run again when they conflict, refused when too many wait."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, event, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.databases import blank_url

from tonevault.plumbing import group_commit, sqlite
from tonevault.plumbing.database_errors import DatabaseBusyError, DatabaseClosedError
from tonevault.plumbing.sql import Database
from tonevault.plumbing.transaction import transaction_of

METADATA = MetaData()
THING = Table(
    "thing",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("note", String(40)),
)


@pytest.fixture
def database(every_database: object, tmp_path: Path) -> Iterator[Database]:
    made = Database(blank_url(tmp_path))
    made.transact_now(METADATA.create_all)
    yield made
    made.close_now()


class Commits:
    """Counts the commits of a database."""

    def __init__(self, database: Database) -> None:
        self.count = 0
        event.listen(database.engine, "commit", self._one_more)

    def _one_more(self, connection: Connection) -> None:
        self.count += 1


def add(number: int, note: str = "") -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(insert(THING).values(id=number, note=note))
        return number

    return work


def numbers(connection: Connection) -> list[int]:
    return sorted(connection.execute(select(THING.c.id)).scalars())


def test_many_callers_share_few_commits_and_each_has_its_own_answer(database: Database) -> None:
    commits = Commits(database)

    async def play() -> list[int]:
        return await asyncio.gather(*(database.transact(add(number)) for number in range(100)))

    assert asyncio.run(play()) == list(range(100))
    assert database.read_now(numbers) == list(range(100))
    assert commits.count <= 8


def test_one_that_fails_hurts_no_other_and_leaves_nothing(database: Database) -> None:
    def fails(connection: Connection) -> None:
        add(50)(connection)
        raise LookupError("on purpose")

    async def play() -> list[Any]:
        await database.transact(add(9))
        works: list[Callable[[Connection], Any]] = [add(1), fails, add(2), add(9), add(3)]
        return await asyncio.gather(*(database.transact(work) for work in works), return_exceptions=True)

    one, failed, two, taken, three = asyncio.run(play())
    assert (one, two, three) == (1, 2, 3)
    assert isinstance(failed, LookupError)
    assert isinstance(taken, IntegrityError)
    assert database.read_now(numbers) == [1, 2, 3, 9]


def test_nobody_is_answered_before_the_commit(database: Database) -> None:
    answered: list[int] = []
    seen: list[list[int]] = []
    event.listen(database.engine, "commit", lambda _: seen.append(list(answered)))

    async def caller(number: int) -> None:
        answered.append(await database.transact(add(number)))

    async def play() -> None:
        await asyncio.gather(*(caller(number) for number in range(20)))

    asyncio.run(play())
    for before, after in zip(seen, [*seen[1:], answered], strict=True):
        assert len(before) <= len(after)
    assert seen[0] == []


def test_when_the_commit_fails_everybody_is_told_and_nothing_is_kept(database: Database) -> None:
    def refuse(connection: Connection) -> None:
        raise OSError("the disk is full")

    async def play() -> list[Any]:
        event.listen(database.engine, "commit", refuse)
        works = (database.transact(add(number)) for number in range(5))
        return await asyncio.gather(*works, return_exceptions=True)

    assert [type(each) for each in asyncio.run(play())] == [OSError] * 5
    event.remove(database.engine, "commit", refuse)
    assert database.read_now(numbers) == []
    assert database.transact_now(add(9)) == 9


def test_works_that_go_together_get_one_call_and_their_own_answers(database: Database) -> None:
    calls: list[int] = []

    def add_all(connection: Connection, items: Sequence[int]) -> list[str]:
        calls.append(len(items))
        if 13 in items:
            raise LookupError("unlucky")
        connection.execute(insert(THING), [{"id": item, "note": ""} for item in items])
        return [f"added {item}" for item in items]

    async def play(items: Sequence[int]) -> list[Any]:
        works = (database.transact_together(add_all, item) for item in items)
        return await asyncio.gather(*works, return_exceptions=True)

    assert asyncio.run(play(range(10))) == [f"added {item}" for item in range(10)]
    assert len(calls) <= 4
    answers = asyncio.run(play(range(11, 16)))
    assert [isinstance(each, LookupError) for each in answers] == [False, False, True, False, False]
    assert database.read_now(numbers) == [*range(10), 11, 12, 14, 15]


def test_a_lone_caller_needs_no_savepoint(database: Database) -> None:
    savepoints: list[str] = []
    event.listen(database.engine, "savepoint", lambda _, name: savepoints.append(name))
    database.transact_now(add(1))
    with pytest.raises(IntegrityError):
        database.transact_now(add(1))
    assert savepoints == []


def test_a_caller_that_left_before_is_left_out(database: Database) -> None:
    async def play() -> None:
        waiting = asyncio.create_task(database.transact(add(1)))
        await asyncio.sleep(0)
        waiting.cancel()
        await database.transact(add(2))

    asyncio.run(play())
    assert database.read_now(numbers) == [2]


class Notes:
    """Writes what is deferred to it, as one row a transaction."""

    def __init__(self) -> None:
        self.durable = 0
        self._places = itertools.count(1000)

    def write(self, connection: Connection, writer: str, rows: Sequence[str]) -> None:
        # Writers work side by side: a place counted from the rows would be taken twice.
        connection.execute(insert(THING).values(id=next(self._places), note=",".join(sorted(rows))))

    def committed(self, writer: str) -> None:
        self.durable += 1


def test_deferred_rows_are_written_once_for_a_group_without_those_of_a_failure(database: Database) -> None:
    notes = Notes()
    database.at_commit(notes)

    def noted(text: str, *, fails: bool = False) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            transaction_of(connection).defer(Notes, text)
            if fails:
                raise LookupError("on purpose")

        return work

    async def play() -> None:
        works = [noted("a"), noted("b", fails=True), noted("c")]
        answers = await asyncio.gather(*(database.transact(work) for work in works), return_exceptions=True)
        assert [type(answer) for answer in answers] == [type(None), LookupError, type(None)]

    asyncio.run(play())
    written = database.read_now(lambda c: c.execute(select(THING.c.note)).scalars().all())
    assert sorted(",".join(written).split(",")) == ["a", "c"]
    assert notes.durable == len(written)


def test_rows_cannot_be_deferred_outside_a_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError, match="transact"):
        database.read_now(lambda connection: transaction_of(connection).defer(Notes, "x"))


class ConflictError(Exception):
    """What a driver says of a serialization failure."""

    sqlstate = "40001"


def test_a_conflict_runs_the_works_again_and_at_last_tells(database: Database) -> None:
    tries: list[int] = []

    def conflicts(times: int) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            tries.append(1)
            if len(tries) <= times:
                raise DBAPIError("", None, ConflictError())
            return len(tries)

        return work

    assert database.transact_now(conflicts(3)) == 4
    tries.clear()
    with pytest.raises(DBAPIError):
        database.transact_now(conflicts(10_000))
    assert len(tries) == group_commit.MAX_TRIES


def test_two_processes_that_count_lose_nothing(database: Database) -> None:
    """Two Database objects stand for two nodes: read, then write what was read plus one, all at once."""
    other = Database(database.url)
    database.transact_now(lambda c: c.execute(insert(THING).values(id=1, note="0")).close())

    def one_more(connection: Connection) -> None:
        now = connection.execute(select(THING.c.note).where(THING.c.id == 1).with_for_update()).scalar_one()
        connection.execute(update(THING).where(THING.c.id == 1).values(note=str(int(now) + 1)))

    async def play() -> None:
        await asyncio.gather(*(each.transact(one_more) for _ in range(20) for each in (database, other)))

    asyncio.run(play())
    other.close_now()
    assert database.read_now(lambda c: c.execute(select(THING.c.note)).scalar_one()) == "40"


def test_a_work_that_asks_its_own_database_is_refused_and_not_waited_for(database: Database) -> None:
    with pytest.raises(RuntimeError, match="connection that it is given"):
        database.transact_now(lambda _: database.transact_now(add(1)))


def test_too_many_that_wait_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "QUEUE_LIMIT", 3)
    database = Database(f"sqlite:///{tmp_path / 'busy.db'}")
    database.transact_now(METADATA.create_all)
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        begun.set()
        go_on.wait(30)

    async def play() -> None:
        first = asyncio.create_task(database.transact(slow))
        await asyncio.to_thread(begun.wait, 30)
        kept = [asyncio.create_task(database.transact(add(number))) for number in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(DatabaseBusyError):
            await database.transact(add(9))
        go_on.set()
        await asyncio.gather(first, *kept)

    asyncio.run(play())
    assert database.read_now(numbers) == [0, 1, 2]
    database.close_now()


def test_a_closed_database_refuses(database: Database) -> None:
    database.close_now()
    with pytest.raises(DatabaseClosedError):
        database.transact_now(add(1))
    with pytest.raises(DatabaseClosedError):
        database.read_now(numbers)
