"""The job table: what falls due, who holds it. A lease lapses with its holder, so that no job dies with a process."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from tonevault.cde.schema import JOB
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.insert import insert_if_absent

SETTLE: Final = "settle"
RECONCILE: Final = "reconcile"
LEASE: Final = timedelta(seconds=60)
"""Twice the longest look-up: a holder that has not finished by then is dead."""


@dataclass(frozen=True, slots=True)
class Job:
    """`subject` is the attempt to settle, or the reconciliation to make; `step` how often that was tried."""

    account_id: AccountId
    subject: str
    due: datetime
    step: int


def add(connection: Connection, account: AccountId, subject: str, due: datetime, kind: str = SETTLE) -> None:
    """Write a job down; one stands for each subject at most."""
    insert_if_absent(
        connection,
        JOB,
        {
            "account_id": account,
            "kind": kind,
            "subject": subject,
            "due": due,
            "lease_until": None,
            "leased_by": None,
            "step": 0,
        },
    )


def claim(
    connection: Connection,
    node: str,
    now: datetime,
    limit: int,
    *,
    kind: str = SETTLE,
    lease: timedelta = LEASE,
) -> list[Job]:
    """Lease up to `limit` jobs that are due and free. A rival node's claim is seen by the comparison, and passed over."""
    free = or_(JOB.c.lease_until.is_(None), JOB.c.lease_until <= now)
    rows = connection.execute(
        select(JOB).where(JOB.c.kind == kind, JOB.c.due <= now, free).order_by(JOB.c.due).limit(limit)
    ).all()
    claimed = []
    for row in rows:
        job = Job(AccountId(row.account_id), row.subject, row.due, row.step)
        taken = connection.execute(
            update(JOB)
            .where(_is(job.account_id, job.subject, kind), JOB.c.due == job.due, free)
            .values(lease_until=now + lease, leased_by=node)
        )
        if taken.rowcount == 1:
            claimed.append(job)
    return claimed


def put_off(
    connection: Connection,
    account: AccountId,
    subject: str,
    due: datetime,
    step: int,
    *,
    kind: str = SETTLE,
) -> None:
    """Give a job back, to be done at `due`."""
    connection.execute(
        update(JOB)
        .where(_is(account, subject, kind))
        .values(due=due, step=step, lease_until=None, leased_by=None)
    )


def hasten(connection: Connection, account: AccountId, subject: str, now: datetime) -> bool:
    """Make a job due at once; False where there is none, or somebody is at it."""
    free = or_(JOB.c.lease_until.is_(None), JOB.c.lease_until <= now)
    done = connection.execute(
        update(JOB)
        .where(_is(account, subject, SETTLE), free)
        .values(due=now, lease_until=None, leased_by=None)
    )
    return done.rowcount == 1


def release(connection: Connection, node: str) -> None:
    """Give back what a node held when it stopped: at its start, for nobody but itself may know that it was dead."""
    connection.execute(update(JOB).where(JOB.c.leased_by == node).values(lease_until=None, leased_by=None))


def done(connection: Connection, account: AccountId, subject: str, kind: str = SETTLE) -> None:
    """Strike a job off."""
    connection.execute(delete(JOB).where(_is(account, subject, kind)))


def _is(account: AccountId, subject: str, kind: str) -> ColumnElement[bool]:
    return and_(JOB.c.account_id == account, JOB.c.kind == kind, JOB.c.subject == subject)
