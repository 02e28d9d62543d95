"""Schema migrations by Alembic: one history a zone, run by `tonevault db upgrade` and, for SQLite, at start."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tonevault.plumbing.sql import Database


class SchemaOutdatedError(Exception):
    """The database is not at the newest migration."""


def _config(database: Database, scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["database"] = database
    return config


def upgrade(database: Database, scripts: Path) -> None:
    """Bring the database to the newest migration of the folder `scripts`; harmless when it is there."""
    command.upgrade(_config(database, scripts), "head")


def is_current(database: Database, scripts: Path) -> bool:
    """Whether the database is at the newest migration."""
    heads = set(ScriptDirectory.from_config(_config(database, scripts)).get_heads())
    with database.engine.connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == heads


def require_current(database: Database, scripts: Path) -> None:
    """Raise SchemaOutdatedError unless the database is at the newest migration."""
    if not is_current(database, scripts):
        raise SchemaOutdatedError("the database is not at the newest schema; run `tonevault db upgrade`")


def open_current(url: str, scripts: Path) -> Database:
    """Open a database at the newest schema: SQLite is upgraded by whoever opens it, PostgreSQL by `tonevault db upgrade` alone.

    Raises SchemaOutdatedError.
    """
    database = Database(url)
    try:
        if database.is_sqlite:
            upgrade(database, scripts)
        require_current(database, scripts)
    except BaseException:
        database.close_now()
        raise
    return database
