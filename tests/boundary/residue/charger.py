"""A program of its own: a secure process without telephones. Cards come through a pipe into memory of its own, as keys do.

`python -m tests.boundary.residue.charger FOLDER plant|clean KIND,CHARGES,URL…`. Prints `done` when every charge is over, and waits to be
read and ended.
"""

import asyncio
import gc
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.till import EXPIRY, charge_id, money
from tonevault.cde.charging.completion import CapturedCard, Completed, Completion, Sale
from tonevault.cde.charging.service import Cashier
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.gateway import Gateway
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.cde.gateways.generic import ConnectorAccess, GenericConnector
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import AccountId
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


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the cards go to a gateway of this kind. Each kind is an account of its own."""

    kind: str
    url: str
    charges: int

    @property
    def account(self) -> AccountId:
        """Whose gateway it is."""
        return AccountId(self.kind)

    def word(self) -> str:
        """As an argument of this program."""
        return f"{self.kind},{self.charges},{self.url}"


def share(word: str) -> Share:
    """From an argument of this program."""
    kind, charges, url = word.split(",", 2)
    return Share(kind, url, int(charges))


def open_gateway(share: Share, folder: Path) -> Gateway:
    clock, account, url = WallClock(), share.account, share.url
    match share.kind:
        case "stripe":
            return StripeGateway("sk_test_residue", clock, base_url=url)
        case "braintree":
            access = BraintreeAccess("conformance", "public", "private", {"GBP": "test-gbp"}, url)
            return BraintreeGateway(account, access, clock)
        case "worldpay":
            return WorldpayGateway(account, WorldpayAccess("m", "secret", "default", "Acme", url=url), clock)
        case "generic":
            endpoint = ConnectorAccess(f"{url}/pay", "user", "secret", {"till": "one"}, True, True)
            return GenericConnector(account, endpoint, clock)
        case _:
            return SimulatorGateway(folder / "simulator.db", clock)


async def charge_all(shares: list[Share], folder: Path, *, plant: bool) -> int:
    """How many charges there were; each must have succeeded."""
    database = Database(f"sqlite:///{folder / 'secure.db'}")
    upgrade(database, SCRIPTS)
    vault = Vault(database, FileCustody.open_or_create(SharePaths.below(folder)))
    gateways = {each.account: open_gateway(each, folder) for each in shares}
    cashier = Cashier(database, vault, gateways, WallClock())
    completion = Completion(vault, cashier, WallClock())
    # In turns, so that all of them are at work at once.
    turns = sorted((turn / each.charges, each.account) for each in shares for turn in range(each.charges))
    accounts = iter([account for _, account in turns])
    done = 0

    async def customer() -> None:
        nonlocal done
        while digits := take(CARD_LENGTH):
            if plant and not PLANTED:
                PLANTED.append(bytes(digits))
            card = CapturedCard(CardNumber(digits), EXPIRY, SecurityCode(take(CODE_LENGTH)))
            account = next(accounts)
            try:
                outcome = await completion.vault_and_charge(account, card, sale=Sale(charge_id(), money()))
            finally:
                card.number.destroy()
            charge = outcome.charge if isinstance(outcome, Completed) else None
            if charge is None or charge.state != "succeeded":
                code = "not tokenised" if charge is None else charge.code
                raise SystemExit(f"a charge did not succeed: {account}, {code}")
            done += 1

    await asyncio.gather(*(customer() for _ in range(TOGETHER)))
    await cashier.close()
    for gateway in gateways.values():
        await gateway.close()
    await database.close()
    return done


def main() -> None:
    """Charge what comes, then wait to be read."""
    folder, kept, *words = sys.argv[1:]
    harden_process()
    set_up_logging(level="ERROR")
    shares = [share(each) for each in words]
    done = asyncio.run(charge_all(shares, Path(folder), plant=kept == "plant"))
    gc.collect()
    sys.stdout.write(f"done {done}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
