"""Processes that write one SQLite file take turns: each test opens the file twice, as two processes would."""

import fcntl
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from tonevault.plumbing import write_turn
from tonevault.plumbing.sql import Database

OTHERS_BEFORE = 2
"""Transactions of a rival that may come first: the one that is running, and one that had its turn before."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "shared.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE done (name TEXT)")
    connection.close()
    return path


def test_who_writes_without_a_pause_lets_others_go_between(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who looks as seldom as this never finds the lock free by chance.
    monkeypatch.setattr(write_turn, "LOOK_EVERY_S", 0.03)
    busy, guest = Database(f"sqlite:///{file}"), Database(f"sqlite:///{file}")
    begun, over = threading.Event(), threading.Event()

    def write(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO done VALUES ('busy')")
        begun.set()
        # Much work in one transaction, so that the lock is free for no more than a moment between two.
        time.sleep(0.005)

    def without_a_pause() -> None:
        while not over.is_set():
            busy.transact_now(write)

    def counted(connection: Connection) -> int:
        return int(connection.exec_driver_sql("SELECT count(*) FROM done").scalar_one())

    thread = threading.Thread(target=without_a_pause)
    thread.start()
    try:
        waits = []
        for _ in range(20):
            begun.clear()
            assert begun.wait(30)
            before = guest.read_now(counted)
            waits.append(guest.transact_now(counted) - before)
        # One of them may have been far from a processor between its two questions; a starved one waits in most.
        assert sorted(waits)[len(waits) // 2] <= OTHERS_BEFORE
    finally:
        over.set()
        thread.join()
        busy.close_now()
        guest.close_now()


def test_a_lock_that_is_never_given_up_is_an_error_in_time(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_turn, "PATIENCE_S", 0.05)
    database = Database(f"sqlite:///{file}")
    holder = sqlite3.connect(file, isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            database.transact_now(lambda c: c.exec_driver_sql("DELETE FROM done"))
        holder.execute("ROLLBACK")
        database.transact_now(lambda c: c.exec_driver_sql("INSERT INTO done VALUES ('later')"))
    finally:
        holder.close()
        database.close_now()


def test_a_turn_that_is_never_given_up_is_gone_without(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its holder was stopped while it waited; the write lock itself is free."""
    monkeypatch.setattr(write_turn, "TURN_PATIENCE_S", 0.05)
    database = Database(f"sqlite:///{file}")
    with file.with_name("shared.db-turn").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        try:
            for _ in range(2):
                database.transact_now(lambda c: c.exec_driver_sql("INSERT INTO done VALUES ('without')"))
        finally:
            database.close_now()


def test_what_waits_elsewhere_still_has_its_patience(file: Path) -> None:
    """A connection that began to write is given to readers afterwards: it must wait for locks as they do."""
    database = Database(f"sqlite:///{file}")
    try:
        after = database.transact_now(lambda c: c.exec_driver_sql("PRAGMA busy_timeout").scalar_one())
        assert after == 10_000
    finally:
        database.close_now()


def test_the_turn_is_nobodys_when_its_holder_is_gone(file: Path) -> None:
    gone = Database(f"sqlite:///{file}")
    gone.transact_now(lambda c: c.exec_driver_sql("INSERT INTO done VALUES ('one')"))
    gone.close_now()
    turn = file.with_name("shared.db-turn")
    assert turn.stat().st_mode & 0o777 == 0o600
    database = Database(f"sqlite:///{file}")
    try:
        database.transact_now(lambda c: c.exec_driver_sql("INSERT INTO done VALUES ('two')"))
    finally:
        database.close_now()
