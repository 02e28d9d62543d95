"""A server that goes away and comes back: told as a fault of the database, and forgotten as soon as it answers again."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from tests.databases import server

from tonevault.plumbing.database_errors import DatabaseAwayError
from tonevault.plumbing.sql import Database

ONE_MORE = text("UPDATE pair SET n = n + 1 WHERE id = :id")
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid != pg_backend_pid()"


@pytest.fixture
def database() -> Iterator[Database]:
    url = server().fresh()
    made = Database(url)
    yield made
    made.close_now()
    server().drop(url)


def cut(database: Database) -> None:
    """End every connection to it, as a restart of the server does."""
    server().run(CUT.format(name=str(database.engine.url.database)))


def one(connection: Connection) -> object:
    return connection.execute(text("SELECT 1")).scalar_one()


@pytest.mark.parametrize("url", ["postgresql://x@127.0.0.1:1/x", "postgresql://x@/x?host=/no/such/folder"])
def test_a_server_that_is_not_there_is_a_fault_of_the_database(url: str) -> None:
    database = Database(url)
    for ask in (database.transact_now, database.read_now, database.visit):
        with pytest.raises(DatabaseAwayError, match="cannot be reached") as fault:
            ask(one)
        assert isinstance(fault.value, SQLAlchemyError)
    database.close_now()


def test_connections_that_were_cut_are_made_anew_and_the_work_is_done(database: Database) -> None:
    assert database.transact_now(one) == 1
    assert database.read_now(one) == 1
    cut(database)
    assert database.transact_now(one) == 1
    assert database.read_now(one) == 1


def test_a_connection_that_is_cut_within_a_work_lets_it_run_again(database: Database) -> None:
    tries: list[int] = []

    def work(connection: Connection) -> object:
        tries.append(1)
        one(connection)
        if len(tries) == 1:
            thread = threading.Thread(target=cut, args=(database,))
            thread.start()
            thread.join()
        return one(connection)

    assert database.transact_now(work) == 1
    assert len(tries) == 2


def test_a_lock_is_not_waited_for_for_ever(database: Database) -> None:
    """Two groups that hold each other's rows part, and both are done in the end."""
    database.transact_now(
        lambda c: c.exec_driver_sql("CREATE TABLE pair (id integer PRIMARY KEY, n integer)").close()
    )
    database.transact_now(lambda c: c.exec_driver_sql("INSERT INTO pair VALUES (1, 0), (2, 0)").close())
    other = Database(database.url)
    meeting = threading.Barrier(2, timeout=30)
    met: set[str] = set()

    def crosswise(name: str, first: int, second: int) -> None:
        def work(connection: Connection) -> None:
            connection.execute(ONE_MORE, {"id": first})
            if name not in met:
                met.add(name)
                meeting.wait()
            connection.execute(ONE_MORE, {"id": second})

        (database if name == "one" else other).transact_now(work)

    async def play() -> None:
        await asyncio.gather(
            asyncio.to_thread(crosswise, "one", 1, 2), asyncio.to_thread(crosswise, "two", 2, 1)
        )

    asyncio.run(play())
    other.close_now()
    assert database.read_now(
        lambda c: [tuple(r) for r in c.exec_driver_sql("SELECT n FROM pair ORDER BY id")]
    ) == [(2,), (2,)]


def test_what_the_server_refuses_keeps_its_state(database: Database) -> None:
    with pytest.raises(DBAPIError, match="does not exist"):
        database.transact_now(lambda c: c.exec_driver_sql("SELECT * FROM nothing"))
    assert database.transact_now(one) == 1
