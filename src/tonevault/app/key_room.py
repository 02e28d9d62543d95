"""Everything that the commands on keys work with, opened for one of them: the secure database, the custody, and the acts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tonevault.app.embedded import Places, places
from tonevault.app.key_custody import open_custody
from tonevault.app.secure_database import open_secure_database
from tonevault.app.settings import TonevaultSettings
from tonevault.cde.audit.anchor_file import AnchorFile
from tonevault.cde.audit.chain import Chains
from tonevault.cde.key_custody import KeyCustody
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.rekeying import Rekeying
from tonevault.cde.keys.retirement import Retirement
from tonevault.cde.keys.rewrapping import Rewrapping
from tonevault.cde.keys.rotation import Rotation
from tonevault.cde.keys.shredding import Shredding
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.sql import Database

AUDIT_NODE: Final = "command"


@dataclass(frozen=True, slots=True)
class KeyRoom:
    """The secure database, and who holds ceremonies on it."""

    settings: TonevaultSettings
    where: Places
    database: Database
    clock: WallClock
    ceremonies: Ceremonies

    def custody(self) -> KeyCustody:
        """Opened when an act needs it: a lost share must not keep anybody from recovering it. Raises KeyCustodyError."""
        return open_custody(self.settings.secure.keys, self.where)

    def rotation(self) -> Rotation:
        """New key-encrypting keys."""
        return Rotation(self.database, self.custody(), self.ceremonies)

    def rewrapping(self) -> Rewrapping:
        """Accounts' keys under the one in force."""
        return Rewrapping(self.database, self.custody())

    def rekeying(self) -> Rekeying:
        """Cards under new data keys."""
        return Rekeying(self.database, self.custody(), self.ceremonies)

    def retirement(self) -> Retirement:
        """The end of keys that nothing needs."""
        return Retirement(self.database, self.custody(), self.ceremonies)

    def shredding(self) -> Shredding:
        """The end of an account."""
        return Shredding(self.database, self.ceremonies)


@asynccontextmanager
async def key_room(settings: TonevaultSettings) -> AsyncIterator[KeyRoom]:
    """The room while the block runs. Raises SettingsError."""
    where = places(settings)
    database = open_secure_database(where)
    anchor = AnchorFile(command_heads(where))
    # A chain of its own, so that a command and the process that serves do not wait for each other's entries.
    database.at_commit(Chains(AUDIT_NODE, anchor))
    try:
        clock = WallClock()
        yield KeyRoom(settings, where, database, clock, Ceremonies(database, clock, SYSTEM_ENTROPY))
    finally:
        await database.close()
        anchor.close()


def command_heads(where: Places) -> Path:
    """Where the heads of the commands' audit chains are held; the serving process has a file of its own."""
    return where.audit_heads.with_name("audit-heads-of-commands")
