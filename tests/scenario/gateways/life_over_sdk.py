"""One life of the payment engine over a real SDK, as a program: it recovers, sells, and is killed at any moment; the last one finishes.

`python -m tests.scenario.gateways.life_over_sdk FOLDER GATEWAY URL SEED FIRST COUNT [--finish]` prints a line for each sale begun.
"""

import asyncio
import sys
from pathlib import Path

from tests.chaos.life import sell
from tests.chaos.plan import Sale, sales
from tests.till import ACCOUNT

from tonevault.cde.charging.completion import Completion
from tonevault.cde.charging.service import Cashier
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.gateway import Gateway
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.vault.service import Vault
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

TOGETHER = 6
TIMEOUT_S = 2.0
LAG_S = 8.0
"""More than any request lies about in the double on a busy machine."""


def open_gateway(name: str, url: str) -> Gateway:
    clock = WallClock()
    if name == "stripe":
        return StripeGateway("sk_test_kill", clock, base_url=url, timeout_s=TIMEOUT_S, visibility_lag_s=LAG_S)
    access = BraintreeAccess("kill", "public", "private", {"GBP": "test-gbp"}, url)
    return BraintreeGateway(ACCOUNT, access, clock, timeout_s=TIMEOUT_S, visibility_lag_s=LAG_S)


async def live(folder: Path, gateway: Gateway, wanted: list[Sale], *, finish: bool) -> None:
    clock = WallClock()
    database = Database(f"sqlite:///{folder / 'secure.db'}")
    upgrade(database, SCRIPTS)
    vault = Vault(database, FileCustody.open_or_create(SharePaths.below(folder)))
    cashier = Cashier(database, vault, {ACCOUNT: gateway}, clock)
    completion = Completion(vault, cashier, clock)
    await cashier.recover()
    sweeping = asyncio.create_task(cashier.run())
    queue = list(wanted)

    async def customer() -> None:
        while queue:
            sale = queue.pop(0)
            print(sale.index, flush=True)  # noqa: T201 - what the killer counts by
            await sell(cashier, completion, sale, finish=finish)

    await asyncio.gather(*(customer() for _ in range(TOGETHER)))
    while finish and (await cashier.unsettled() or await cashier.unsettled_operations()):  # noqa: ASYNC110 - as another process's leavings
        await asyncio.sleep(0.1)
    sweeping.cancel()
    await cashier.close()
    await gateway.close()
    await database.close()


def main() -> None:
    """Live."""
    set_up_logging(level="CRITICAL")
    folder, name, url, seed, first, count = sys.argv[1:7]
    wanted = sales(int(count), int(seed))[int(first) :]
    asyncio.run(live(Path(folder), open_gateway(name, url), wanted, finish="--finish" in sys.argv))


if __name__ == "__main__":
    main()
