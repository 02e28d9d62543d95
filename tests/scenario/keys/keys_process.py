"""A command on keys for the kill test: rotates and re-wraps, or re-keys, and tells on stdout after every batch how far it is."""

import asyncio
import sys
from pathlib import Path

from tests.custodians import ACME, ALICE, BORIS, QUICK

from tonevault.cde.audit.chain import Chains
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.keys import reseal, rewrapping
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.model import KeyAct, Mandate
from tonevault.cde.keys.rekeying import Rekeying
from tonevault.cde.keys.rewrapping import Rewrapping
from tonevault.cde.keys.rotation import Rotation
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.sql import Database


def tell(done: int, whole: int) -> None:
    sys.stdout.write(f"{done} of {whole}\n")
    sys.stdout.flush()


async def main(url: str, folder: Path, act: str) -> None:
    reseal.BATCHES, rewrapping.BATCH = {"sqlite": 4, "postgresql": 4}, 1  # type: ignore[misc]
    database, clock = Database(url), WallClock()
    database.at_commit(Chains("command"))
    custody = FileCustody(SharePaths.below(folder))
    ceremonies = Ceremonies(database, clock, SYSTEM_ENTROPY, QUICK)

    async def mandate(wanted: KeyAct) -> Mandate:
        proposed = await ceremonies.propose(wanted, "*", ALICE)
        return await ceremonies.approve(proposed.ceremony_id, BORIS)

    tell(0, 0)
    if act == "rewrap":
        await Rotation(database, custody, ceremonies).rotate(await mandate(KeyAct.ROTATE), clock.utc())
        tell(0, 0)
        await Rewrapping(database, custody).run(clock.utc(), "nobody", tell)
    else:
        rekeying = Rekeying(database, custody, ceremonies)
        if not await rekeying.unfinished():
            await rekeying.begin(await mandate(KeyAct.REKEY_INDEX), clock.utc())
            tell(0, 0)
        await rekeying.run(ACME, clock.utc(), tell)
    await database.close()


if __name__ == "__main__":
    set_up_logging(level="ERROR")
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
