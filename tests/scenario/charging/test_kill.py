"""Death at every step of a payment, and again at every step of its recovery: charged twice 0, charged and lost 0."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.scenario.charging.mortality import NEVER, Fate, KilledError, MortalDatabase, MortalGateway
from tests.till import ACCOUNT, Till

from tonevault.boundary.charges import ChargeState
from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.charging.completion import Completed, Sale
from tonevault.cde.gateway import Gateway
from tonevault.cde.schema import JOB, PAYMENT_ATTEMPT
from tonevault.plumbing.sql import Database

APPROVED = b"4242424242424242"
CARDS = {
    "approved": APPROVED,
    "declined": b"4000000000000002",
    "failed": b"4000000000000119",
    "slow": b"4000000000005050",
    "silent and approved": b"4000000000009003",
    "silent and declined": b"4000000000009011",
    "silent and lost": b"4000000000009029",
    "silent and lagging": b"4000000000009037",
}
MAX_STEPS = 60
"""More than any payment here has; a story that needs more has become endless."""


class Life:
    """One secure process after another on the same files, each with its own fate."""

    def __init__(self, folder: Path) -> None:
        self.fate = Fate()
        self.till = Till(folder, wrap_database=self._mortal_database, wrap_gateway=self._mortal_gateway)

    def _mortal_database(self, database: Database) -> Database:
        return MortalDatabase(database, self.fate)

    def _mortal_gateway(self, gateway: Gateway) -> Gateway:
        return MortalGateway(gateway, self.fate)

    async def begin_again(self, dies_at: int = NEVER) -> None:
        """The dead process is replaced; its connections are cut, its memory is gone."""
        await self.till.close()
        self.fate = Fate(dies_at)
        self.till.open()

    async def pay(self, digits: bytes, sale: Sale, usage: TokenUsage) -> Completed:
        done = await self.till.completion.vault_and_charge(
            ACCOUNT, self.till.card(digits), usage=usage, sale=sale
        )
        assert isinstance(done, Completed)
        return done

    async def recover(self) -> None:
        await self.till.cashier.recover()
        await self.till.settle()

    async def check(self, digits: bytes, sale: Sale, usage: TokenUsage) -> None:
        """The merchant asks again under the same id, and books and bank agree."""
        charge = (await self.pay(digits, sale, usage)).charge
        assert charge is not None
        if charge.state is ChargeState.UNKNOWN:
            await self.till.settle()
            charge = await self.till.cashier.charge_result(ACCOUNT, sale.charge_id)
        moved = await self.till.simulator.movements(ACCOUNT)
        assert charge.state in (ChargeState.SUCCEEDED, ChargeState.DECLINED, ChargeState.FAILED)
        assert len(moved) == (1 if charge.state is ChargeState.SUCCEEDED else 0)
        attempts = await self.till.database.read(lambda c: c.execute(select(PAYMENT_ATTEMPT)).all())
        assert len(attempts) == 1
        assert {each.reference for each in moved} <= {attempt.attempt_id for attempt in attempts}
        assert await self.till.database.read(lambda c: c.execute(select(JOB)).all()) == []


async def die_once(folder: Path, digits: bytes, usage: TokenUsage, dies_at: int, dies_again_at: int) -> bool:
    """Play one payment with up to two deaths; whether the first one came."""
    life = Life(folder)
    sale = life.till.sale()
    life.fate.dies_at = life.fate.steps + dies_at
    try:
        with suppress(KilledError):
            await life.pay(digits, sale, usage)
        died = life.fate.is_dead
        await life.begin_again(dies_again_at)
        with suppress(KilledError):
            await life.recover()
        await life.begin_again()
        await life.recover()
        await life.check(digits, sale, usage)
        return died
    finally:
        life.fate.dies_at = NEVER
        await life.till.close()


@pytest.mark.parametrize("usage", TokenUsage)
@pytest.mark.parametrize("card", ["approved", "silent and lagging"])
def test_death_at_every_step_of_a_payment(tmp_path: Path, card: str, usage: TokenUsage) -> None:
    for dies_at in range(MAX_STEPS):
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        if not asyncio.run(die_once(folder, CARDS[card], usage, dies_at, NEVER)):
            break
    else:
        pytest.fail("a payment has no end")
    assert dies_at > 10, "the story has fewer steps than its commits and its words with the gateway"


@pytest.mark.parametrize("seed", range(24))
def test_two_deaths_at_random(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    card, usage = dice.choice(list(CARDS)), dice.choice(list(TokenUsage))
    first, second = dice.randrange(16), dice.randrange(30)
    try:
        asyncio.run(die_once(tmp_path, CARDS[card], usage, first, second))
    except AssertionError as error:
        error.add_note(f"seed {seed}: {card}, {usage.value}, deaths at steps {first} and {second}")
        raise


def test_the_deaths_are_real(tmp_path: Path) -> None:
    """Among the steps is the one that matters: money moved, and the process died before it was told."""

    async def whole() -> None:
        life = Life(tmp_path)
        sale = life.till.sale()
        await life.till.token()
        for dies_at in range(MAX_STEPS):
            life.fate.dies_at = life.fate.steps + dies_at
            with pytest.raises(KilledError):
                await life.pay(APPROVED, sale, TokenUsage.MULTI)
            await life.begin_again()
            if await life.till.simulator.movements(ACCOUNT):
                break
            await life.recover()
            sale = life.till.sale()
        pending = await life.till.cashier.charge_result(ACCOUNT, sale.charge_id)
        assert pending.state is ChargeState.PENDING
        assert await life.till.cashier.recover() == 1
        unknown = await life.till.cashier.charge_result(ACCOUNT, sale.charge_id)
        assert unknown.state is ChargeState.UNKNOWN
        await life.till.settle()
        assert (await life.till.cashier.charge_result(ACCOUNT, sale.charge_id)).state is ChargeState.SUCCEEDED
        assert len(await life.till.simulator.movements(ACCOUNT)) == 1
        await life.till.close()

    asyncio.run(whole())
