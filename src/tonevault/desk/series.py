"""Gapless numbers of an account: the row of a series is locked until commit, so numbers appear in the order of their commits."""

from typing import Final

from sqlalchemy import Connection, insert, update

from tonevault.desk.schema import SERIES
from tonevault.kernel.ids import AccountId

EVENTS: Final = "events"
AUDIT: Final = "audit"
NO_DIGEST: Final = bytes(32)
"""What the first link of a hash chain hangs on."""


class UnknownAccountError(Exception):
    """The account was never provisioned, so it has no series to number."""


def open_series(connection: Connection, account_id: AccountId) -> None:
    """Make the rows that later numbering locks; part of making an account."""
    for name in (EVENTS, AUDIT):
        connection.execute(
            insert(SERIES).values(account_id=account_id, name=name, number=0, digest=NO_DIGEST)
        )


def next_number(connection: Connection, account_id: AccountId, name: str) -> tuple[int, bytes]:
    """Take the next number of a series, counted from 1, with the digest that the last one left."""
    row = connection.execute(
        update(SERIES)
        .where(SERIES.c.account_id == account_id, SERIES.c.name == name)
        .values(number=SERIES.c.number + 1)
        .returning(SERIES.c.number, SERIES.c.digest)
    ).one_or_none()
    if row is None:
        raise UnknownAccountError("an account must be made before anything is numbered in it")
    return row.number, row.digest


def leave_digest(connection: Connection, account_id: AccountId, name: str, digest: bytes) -> None:
    """Set the digest for the next link, in the transaction that took the number."""
    connection.execute(
        update(SERIES).where(SERIES.c.account_id == account_id, SERIES.c.name == name).values(digest=digest)
    )
