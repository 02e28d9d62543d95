"""The secure zone's database, opened at its newest schema."""

from tonevault.app.database_faults import as_fault_of
from tonevault.app.embedded import Places, prepare_secure_folder
from tonevault.cde.migrations import SCRIPTS
from tonevault.plumbing.migrations import open_current, open_database, upgrade
from tonevault.plumbing.sql import Database


def open_secure_database(where: Places) -> Database:
    """SQLite is upgraded where it stands; PostgreSQL must be current. Raises SettingsError."""
    prepare_secure_folder(where)
    with as_fault_of("secure.database"):
        return open_current(where.secure_database, SCRIPTS)


def upgrade_secure_database(where: Places) -> None:
    """Bring it to the newest schema. Raises SettingsError."""
    prepare_secure_folder(where)
    with as_fault_of("secure.database"):
        database = open_database(where.secure_database)
        try:
            upgrade(database, SCRIPTS)
        finally:
            database.close_now()
