"""Reconciliation at work: every planted difference is found, a silent list is tried again, and a day is compared once."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.till import ACCOUNT, START, Play, Till, operation, player, request

from tonevault.boundary.operations import OperationKind
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.reconciliations import DifferenceKind, ReconciliationRequest, ReconciliationState
from tonevault.cde.charging.reconciler import MISSED_DAYS, PAUSES_S
from tonevault.cde.gateway import GatewayUnreachableError, Kind, Listed, Verdict
from tonevault.cde.schema import JOB, PAYMENT_ATTEMPT
from tonevault.cde.schema import RECONCILIATION as RECONCILIATIONS
from tonevault.kernel.ids import RECONCILIATION, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

LINE = Listed(None, "sim_stranger", Kind.PAYMENT, Money(999, "GBP"), Verdict.APPROVED, START)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


def wanted(till: Till) -> ReconciliationRequest:
    return ReconciliationRequest(
        reconciliation_id=make_id(RECONCILIATION, 0, SYSTEM_ENTROPY),
        account_id=ACCOUNT,
        since=START - timedelta(hours=1),
        until=till.clock.utc(),
    )


async def take_payments(till: Till) -> None:
    token = await till.token()
    charges = [await till.cashier.charge(request(token.token_id, minor)) for minor in (100, 200, 300)]
    await till.cashier.operate(operation(OperationKind.REFUND, charges[-1].charge_id, 50))
    till.clock.advance(60)


def test_books_that_agree_have_no_differences(play: Play) -> None:
    async def story(till: Till) -> None:
        await take_payments(till)
        asked = wanted(till)
        assert (await till.cashier.reconciler.request(asked)).state is ReconciliationState.PENDING
        assert await till.cashier.reconciler.sweep(till.clock.utc()) == 1
        done = await till.cashier.reconciler.find(ACCOUNT, asked.reconciliation_id)
        assert (done.state, done.compared, done.differing) == (ReconciliationState.DONE, 4, 0)
        again = asked.model_copy(update={"reconciliation_id": make_id(RECONCILIATION, 1, SYSTEM_ENTROPY)})
        assert (await till.cashier.reconciler.request(again)) == done

    play(story)


def test_every_planted_difference_is_found(play: Play) -> None:
    async def story(till: Till) -> None:
        await take_payments(till)
        # Lost here, another amount here, denied here, and one that the gateway does not know.
        table, rows = (
            PAYMENT_ATTEMPT,
            await till.database.read(
                lambda c: c.execute(
                    PAYMENT_ATTEMPT.select()
                    .where(PAYMENT_ATTEMPT.c.kind == Kind.PAYMENT.value)
                    .order_by(PAYMENT_ATTEMPT.c.amount_minor)
                ).all()
            ),
        )
        one, two, three = (row.attempt_id for row in rows)
        listed = till.simulator.listed

        async def without_three(*args: object) -> AsyncIterator[Listed]:
            async for line in listed(*args):  # type: ignore[arg-type]
                if line.reference != three:
                    yield line
            money = Money(999, "GBP")
            yield Listed(
                None, "sim_stranger", Kind.PAYMENT, money, Verdict.APPROVED, START + timedelta(seconds=1)
            )

        till.simulator.listed = without_three  # type: ignore[method-assign,assignment]
        changes = ((one, {"amount_minor": 101}), (two, {"state": "failed"}))
        for identity, values in changes:
            change = table.update().where(table.c.attempt_id == identity).values(values)
            await till.database.transact(lambda c, change=change: c.execute(change))  # type: ignore[misc]
        asked = wanted(till)
        await till.cashier.reconciler.request(asked)
        await till.cashier.reconciler.sweep(till.clock.utc())
        done = await till.cashier.reconciler.find(ACCOUNT, asked.reconciliation_id)
        found = await till.cashier.reconciler.differences(ACCOUNT, asked.reconciliation_id, 0)
        assert {each.kind for each in found} == set(DifferenceKind)
        assert (done.differing, [each.number for each in found]) == (4, [1, 2, 3, 4])
        by_kind = {each.kind: each for each in found}
        assert (by_kind[DifferenceKind.AMOUNT].amount_here, by_kind[DifferenceKind.AMOUNT].amount_there) == (
            101,
            100,
        )
        assert by_kind[DifferenceKind.MISSING_HERE].charge_id is None
        assert await till.cashier.reconciler.differences(ACCOUNT, asked.reconciliation_id, 4) == []

    play(story)


def test_a_list_that_cannot_be_read_is_tried_again_and_then_given_up(play: Play) -> None:
    async def story(till: Till) -> None:
        async def broken(*args: object) -> AsyncIterator[Listed]:
            if args:
                raise GatewayUnreachableError
            yield LINE

        till.simulator.listed = broken  # type: ignore[method-assign,assignment]
        till.clock.advance(1)
        asked = wanted(till)
        await till.cashier.reconciler.request(asked)
        for pause in (*PAUSES_S, 0):
            assert await till.cashier.reconciler.sweep(till.clock.utc()) == 1
            till.clock.advance(pause)
        done = await till.cashier.reconciler.find(ACCOUNT, asked.reconciliation_id)
        assert done.state is ReconciliationState.FAILED
        assert await till.database.read(lambda c: c.execute(JOB.select()).all()) == []

    play(story)


def test_each_whole_day_is_compared_once(play: Play) -> None:
    async def story(till: Till) -> None:
        await take_payments(till)
        till.clock.advance(86_400)
        for _ in range(3):
            await till.cashier.reconciler.plan(till.clock.utc())
        assert await till.cashier.reconciler.sweep(till.clock.utc()) == 1
        assert await till.cashier.reconciler.sweep(till.clock.utc()) == 0

    play(story)


async def ends(till: Till) -> list[datetime]:
    rows = await till.database.read(
        lambda c: c.execute(select(RECONCILIATIONS.c.until).order_by(RECONCILIATIONS.c.until)).all()
    )
    return [row.until for row in rows]


def test_days_on_which_nobody_was_there_are_compared_once_somebody_is(play: Play) -> None:
    async def story(till: Till) -> None:
        day, midnight = timedelta(days=1), START.replace(hour=0)
        await till.cashier.reconciler.plan(till.clock.utc())
        assert await ends(till) == [midnight]
        # What somebody asked for by hand is no day.
        await till.cashier.reconciler.request(wanted(till))
        till.clock.advance(3.5 * day.total_seconds())
        await till.reopen()
        await till.cashier.reconciler.plan(till.clock.utc())
        found = await ends(till)
        assert {midnight + number * day for number in range(4)} < set(found)
        assert len(found) == 5
        till.clock.advance(400 * day.total_seconds())
        await till.reopen()
        await till.cashier.reconciler.plan(till.clock.utc())
        assert len(await ends(till)) == 5 + MISSED_DAYS

    play(story)


def test_one_that_has_failed_is_made_again_when_it_is_asked_for(play: Play) -> None:
    async def story(till: Till) -> None:
        await take_payments(till)
        listed, asked = till.simulator.listed, wanted(till)

        def silent(*args: object) -> AsyncIterator[Listed]:
            raise GatewayUnreachableError

        till.simulator.listed = silent  # type: ignore[method-assign,assignment]
        await till.cashier.reconciler.request(asked)
        for pause in (*PAUSES_S, 0):
            await till.cashier.reconciler.sweep(till.clock.utc())
            till.clock.advance(pause)
        failed = await till.cashier.reconciler.find(ACCOUNT, asked.reconciliation_id)
        assert failed.state is ReconciliationState.FAILED
        till.simulator.listed = listed  # type: ignore[method-assign]
        again = await till.cashier.reconciler.request(asked)
        assert again.state is ReconciliationState.PENDING
        assert again.updated_at > failed.updated_at
        assert await till.cashier.reconciler.sweep(till.clock.utc()) == 1
        done = await till.cashier.reconciler.find(ACCOUNT, asked.reconciliation_id)
        assert (done.state, done.compared) == (ReconciliationState.DONE, 4)

    play(story)


def test_what_cannot_be_compared_is_refused(play: Play) -> None:
    async def story(till: Till) -> None:
        late = wanted(till).model_copy(update={"until": till.clock.utc() + timedelta(hours=1)})
        with pytest.raises(SecureZoneError, match="until"):
            await till.cashier.reconciler.request(late)
        with pytest.raises(SecureZoneError, match="reconciliation_id"):
            await till.cashier.reconciler.find(ACCOUNT, "rec_" + "z" * 28)

    play(story)
