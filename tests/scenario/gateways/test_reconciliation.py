"""A day's books beside the gateway's own list, over the SDKs: they agree, and what was done past us or denied by us is told."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.scenario.gateways.scene import GATEWAYS, Scene, play_scene
from tests.till import ACCOUNT, charge_id, money, operation, request

from tonevault.boundary.charges import ChargeRequest, ChargeState, Taking
from tonevault.boundary.operations import OperationKind, OperationState
from tonevault.boundary.reconciliations import (
    DifferenceKind,
    ReconciliationRequest,
    ReconciliationState,
    ReconciliationView,
)
from tonevault.cde.gateway import Authorisation, CardInHand
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.small_field import Expiry
from tonevault.kernel.ids import ATTEMPT, RECONCILIATION, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY


async def reconciled(scene: Scene) -> ReconciliationView:
    """The last hour, compared."""
    cashier, now = scene.till.cashier, scene.till.clock.utc()
    wanted = ReconciliationRequest(
        reconciliation_id=make_id(RECONCILIATION, 0, SYSTEM_ENTROPY),
        account_id=ACCOUNT,
        since=now - timedelta(hours=1),
        until=now,
    )
    await cashier.reconciler.request(wanted)
    assert await cashier.reconciler.sweep(now) == 1
    return await cashier.reconciler.find(ACCOUNT, wanted.reconciliation_id)


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_day_of_every_movement_agrees_and_what_was_done_past_us_does_not(
    tmp_path: Path, gateway: str
) -> None:
    async def story(scene: Scene) -> None:
        till = scene.till
        token = (await till.token()).token_id
        paid = await till.cashier.charge(request(token))
        await till.cashier.charge(request((await till.token(b"4000000000000002")).token_id))
        held = []
        for _ in range(2):
            asked = ChargeRequest(
                charge_id=charge_id(),
                account_id=ACCOUNT,
                token_id=token,
                amount=money(),
                capture=Taking.MANUAL,
            )
            held.append(await till.cashier.charge(asked))
        assert [each.state for each in held] == [ChargeState.AUTHORISED] * 2
        till.clock.advance(60)
        for kind, charge, minor in (
            (OperationKind.REFUND, paid, 500),
            (OperationKind.CAPTURE, held[0], 1000),
            (OperationKind.VOID, held[1], None),
        ):
            done = await till.cashier.operate(operation(kind, charge.charge_id, minor))
            assert done.state is OperationState.SUCCEEDED
        till.clock.advance(60)
        agreed = await reconciled(scene)
        assert (agreed.state, agreed.compared, agreed.differing) == (ReconciliationState.DONE, 6, 0)
        card = CardInHand(CardNumber(bytearray(b"4242424242424242")), Expiry(12, 2030), None)
        past_us = Authorisation(ACCOUNT, make_id(ATTEMPT, 1, SYSTEM_ENTROPY), Money(777, "GBP"), card)
        stranger = GATEWAYS[gateway][0](scene.double.url, till.clock)
        await stranger.authorise(past_us)
        await stranger.close()
        till.clock.advance(1)
        differs = await reconciled(scene)
        assert (differs.state, differs.compared, differs.differing) == (ReconciliationState.DONE, 7, 1)
        (told,) = await till.cashier.reconciler.differences(ACCOUNT, differs.reconciliation_id, 0)
        assert (told.kind, told.amount_there) == (DifferenceKind.MISSING_HERE, 777)

    play_scene(gateway, tmp_path, story)
