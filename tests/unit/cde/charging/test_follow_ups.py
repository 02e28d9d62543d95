"""Captures, voids and refunds: each id once, never more than was held or taken, silence settled by look-up."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.till import ACCOUNT, Play, Till, charge_id, money, operation, player, request

from tonevault.boundary.charges import Amount, ChargeResult, ChargeState, Taking
from tonevault.boundary.operations import OperationKind, OperationRequest, OperationState
from tonevault.boundary.problems import SecureZoneError
from tonevault.cde.gateway import Feature, Gateway, GatewayTraits
from tonevault.cde.gateways.simulator.outcomes import (
    DO_NOT_HONOUR,
    TIMEOUT_APPROVED,
    TIMEOUT_LAGGING,
    TIMEOUT_LOST,
    Outcome,
)
from tonevault.kernel.ids import ChargeId

CAPTURE, VOID, REFUND = OperationKind.CAPTURE, OperationKind.VOID, OperationKind.REFUND


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return player(tmp_path)


async def paid(till: Till, minor: int = 1250, capture: Taking = Taking.AUTOMATIC) -> ChargeResult:
    asked = request((await till.token()).token_id, minor)
    return await till.cashier.charge(asked.model_copy(update={"capture": capture}))


async def net(till: Till) -> int:
    signs = {"refund": -1, "void": -1}
    moved = await till.simulator.movements(ACCOUNT)
    return sum(signs.get(each.kind.value, 1) * each.money.amount_minor for each in moved)


async def standing(till: Till, charge: ChargeResult) -> tuple[ChargeState, int, int]:
    result = await till.cashier.charge_result(ACCOUNT, charge.charge_id)
    return result.state, result.amount_captured, result.amount_refunded


async def refusal(till: Till, asked: OperationRequest) -> tuple[int, str]:
    with pytest.raises(SecureZoneError) as refused:
        await till.cashier.operate(asked)
    assert not any(each.isdigit() and len(each) > 11 for each in refused.value.detail.split())
    return refused.value.status, refused.value.code


def test_a_hold_is_authorised_and_its_capture_takes_it(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, capture=Taking.MANUAL)
        assert (charge.state, charge.amount_captured) == (ChargeState.AUTHORISED, 0)
        assert await net(till) == 0
        done = await till.cashier.operate(operation(CAPTURE, charge.charge_id, 1000))
        assert (done.state, done.amount) == (OperationState.SUCCEEDED, money(1000))
        assert await standing(till, charge) == (ChargeState.SUCCEEDED, 1000, 0)
        assert await net(till) == 1000
        assert [each.state for each in till.told] == [ChargeState.AUTHORISED, ChargeState.SUCCEEDED]
        states = [each.state for each in till.operations]
        assert states == [OperationState.PENDING, OperationState.PENDING, OperationState.SUCCEEDED]

    play(story)


def test_a_voided_hold_is_canceled_and_takes_nothing(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, capture=Taking.MANUAL)
        assert (
            await till.cashier.operate(operation(VOID, charge.charge_id))
        ).state is OperationState.SUCCEEDED
        assert await standing(till, charge) == (ChargeState.CANCELED, 0, 0)
        assert await refusal(till, operation(CAPTURE, charge.charge_id)) == (409, "not_capturable")
        assert await refusal(till, operation(REFUND, charge.charge_id)) == (409, "not_refundable")
        assert await net(till) == 0

    play(story)


def test_refunds_in_parts_until_nothing_is_left(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, 1000)
        await till.cashier.operate(operation(REFUND, charge.charge_id, 400))
        assert await standing(till, charge) == (ChargeState.PARTIALLY_REFUNDED, 1000, 400)
        assert await refusal(till, operation(REFUND, charge.charge_id, 601)) == (422, "amount_too_large")
        assert (await till.cashier.operate(operation(REFUND, charge.charge_id))).amount == money(600)
        assert await standing(till, charge) == (ChargeState.REFUNDED, 1000, 1000)
        assert await refusal(till, operation(REFUND, charge.charge_id)) == (409, "not_refundable")
        assert await net(till) == 0

    play(story)


def test_many_refunds_at_once_give_back_no_more_than_was_taken(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, 1000)
        asked = [till.cashier.operate(operation(REFUND, charge.charge_id, 300)) for _ in range(8)]
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(not isinstance(each, BaseException) for each in results) == 3
        assert await standing(till, charge) == (ChargeState.PARTIALLY_REFUNDED, 1000, 900)
        assert await net(till) == 100

    play(story)


@pytest.mark.parametrize(
    ("trouble", "comes_to", "given"),
    [
        (TIMEOUT_APPROVED, OperationState.SUCCEEDED, 700),
        (TIMEOUT_LAGGING, OperationState.SUCCEEDED, 700),
        (TIMEOUT_LOST, OperationState.FAILED, 0),
    ],
    ids=lambda each: getattr(each, "story", str(each))[:12],
)
def test_an_unknown_refund_counts_as_made_until_it_is_known(
    play: Play, trouble: Outcome, comes_to: OperationState, given: int
) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, 1000)
        asked = operation(REFUND, charge.charge_id, 700)
        till.simulator.play_next(trouble)
        assert (await till.cashier.operate(asked)).state is OperationState.UNKNOWN
        assert await refusal(till, operation(REFUND, charge.charge_id, 301)) == (422, "amount_too_large")
        assert (await till.cashier.unsettled_operations())[0].operation_id == asked.operation_id
        await till.reopen()
        await till.cashier.recover()
        await till.settle()
        assert (await till.cashier.operation(ACCOUNT, asked.operation_id)).state is comes_to
        assert await net(till) == 1000 - given
        rest = await till.cashier.operate(operation(REFUND, charge.charge_id))
        assert (rest.state, rest.amount) == (OperationState.SUCCEEDED, money(1000 - given))
        assert await net(till) == 0

    play(story)


@pytest.mark.parametrize("kind", [CAPTURE, VOID])
def test_a_silent_capture_or_void_bars_every_other_until_it_is_known(play: Play, kind: OperationKind) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, capture=Taking.MANUAL)
        asked = operation(kind, charge.charge_id)
        till.simulator.play_next(TIMEOUT_APPROVED)
        assert (await till.cashier.operate(asked)).state is OperationState.UNKNOWN
        for other in (CAPTURE, VOID):
            assert (await refusal(till, operation(other, charge.charge_id)))[0] == 409
        await till.settle()
        state = ChargeState.SUCCEEDED if kind is CAPTURE else ChargeState.CANCELED
        assert (await standing(till, charge))[0] is state
        assert (await till.cashier.operate(asked)).state is OperationState.SUCCEEDED

    play(story)


def test_the_same_id_is_the_same_operation_now_later_and_at_once(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, 1000)
        asked = operation(REFUND, charge.charge_id, 100)
        results = await asyncio.gather(*(till.cashier.operate(asked) for _ in range(5)))
        assert {each.state for each in results} == {OperationState.SUCCEEDED}
        await till.reopen()
        assert await till.cashier.operate(asked) == results[0]
        other = asked.model_copy(update={"amount": money(101)})
        assert await refusal(till, other) == (422, "idempotency_mismatch")
        assert await net(till) == 900

    play(story)


def test_a_declined_refund_changes_nothing_and_frees_what_it_held(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, 1000)
        till.simulator.play_next(DO_NOT_HONOUR)
        done = await till.cashier.operate(operation(REFUND, charge.charge_id))
        assert (done.state, done.code) == (OperationState.DECLINED, "do_not_honour")
        assert await standing(till, charge) == (ChargeState.SUCCEEDED, 1000, 0)
        assert (
            await till.cashier.operate(operation(REFUND, charge.charge_id))
        ).state is OperationState.SUCCEEDED

    play(story)


def test_what_is_refused_is_refused_by_name_and_nothing_is_written(play: Play) -> None:
    async def story(till: Till) -> None:
        charge = await paid(till, 1000)
        foreign = operation(REFUND, charge.charge_id).model_copy(
            update={"amount": Amount(amount_minor=1, currency="EUR")}
        )
        assert await refusal(till, operation(REFUND, charge_id())) == (404, "not_found")
        assert await refusal(till, foreign) == (422, "currency_mismatch")
        assert await refusal(till, operation(REFUND, charge.charge_id, 0)) == (422, "amount_too_small")
        assert await refusal(till, operation(VOID, charge.charge_id, 10)) == (422, "amount_not_wanted")
        assert await refusal(till, operation(CAPTURE, charge.charge_id)) == (409, "not_capturable")
        declined = await till.cashier.charge(request((await till.token(b"4000000000000002")).token_id))
        assert await refusal(till, operation(REFUND, declined.charge_id)) == (409, "not_refundable")
        assert await till.cashier.unsettled_operations() == []

    play(story)


class Lacking:
    """The simulator without a feature."""

    def __init__(self, gateway: Gateway, feature: Feature) -> None:
        self._gateway = gateway
        self._feature = feature

    @property
    def traits(self) -> GatewayTraits:
        traits = self._gateway.traits
        return replace(traits, features=traits.features - {self._feature})

    def __getattr__(self, name: str) -> object:
        return getattr(self._gateway, name)


@pytest.mark.parametrize(
    ("feature", "kind", "minor"),
    [
        (Feature.VOID, VOID, None),
        (Feature.REFUND, REFUND, None),
        (Feature.PARTIAL_REFUND, REFUND, 5),
    ],
)
def test_a_verb_that_the_gateway_lacks_is_refused(
    tmp_path: Path, feature: Feature, kind: OperationKind, minor: int | None
) -> None:
    async def whole() -> None:
        till = Till(tmp_path, wrap_gateway=lambda gateway: Lacking(gateway, feature))  # type: ignore[arg-type,return-value]
        charge = await paid(till, 1000)
        assert await refusal(till, operation(kind, charge.charge_id, minor)) == (409, "feature_not_supported")
        await till.close()

    asyncio.run(whole())


def test_a_hold_that_the_gateway_lacks_fails_and_says_so(tmp_path: Path) -> None:
    async def whole() -> None:
        till = Till(tmp_path, wrap_gateway=lambda gateway: Lacking(gateway, Feature.HOLD))  # type: ignore[arg-type,return-value]
        charge = await paid(till, capture=Taking.MANUAL)
        assert (charge.state, charge.code) == (ChargeState.FAILED, "feature_not_supported")
        assert await net(till) == 0
        await till.close()

    asyncio.run(whole())


def test_a_currency_that_the_gateway_lacks_fails_and_says_so(play: Play) -> None:
    async def story(till: Till) -> None:
        asked = request((await till.token()).token_id).model_copy(
            update={"amount": Amount(amount_minor=1250, currency="KWD"), "charge_id": ChargeId(charge_id())}
        )
        result = await till.cashier.charge(asked)
        assert (result.state, result.code) == (ChargeState.FAILED, "currency_not_supported")

    play(story)
