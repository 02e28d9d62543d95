"""`tonevault db upgrade`: both databases brought to the newest schema."""

from tonevault.app.desk_database import upgrade_desk_database
from tonevault.app.embedded import places
from tonevault.app.secure_database import upgrade_secure_database
from tonevault.app.settings import TonevaultSettings


def upgrade_zones(settings: TonevaultSettings, zone: str) -> list[str]:
    """Upgrade `secure`, `desk` or `both`; answers a line for each."""
    where = places(settings)
    done = []
    if zone in ("secure", "both"):
        upgrade_secure_database(where)
        done.append("secure: at the newest schema")
    if zone in ("desk", "both"):
        upgrade_desk_database(where)
        done.append("desk: at the newest schema")
    return done
