"""A program of its own: a secure process without telephones. Cards come through a pipe into memory of its own, as keys do.

`python -m tests.boundary.residue.charger KIND URL FOLDER [plant]`. Prints `done` when every charge is over, and waits to be read and ended.
"""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from tests.till import ACCOUNT, EXPIRY, charge_id, money
from tonevault.cde.charging.completion import CapturedCard, Completed, Completion, Sale
from tonevault.cde.charging.service import Cashier
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.gateway import Gateway
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.vault.service import Vault
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.process import harden_process
from tonevault.plumbing.sql import Database

CARD_LENGTH = 16
CODE_LENGTH = 3
TOGETHER = 8
"""Customers at once."""
PLANTED: list[bytes] = []


def take(length: int) -> bytearray:
    """So many bytes from standard input, straight from the kernel into a buffer that its owner will zero; empty at the end."""
    buffer = bytearray(length)
    with memoryview(buffer) as view:
        got = 0
        while got < length:
            count = os.readv(0, [view[got:]])
            if count == 0:
                break
            got += count
    return buffer if got == length else bytearray()


def open_gateway(kind: str, url: str, folder: Path) -> Gateway:
    clock = WallClock()
    if kind == "stripe":
        return StripeGateway("sk_test_residue", clock, base_url=url)
    if kind == "braintree":
        return BraintreeGateway(
            ACCOUNT, BraintreeAccess("conformance", "public", "private", {"GBP": "test-gbp"}, url), clock
        )
    if kind == "worldpay":
        return WorldpayGateway(
            ACCOUNT, WorldpayAccess("merchant", "secret", "default", "Acme", url=url), clock
        )
    return SimulatorGateway(folder / "simulator.db", clock)


async def charge_all(kind: str, url: str, folder: Path, *, plant: bool) -> int:
    """How many charges there were; each must have succeeded."""
    database = Database(f"sqlite:///{folder / 'secure.db'}")
    upgrade(database, SCRIPTS)
    vault = Vault(database, FileCustody.open_or_create(SharePaths.below(folder)))
    gateway = open_gateway(kind, url, folder)
    cashier = Cashier(database, vault, {ACCOUNT: gateway}, WallClock())
    completion = Completion(vault, cashier, WallClock())
    done = 0

    async def customer() -> None:
        nonlocal done
        while digits := take(CARD_LENGTH):
            if plant and not PLANTED:
                PLANTED.append(bytes(digits))
            card = CapturedCard(CardNumber(digits), EXPIRY, SecurityCode(take(CODE_LENGTH)))
            try:
                outcome = await completion.vault_and_charge(ACCOUNT, card, sale=Sale(charge_id(), money()))
            finally:
                card.number.destroy()
            if (
                not isinstance(outcome, Completed)
                or outcome.charge is None
                or outcome.charge.state != "succeeded"
            ):
                code = (
                    outcome.charge.code
                    if isinstance(outcome, Completed) and outcome.charge
                    else "not tokenised"
                )
                raise SystemExit(f"a charge did not succeed: {code}")
            done += 1

    await asyncio.gather(*(customer() for _ in range(TOGETHER)))
    await cashier.close()
    await gateway.close()
    await database.close()
    return done


def main() -> None:
    """Charge what comes, then wait to be read."""
    kind, url, folder, *plant = sys.argv[1:]
    harden_process()
    set_up_logging(level="ERROR")
    done = asyncio.run(charge_all(kind, url, Path(folder), plant=bool(plant)))
    gc.collect()
    sys.stdout.write(f"done {done}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
