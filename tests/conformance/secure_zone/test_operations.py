"""Captures, voids, refunds, corrections and reconciliations by the SecureZone port, in every world."""

from datetime import timedelta

from tests.conformance.secure_zone.desk import (
    ACCOUNT,
    Play,
    capture_all,
    live_call,
    next_notice,
    refusal,
    request,
    token_of_a_card,
)
from tests.conformance.secure_zone.worlds import World

from tonevault.boundary.captures import Billing, BillingPart, CaptureRetry, CaptureState, FieldName
from tonevault.boundary.charges import Amount, ChargeRequest, ChargeResult, ChargeState, Taking
from tonevault.boundary.notices import ChargeChanged, OperationChanged
from tonevault.boundary.operations import OperationKind, OperationRequest, OperationResult, OperationState
from tonevault.boundary.reconciliations import ReconciliationRequest, ReconciliationState
from tonevault.boundary.tokens import TokenState
from tonevault.kernel.ids import CHARGE, RECONCILIATION, ChargeId, OperationId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY


async def charge(world: World, capture: Taking = Taking.AUTOMATIC) -> ChargeResult:
    token = await token_of_a_card(world)
    return await world.zone.charge(
        ChargeRequest(
            charge_id=ChargeId(make_id(CHARGE, 0, SYSTEM_ENTROPY)),
            account_id=ACCOUNT,
            token_id=token.token_id,
            amount=Amount(amount_minor=700, currency="GBP"),
            capture=capture,
        )
    )


def wanted(of: ChargeResult, kind: OperationKind, minor: int | None = None) -> OperationRequest:
    return OperationRequest(
        operation_id=OperationId(make_id(kind.prefix, 0, SYSTEM_ENTROPY)),
        account_id=ACCOUNT,
        charge_id=of.charge_id,
        kind=kind,
        amount=None if minor is None else Amount(amount_minor=minor, currency="GBP"),
    )


def test_a_held_charge_is_captured_and_refunded(play: Play) -> None:
    async def story(world: World) -> None:
        held = await charge(world, Taking.MANUAL)
        assert (held.state, held.amount_captured) == (ChargeState.AUTHORISED, 0)
        captured = await world.zone.operate(wanted(held, OperationKind.CAPTURE, 500))
        assert (captured.state, captured.amount.amount_minor) == (OperationState.SUCCEEDED, 500)
        asked = wanted(held, OperationKind.REFUND, 200)
        refunded = await world.zone.operate(asked)
        assert await world.zone.operate(asked) == refunded
        assert await world.zone.operation(ACCOUNT, asked.operation_id) == refunded
        after = await world.zone.charge_result(ACCOUNT, held.charge_id)
        assert (after.state, after.amount_captured, after.amount_refunded) == (
            ChargeState.PARTIALLY_REFUNDED,
            500,
            200,
        )
        too_much = world.zone.operate(wanted(held, OperationKind.REFUND, 301))
        assert await refusal(too_much) == (422, "amount_too_large")

    play(story)


def test_a_void_cancels_and_what_is_not_there_is_not_found(play: Play) -> None:
    async def story(world: World) -> None:
        held = await charge(world, Taking.MANUAL)
        assert (await world.zone.operate(wanted(held, OperationKind.VOID))).state is OperationState.SUCCEEDED
        assert (await world.zone.charge_result(ACCOUNT, held.charge_id)).state is ChargeState.CANCELED
        stranger = wanted(held, OperationKind.REFUND).model_copy(update={"charge_id": "ch_" + "z" * 28})
        assert await refusal(world.zone.operate(stranger)) == (404, "not_found")
        unknown = OperationId("re_" + "z" * 28)
        assert await refusal(world.zone.operation(ACCOUNT, unknown)) == (404, "not_found")
        taken = await charge(world)
        assert await refusal(world.zone.operate(wanted(taken, OperationKind.CAPTURE))) == (
            409,
            "not_capturable",
        )

    play(story)


def test_an_operation_is_told(play: Play) -> None:
    async def story(world: World) -> None:
        paid = await charge(world)
        async with world.zone.notices() as notices:
            asked = wanted(paid, OperationKind.REFUND)
            await world.zone.operate(asked)
            operations: list[OperationResult] = []
            charges: list[ChargeResult] = []
            while not charges:
                notice = await next_notice(notices)
                if isinstance(notice, OperationChanged):
                    operations.append(notice.operation)
                elif isinstance(notice, ChargeChanged):
                    charges.append(notice.charge)
            assert operations[-1].operation_id == asked.operation_id
            assert operations[-1].state is OperationState.SUCCEEDED
            assert charges[-1].state is ChargeState.REFUNDED

    play(story)


def test_an_address_is_corrected_and_the_charge_run_again(play: Play) -> None:
    async def story(world: World) -> None:
        view = await world.zone.open_capture(request(world, live_call(world), fields=tuple(FieldName)))
        await capture_all(world, view, world.card_with_a_wrong_postal_code())
        await world.zone.start_field(view.session_id, FieldName.POSTAL_CODE)
        world.press(view.call_id, "99999#")
        first = await world.zone.complete(view.session_id)
        assert (first.state, first.mismatch) == (CaptureState.OPEN, (BillingPart.POSTAL_CODE,))
        assert first.token is None
        world.address_is_right()
        retry = CaptureRetry(
            charge_id=ChargeId(make_id(CHARGE, 1, SYSTEM_ENTROPY)),
            billing=Billing(postal_code="10001"),
            without_security_code=True,
        )
        second = await world.zone.retry(view.session_id, retry)
        assert (second.state, second.mismatch) == (CaptureState.SUCCEEDED, ())
        assert second.charge is not None
        assert second.charge.charge_id == retry.charge_id
        assert await world.zone.retry(view.session_id, retry) == second
        other = retry.model_copy(update={"charge_id": ChargeId(make_id(CHARGE, 2, SYSTEM_ENTROPY))})
        assert await refusal(world.zone.retry(view.session_id, other)) == (409, "session_over")

    play(story)


def test_a_new_card_takes_an_old_ones_place(play: Play) -> None:
    async def story(world: World) -> None:
        old = await token_of_a_card(world)
        asked = request(world, live_call(world), charge=False, replaces=old.token_id)
        view = await world.zone.open_capture(asked)
        await capture_all(world, view, "5555555555554444")
        done = await world.zone.complete(view.session_id)
        assert done.token is not None
        after = await world.zone.token(ACCOUNT, old.token_id)
        assert (after.state, after.replaced_by) == (TokenState.REPLACED, done.token.token_id)

    play(story)


def test_a_reconciliation_is_asked_for_and_found(play: Play) -> None:
    async def story(world: World) -> None:
        await charge(world)
        now = world.clock.utc()
        asked = ReconciliationRequest(
            reconciliation_id=make_id(RECONCILIATION, 0, SYSTEM_ENTROPY),
            account_id=ACCOUNT,
            since=now - timedelta(days=1),
            until=now,
        )
        view = await world.zone.reconcile(asked)
        assert view.state in (ReconciliationState.PENDING, ReconciliationState.DONE)
        found = await world.zone.reconciliation(ACCOUNT, asked.reconciliation_id)
        assert (found.since, found.until) == (asked.since, asked.until)
        assert await world.zone.differences(ACCOUNT, asked.reconciliation_id, 12) == []
        unknown = world.zone.reconciliation(ACCOUNT, "rec_" + "z" * 28)
        assert await refusal(unknown) == (404, "not_found")

    play(story)
