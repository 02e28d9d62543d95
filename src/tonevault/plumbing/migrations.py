"""Schema migrations by Alembic: one history a zone, run by `tonevault db upgrade` and, for SQLite, at start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tonevault.plumbing.postgres import WRITERS
from tonevault.plumbing.sql import Database


class DatabaseUnusableError(Exception):
    """The database cannot be worked with. The message says why and gives the way out."""


class SchemaOutdatedError(DatabaseUnusableError):
    """The database is not at the newest migration."""


def _config(database: Database, scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["database"] = database
    return config


def open_database(url: str, *, writers: int = WRITERS) -> Database:
    """The database of a URL, whatever its schema. Raises DatabaseUnusableError for a URL of no database that is known."""
    try:
        return Database(url, writers=writers)
    except ValueError as error:
        raise DatabaseUnusableError(str(error)) from None


def upgrade(database: Database, scripts: Path) -> None:
    """Bring the database to the newest migration of the folder `scripts`; harmless when it is there.

    Raises DatabaseUnusableError.
    """
    with _told_plainly():
        command.upgrade(_config(database, scripts), "head")


def is_current(database: Database, scripts: Path) -> bool:
    """Whether the database is at the newest migration."""
    heads = set(ScriptDirectory.from_config(_config(database, scripts)).get_heads())
    return database.visit(_heads) == heads


def require_current(database: Database, scripts: Path) -> None:
    """Raise SchemaOutdatedError unless the database is at the newest migration."""
    if not is_current(database, scripts):
        raise SchemaOutdatedError("the database is not at the newest schema; run `tonevault db upgrade`")


def require_readable(database: Database) -> None:
    """Raise DatabaseUnusableError unless the database answers; nothing of it is changed."""
    with _told_plainly():
        database.visit(_heads)


def open_current(url: str, scripts: Path, *, writers: int = WRITERS) -> Database:
    """Open a database at the newest schema: SQLite is upgraded by whoever opens it, PostgreSQL by `tonevault db upgrade` alone.

    Raises DatabaseUnusableError.
    """
    database = open_database(url, writers=writers)
    try:
        if database.is_sqlite:
            upgrade(database, scripts)
        with _told_plainly():
            require_current(database, scripts)
    except BaseException:
        database.close_now()
        raise
    return database


def _heads(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except CommandError:
        raise DatabaseUnusableError(
            "its schema is of a newer release; run that release, or restore the backup made before the upgrade"
        ) from None
    except SQLAlchemyError as error:
        raise DatabaseUnusableError(
            f"cannot be opened ({_reason(error)}); look at its file or server, or restore its backup"
        ) from None


def _reason(error: SQLAlchemyError) -> str:
    """The driver's own words, one line; they name files, hosts and users, never a row."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause).strip().partition("\n")[0]
