"""The databases of both zones: opened for a process, and brought to the newest schema."""

from tonevault.app.embedded import places, prepare_desk, prepare_secure_folder
from tonevault.app.settings import TonevaultSettings
from tonevault.cde.migrations import SCRIPTS as SECURE_SCRIPTS
from tonevault.desk.migrations import SCRIPTS as DESK_SCRIPTS
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database


def upgrade_zones(settings: TonevaultSettings, zone: str) -> list[str]:
    """Upgrade `secure`, `desk` or `both`; answers a line for each."""
    where = places(settings)
    done = []
    if zone in ("secure", "both"):
        prepare_secure_folder(where)
        upgrade_now(Database(where.secure_database), secure=True)
        done.append("secure: at the newest schema")
    if zone in ("desk", "both"):
        prepare_desk(where)
        upgrade_now(Database(where.desk_database), secure=False)
        done.append("desk: at the newest schema")
    return done


def upgrade_now(database: Database, *, secure: bool) -> None:
    """Upgrade one database and close it."""
    try:
        upgrade(database, SECURE_SCRIPTS if secure else DESK_SCRIPTS)
    finally:
        database.close_now()
