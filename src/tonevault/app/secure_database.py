"""The secure zone's database, opened at its newest schema."""

from tonevault.app.embedded import Places, prepare_secure_folder
from tonevault.cde.migrations import SCRIPTS
from tonevault.plumbing.migrations import open_current, upgrade
from tonevault.plumbing.sql import Database


def open_secure_database(where: Places) -> Database:
    """SQLite is upgraded where it stands; PostgreSQL must be current. Raises SchemaOutdatedError."""
    prepare_secure_folder(where)
    return open_current(where.secure_database, SCRIPTS)


def upgrade_secure_database(where: Places) -> None:
    """Bring it to the newest schema."""
    prepare_secure_folder(where)
    database = Database(where.secure_database)
    try:
        upgrade(database, SCRIPTS)
    finally:
        database.close_now()
