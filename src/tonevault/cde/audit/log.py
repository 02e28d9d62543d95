"""Enters acts into the audit log, in the transaction of the act itself: what is not logged has not happened."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from tonevault.cde.audit.chain import Chains
from tonevault.cde.audit.model import EVERY_ACCOUNT, Action, Entry
from tonevault.plumbing.transaction import transaction_of


def record(
    connection: Connection,
    action: Action,
    *,
    at: datetime,
    subject: str,
    account: str = EVERY_ACCOUNT,
    actor: str = "",
    detail: Mapping[str, str] | None = None,
) -> None:
    """Enter one act; durable with the caller's transaction, forgotten with its rollback. `at` is aware, UTC.

    `subject`: the id of the token, key or ceremony. `actor`: a custodian's name; left out, it is this node. `detail`: ids and
    words of our own, 12 at most of 200 characters each, never a request's text. Raises RuntimeError outside `Database.transact`.
    """
    record_all(connection, [Entry(account, at, actor, action, subject, dict(detail or {}))])


def record_all(connection: Connection, entries: Iterable[Entry]) -> None:
    """`record` for many acts of one transaction, in their order."""
    transaction_of(connection).defer_all(Chains, entries)
