"""Failed log-ins, counted so that nobody can try passwords at speed. Names are kept as digests: people type passwords there."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from tonevault.desk.refusal import Refusal
from tonevault.desk.schema import LOG_IN_FAILURE
from tonevault.kernel.ids import AccountId

WINDOW: Final = timedelta(minutes=30)
"""PCI DSS 8.3.4: locked out for at least 30 minutes."""
MAX_PER_USER_AND_ADDRESS: Final = 5
"""A person who has mistyped five times needs help; 8.3.4 allows ten."""
MAX_PER_USER: Final = 30
"""Guesses spread over many addresses; higher than the limit of one, so that a stranger cannot lock a user out at once."""
MAX_PER_ADDRESS: Final = 50
"""One password tried on many users; an office of agents shares an address."""


def require_few(
    connection: Connection, account_id: AccountId, login_digest: bytes, address: str, now: datetime
) -> None:
    """Refuse the next try where there were too many."""
    table = LOG_IN_FAILURE.c
    recent = table.failed_at > now - WINDOW
    of_user = (table.account_id == account_id, table.login_digest == login_digest)
    limits = (
        (MAX_PER_USER_AND_ADDRESS, (*of_user, table.address == address)),
        (MAX_PER_USER, of_user),
        (MAX_PER_ADDRESS, (table.address == address,)),
    )
    for limit, condition in limits:
        query = select(func.count(), func.min(table.failed_at)).where(recent, *condition)
        count, oldest = connection.execute(query).one()
        if count >= limit:
            wait = oldest + WINDOW - now
            raise Refusal(
                429,
                "too_many_log_ins",
                "Too many failed log-ins. Wait half an hour, or ask an administrator for a log-in ticket.",
                retry_after_s=max(1, int(wait.total_seconds())),
            )


def count_one(
    connection: Connection,
    account_id: AccountId,
    failure_id: str,
    *,
    login_digest: bytes,
    address: str,
    now: datetime,
) -> None:
    """Note a failure, and forget those that no longer count."""
    connection.execute(delete(LOG_IN_FAILURE).where(LOG_IN_FAILURE.c.failed_at <= now - WINDOW))
    connection.execute(
        insert(LOG_IN_FAILURE).values(
            account_id=account_id,
            failure_id=failure_id,
            login_digest=login_digest,
            address=address,
            failed_at=now,
        )
    )


def forgive(connection: Connection, account_id: AccountId, login_digest: bytes, address: str) -> None:
    """A right password clears what this user mistyped at this address."""
    connection.execute(
        delete(LOG_IN_FAILURE).where(
            LOG_IN_FAILURE.c.account_id == account_id,
            LOG_IN_FAILURE.c.login_digest == login_digest,
            LOG_IN_FAILURE.c.address == address,
        )
    )
