"""A secure process for the kill test: recovers, then pays sale after sale from its list, telling on stdout what it is about to do."""

import asyncio
import sys
from pathlib import Path

from tests.till import ACCOUNT, EXPIRY, code, money, number

from tonevault.cde.charging.completion import CapturedCard, Completion, Sale
from tonevault.cde.charging.service import Cashier
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import ChargeId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.sql import Database

CARDS = (b"4242424242424242", b"4000000000000002", b"4000000000009003", b"5555555555554444")
TOGETHER = 4
"""Customers at once: so that a kill finds payments at several steps."""
GATEWAY_TIMEOUT_S = 0.05
VISIBILITY_LAG_S = 0.3


async def main(folder: Path, charge_ids: list[ChargeId]) -> None:
    clock = WallClock()
    database = Database(f"sqlite:///{folder / 'secure.db'}")
    vault = Vault(database, FileCustody.open_or_create(SharePaths.below(folder)))
    gateway = SimulatorGateway(
        folder / "simulator.db", clock, timeout_s=GATEWAY_TIMEOUT_S, visibility_lag_s=VISIBILITY_LAG_S
    )
    cashier = Cashier(database, vault, {ACCOUNT: gateway}, clock)
    completion = Completion(vault, cashier, clock)
    await cashier.recover()
    sweeping = asyncio.create_task(cashier.run())
    waiting = list(enumerate(charge_ids))

    async def customer() -> None:
        while waiting:
            place, charge_id = waiting.pop(0)
            sys.stdout.write(f"{charge_id}\n")
            sys.stdout.flush()
            card = CapturedCard(number(CARDS[place % len(CARDS)]), EXPIRY, code())
            await completion.vault_and_charge(ACCOUNT, card, sale=Sale(charge_id, money(100 + place)))

    await asyncio.gather(*(customer() for _ in range(TOGETHER)))
    # The books are asked anew each time: what is unsettled may be another process's leavings, of which no event tells.
    while await cashier.unsettled():  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    sweeping.cancel()
    await cashier.close()
    await gateway.close()
    await database.close()


if __name__ == "__main__":
    set_up_logging(level="WARNING")
    asyncio.run(main(Path(sys.argv[1]), [ChargeId(each) for each in sys.argv[2:]]))
