"""The desk's database, opened at its newest schema. Knows nothing of the secure zone's."""

from tonevault.app.database_faults import as_fault_of
from tonevault.app.embedded import Places, prepare_desk
from tonevault.desk.migrations import SCRIPTS
from tonevault.plumbing.migrations import open_current, open_database, upgrade
from tonevault.plumbing.postgres import ONE_WRITER
from tonevault.plumbing.sql import Database


def open_desk_database(where: Places) -> Database:
    """SQLite is upgraded where it stands; PostgreSQL must be current, and gets one writer, because nearly all that the desk writes
    numbers an event of its account. Raises SettingsError."""
    prepare_desk(where)
    with as_fault_of("desk.database"):
        return open_current(where.desk_database, SCRIPTS, writers=ONE_WRITER)


def upgrade_desk_database(where: Places) -> None:
    """Bring it to the newest schema. Raises SettingsError."""
    prepare_desk(where)
    with as_fault_of("desk.database"):
        database = open_database(where.desk_database)
        try:
            upgrade(database, SCRIPTS)
        finally:
            database.close_now()
