"""What fell silent is settled by look-up, once, by whichever node is there; an absence is believed late."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.till import ACCOUNT, Play, Till, code, player, request

from tonevault.boundary.charges import ChargeResult, ChargeState
from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.charging.service import Cashier
from tonevault.cde.schema import TOKEN

LOST = b"4000000000009029"
SILENT_APPROVED = b"4000000000009003"


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


async def moved(till: Till) -> int:
    return len(await till.simulator.movements(ACCOUNT))


@pytest.mark.parametrize(
    ("digits", "state", "why", "times"),
    [
        (SILENT_APPROVED, ChargeState.SUCCEEDED, None, 1),
        (b"4000000000009011", ChargeState.DECLINED, "do_not_honour", 0),
        (LOST, ChargeState.FAILED, "never_arrived", 0),
        (b"4000000000009037", ChargeState.SUCCEEDED, None, 1),
        (b"4000000000009045", ChargeState.SUCCEEDED, None, 1),
    ],
)
def test_silence_is_unknown_first_and_settled_by_look_up(
    play: Play, digits: bytes, state: ChargeState, why: str | None, times: int
) -> None:
    async def story(till: Till) -> None:
        token = await till.token(digits)
        first = await till.cashier.charge(request(token.token_id), code())
        assert (first.state, first.code) == (ChargeState.UNKNOWN, None)
        assert await till.cashier.unsettled() == [first]
        await till.settle()
        last = await till.cashier.charge_result(ACCOUNT, first.charge_id)
        assert (last.state, last.code) == (state, why)
        assert [told.state for told in till.told] == [ChargeState.UNKNOWN, state]
        assert await till.cashier.unsettled() == []
        assert await moved(till) == times

    play(story)


def test_an_absence_is_not_believed_before_the_visibility_lag(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token(LOST)
        first = await till.cashier.charge(request(token.token_id), code())
        await till.settle(29)
        assert (await till.cashier.charge_result(ACCOUNT, first.charge_id)).state is ChargeState.UNKNOWN
        await till.settle(2)
        assert (await till.cashier.charge_result(ACCOUNT, first.charge_id)).state is ChargeState.FAILED

    play(story)


def test_two_nodes_that_sweep_at_once_look_up_once(play: Play, tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        other = Till(tmp_path, clock=till.clock)
        token = await till.token(SILENT_APPROVED)
        await till.cashier.charge(request(token.token_id), code())
        till.clock.advance(1)
        assert sum(await asyncio.gather(till.cashier.sweep(), other.cashier.sweep())) == 1
        await other.close()

    play(story)


def test_a_gateway_that_is_gone_from_the_account_leaves_the_charge_unknown(play: Play) -> None:
    async def story(till: Till) -> None:
        token = await till.token(SILENT_APPROVED)
        await till.cashier.charge(request(token.token_id), code())
        bare = Cashier(till.database, till.vault, {}, till.clock)
        till.clock.advance(1)
        assert await bare.sweep() == 1
        assert [charge.state for charge in await bare.unsettled()] == [ChargeState.UNKNOWN]
        await till.settle()
        assert await till.cashier.unsettled() == []

    play(story)


def test_run_settles_and_shreds_until_it_is_cancelled(play: Play) -> None:
    async def story(till: Till) -> None:
        unused = await till.token(usage=TokenUsage.SINGLE)
        token = await till.token(SILENT_APPROVED)
        await till.cashier.charge(request(token.token_id), code())
        till.clock.advance(15 * 60)
        settled: asyncio.Queue[ChargeResult] = asyncio.Queue()
        gateways = {ACCOUNT: till.simulator}
        cashier = Cashier(till.database, till.vault, gateways, till.clock, on_change=settled.put_nowait)
        loop = asyncio.create_task(cashier.run())
        assert (await asyncio.wait_for(settled.get(), 5)).state is ChargeState.SUCCEEDED
        shredded = select(TOKEN.c.sealed).where(TOKEN.c.token_id == unused.token_id)
        async with asyncio.timeout(5):
            while await till.database.read(lambda c: c.execute(shredded).scalar_one()) is not None:  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0)
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop

    play(story)
