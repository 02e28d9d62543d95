"""Jobs: due ones are claimed once, a dead holder's come back, and a job that is done is gone."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.databases import secure_url
from tests.till import ACCOUNT, START

from tonevault.cde.charging import jobs
from tonevault.cde.migrations import SCRIPTS
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

SECOND = timedelta(seconds=1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(secure_url(tmp_path))
    upgrade(made, SCRIPTS)
    yield made
    made.close_now()


def test_what_is_due_is_claimed_in_order_and_once(database: Database) -> None:
    def fill(connection: Connection) -> None:
        for subject, seconds in (("late", 9), ("first", 1), ("second", 2)):
            jobs.add(connection, ACCOUNT, subject, START + seconds * SECOND)

    database.transact_now(fill)
    now = START + 5 * SECOND
    assert [job.subject for job in database.transact_now(lambda c: jobs.claim(c, "one-node", now, 10))] == [
        "first",
        "second",
    ]
    assert database.transact_now(lambda c: jobs.claim(c, "one-node", now, 10)) == []


def test_one_job_stands_for_one_attempt(database: Database) -> None:
    for _ in range(2):
        database.transact_now(lambda c: jobs.add(c, ACCOUNT, "one", START))
    assert len(database.transact_now(lambda c: jobs.claim(c, "one-node", START, 10))) == 1


def test_the_job_of_a_dead_holder_comes_back_when_its_lease_lapses(database: Database) -> None:
    database.transact_now(lambda c: jobs.add(c, ACCOUNT, "one", START))
    assert database.transact_now(lambda c: jobs.claim(c, "one-node", START, 10))
    before, after = START + jobs.LEASE - SECOND, START + jobs.LEASE
    assert database.transact_now(lambda c: jobs.claim(c, "one-node", before, 10)) == []
    assert len(database.transact_now(lambda c: jobs.claim(c, "one-node", after, 10))) == 1


def test_a_node_that_starts_again_takes_back_what_it_held_and_no_more(database: Database) -> None:
    database.transact_now(lambda c: jobs.add(c, ACCOUNT, "one", START))
    database.transact_now(lambda c: jobs.claim(c, "one-node", START, 10))
    database.transact_now(lambda c: jobs.release(c, "other-node"))
    assert database.transact_now(lambda c: jobs.claim(c, "one-node", START, 10)) == []
    database.transact_now(lambda c: jobs.release(c, "one-node"))
    assert len(database.transact_now(lambda c: jobs.claim(c, "one-node", START, 10))) == 1


def test_a_job_put_off_is_due_later_with_its_step(database: Database) -> None:
    database.transact_now(lambda c: jobs.add(c, ACCOUNT, "one", START))
    database.transact_now(lambda c: jobs.claim(c, "one-node", START, 10))
    later = START + 30 * SECOND
    database.transact_now(lambda c: jobs.put_off(c, ACCOUNT, "one", later, 3))
    assert database.transact_now(lambda c: jobs.claim(c, "one-node", later - SECOND, 10)) == []
    (job,) = database.transact_now(lambda c: jobs.claim(c, "one-node", later, 10))
    assert job.step == 3


def test_a_job_that_is_done_is_gone(database: Database) -> None:
    database.transact_now(lambda c: jobs.add(c, ACCOUNT, "one", START))
    database.transact_now(lambda c: jobs.done(c, ACCOUNT, "one"))
    assert database.transact_now(lambda c: jobs.claim(c, "one-node", START + jobs.LEASE, 10)) == []


def test_no_more_are_claimed_than_asked_for(database: Database) -> None:
    for subject in "abcde":
        database.transact_now(partial(jobs.add, account=ACCOUNT, subject=subject, due=START))
    assert len(database.transact_now(lambda c: jobs.claim(c, "one-node", START, 3))) == 3
