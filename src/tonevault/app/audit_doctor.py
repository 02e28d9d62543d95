"""`tonevault doctor --audit`: whether both audit logs hold from their first entry to their last, and where not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from tonevault.app.embedded import Places, places, read_secret
from tonevault.app.findings import Finding, Level
from tonevault.app.key_room import command_heads
from tonevault.app.settings import TonevaultSettings
from tonevault.cde.audit.anchor_file import from_letters, read_anchors
from tonevault.cde.audit.verify import Verdict, check
from tonevault.cde.migrations import SCRIPTS as SECURE_SCRIPTS
from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.migrations import SCRIPTS as DESK_SCRIPTS
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.schema import ACCOUNT
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.migrations import (
    DatabaseUnusableError,
    open_database,
    require_current,
    require_readable,
)
from tonevault.plumbing.settings import SettingsError
from tonevault.plumbing.sql import Database

WAY_OUT: Final = "keep the database, its backups and the logs as they are, and find out who could write to it (docs/storage.md)"


def examine_audit(settings: TonevaultSettings, heads: Sequence[str] = ()) -> list[Finding]:
    """A line for each log, or for each chain that is broken. `heads`: what the log showed of the secure zone's chains."""
    try:
        where = places(settings)
    except SettingsError as error:
        return [Finding(Level.FAULT, "configuration", problem) for problem in error.problems]
    return [*_secure(where, heads), *_desk(where)]


def _secure(where: Places, heads: Sequence[str]) -> Iterator[Finding]:
    subject = "secure audit log"
    try:
        seen = {from_letters(each) for each in heads}
        anchors = read_anchors(where.audit_heads) | read_anchors(command_heads(where))
    except ValueError as error:
        yield Finding(
            Level.FAULT,
            subject,
            str(error),
            "give --head as the log shows it, and leave the file of heads alone",
        )
        return
    try:
        if not _is_there(where.secure_database):
            yield Finding(Level.OK, subject, "is not there yet")
            return
        with _opened(where.secure_database, SECURE_SCRIPTS) as database:
            verdict = database.visit(lambda c: check(_one_state(c), anchors, seen))
    except (DatabaseUnusableError, SQLAlchemyError) as error:
        yield _unreadable(subject, error)
        return
    yield from _told(subject, verdict)


def _told(subject: str, verdict: Verdict) -> Iterator[Finding]:
    for each in verdict.broken:
        yield Finding(Level.FAULT, subject, f"chain {each.chain}: entry {each.number} {each.reason}", WAY_OUT)
    for _ in verdict.unseen:
        yield Finding(Level.FAULT, subject, "a head that the log showed stands in no chain", WAY_OUT)
    if not verdict.broken and not verdict.unseen:
        yield Finding(Level.OK, subject, f"{verdict.entries} entries in {verdict.chains} chains hold")


def _desk(where: Places) -> Iterator[Finding]:
    subject = "desk audit log"
    if not where.desk_pepper.exists():
        yield Finding(
            Level.WARNING, subject, "its key is not on this machine", "run this on a desk's machine too"
        )
        return
    log = AuditLog(KeyedDigest(read_secret(where.desk_pepper)), WallClock())

    def first_broken(connection: Connection) -> list[tuple[str, int]]:
        _one_state(connection)
        accounts = (
            connection.execute(select(ACCOUNT.c.account_id).order_by(ACCOUNT.c.account_id)).scalars().all()
        )
        found = ((account, log.first_broken(connection, AccountId(account))) for account in accounts)
        return [(account, number) for account, number in found if number is not None]

    try:
        if not _is_there(where.desk_database):
            yield Finding(Level.OK, subject, "is not there yet")
            return
        with _opened(where.desk_database, DESK_SCRIPTS) as database:
            broken = database.visit(first_broken)
    except (DatabaseUnusableError, SQLAlchemyError) as error:
        yield _unreadable(subject, error)
        return
    for account, number in broken:
        detail = f"account {account}: entry {number} was changed, taken out or put in"
        yield Finding(Level.FAULT, subject, detail, WAY_OUT)
    if not broken:
        yield Finding(Level.OK, subject, "every account's entries hold")


def _is_there(url: str) -> bool:
    """Whether there is anything to look at: a file that is missing is made at the first start, and not by the doctor."""
    database = open_database(url)
    database.close_now()
    return not database.is_sqlite or Path(database.engine.url.database or "").exists()


@contextmanager
def _opened(url: str, scripts: Path) -> Iterator[Database]:
    """A database at its newest schema; it is not upgraded."""
    database = open_database(url)
    try:
        require_readable(database)
        require_current(database, scripts)
        yield database
    finally:
        database.close_now()


def _one_state(connection: Connection) -> Connection:
    """Whatever is written meanwhile is not seen, so that entries, heads and accounts fit together; SQLite does so anyway."""
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ")
    return connection


def _unreadable(subject: str, error: Exception) -> Finding:
    return Finding(
        Level.FAULT, subject, f"cannot be read: {error}", "docs/configuration.md explains every setting"
    )
