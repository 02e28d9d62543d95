"""One life of a secure process: recovers what the last one left, then sells. Killed at any moment; the last life finishes everything."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.plan import TIMEOUT_S, GatewayType, Sale
from tests.chaos.rough_line import RoughGateway
from tests.till import ACCOUNT, EXPIRY, code, money
from tonevault.boundary.charges import ChargeResult, ChargeState
from tonevault.boundary.operations import OperationRequest, OperationState
from tonevault.boundary.problems import SecureZoneError
from tonevault.cde.charging.completion import CapturedCard, Completed, Completion
from tonevault.cde.charging.completion import Sale as Wanted
from tonevault.cde.charging.service import Cashier
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.gateway import Authorisation, GatewayAnswer, Made
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.gateways.simulator.outcomes import APPROVED
from tonevault.cde.vault.service import Vault
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.sql import Database

TOGETHER = 6
"""Customers at once, so that a kill finds payments at several steps."""
OPEN_CHARGES = (ChargeState.PENDING, ChargeState.UNKNOWN)
OPEN_OPERATIONS = (OperationState.PENDING, OperationState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class World:
    """Where the files lie, and what kind of gateway it is."""

    folder: Path
    database_url: str
    gateway: GatewayType


class LaggingSimulator(SimulatorGateway):
    """Look-ups find what was done only after a while."""

    shows_after_s = 0.0

    def _lag(self) -> None:
        if self.shows_after_s:
            lagging = type(APPROVED)("Approved; look-ups lag.", look_up_lag_s=self.shows_after_s)
            self.play_next(lagging)

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        if self.shows_after_s and request.reference[-1] in "abcdefghijklmnopqrst":
            self._lag()
        return await super().authorise(request)

    async def follow_up(self, made: Made) -> GatewayAnswer:
        self._lag()
        return await super().follow_up(made)


def simulator(world: World) -> LaggingSimulator:
    gateway = LaggingSimulator(
        world.folder / "simulator.db",
        WallClock(),
        timeout_s=TIMEOUT_S,
        visibility_lag_s=world.gateway.visibility_lag_s,
        idempotent=world.gateway is not GatewayType.NOT_IDEMPOTENT,
    )
    gateway.shows_after_s = world.gateway.shows_after_s
    return gateway


async def live(
    world: World, waiting: list[Sale], seed: int, *, began: Callable[[], None], finish: bool
) -> None:
    """Sell what is `waiting`, telling of each sale that it `began`. With `finish`: go on until nothing is open."""
    clock = WallClock()
    database = Database(world.database_url)
    vault = Vault(database, FileCustody.open_or_create(SharePaths.below(world.folder)))
    gateway = RoughGateway(simulator(world), random.Random(seed), TIMEOUT_S)
    cashier = Cashier(database, vault, {ACCOUNT: gateway}, clock)
    completion = Completion(vault, cashier, clock)
    await cashier.recover()
    sweeping = asyncio.create_task(cashier.run())
    queue = list(waiting)

    async def customer() -> None:
        while queue:
            sale = queue.pop(0)
            began()
            await sell(cashier, completion, sale, finish=finish)

    await asyncio.gather(*(customer() for _ in range(TOGETHER)))
    while finish and (await cashier.unsettled() or await cashier.unsettled_operations()):  # noqa: ASYNC110
        # The books are asked anew each time: what is open may be another process's leavings, of which no event tells.
        await asyncio.sleep(0.05)
    sweeping.cancel()
    await cashier.close()
    await gateway.close()
    await database.close()


async def sell(cashier: Cashier, completion: Completion, sale: Sale, *, finish: bool) -> None:
    """Pay, and do what follows, as far as it is known how the payment came out; asked again, it answers what was done."""
    card = CapturedCard(sale.card(), EXPIRY, code())
    wanted = Wanted(sale.charge_id, money(sale.minor), capture=sale.capture)
    done = await completion.vault_and_charge(ACCOUNT, card, sale=wanted)
    card.number.destroy()
    if not isinstance(done, Completed) or done.charge is None:
        return
    charge: ChargeResult = done.charge
    while finish and charge.state in OPEN_CHARGES:
        await asyncio.sleep(0.05)
        charge = await cashier.charge_result(ACCOUNT, sale.charge_id)
    if charge.state in (*OPEN_CHARGES, ChargeState.DECLINED, ChargeState.FAILED):
        return
    for step, (kind, minor) in enumerate(sale.then):
        request = OperationRequest(
            operation_id=sale.operation_id(step),
            account_id=ACCOUNT,
            charge_id=sale.charge_id,
            kind=kind,
            amount=None if minor is None else money(minor),
        )
        try:
            result = await cashier.operate(request)
        except SecureZoneError:
            # What is left of the charge does not allow it: an earlier try of it may have been settled as failed.
            return
        while finish and result.state in OPEN_OPERATIONS:
            await asyncio.sleep(0.05)
            result = await cashier.operation(ACCOUNT, request.operation_id)
