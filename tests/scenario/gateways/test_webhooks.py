"""Webhooks through the whole engine, in simulated time: they hasten a look, whatever their order, and are never believed for money."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.scenario.gateways.scene import TELLING, Scene, Story, play_scene
from tests.till import ACCOUNT, charge_id, operation, request

from tonevault.boundary.charges import ChargeState
from tonevault.boundary.operations import OperationKind
from tonevault.cde.charging.hints import NoSuchWebhookError
from tonevault.cde.gateway import WebhookRefusedError
from tonevault.testing.gateways import Behaviour, Step
from tonevault.testing.gateways.ledger import Told


@pytest.fixture(params=TELLING)
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Story], None]:
    return partial(play_scene, request.param, tmp_path)


def test_a_webhook_hastens_the_look_at_what_fell_silent(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        token = await scene.till.token()
        scene.double.script(Step.AUTHORISE, Behaviour(answers=False))
        asked = request(token.token_id)
        assert (await scene.till.cashier.charge(asked)).state is ChargeState.UNKNOWN
        await scene.sweep()
        heard = [await scene.receive(each) for each in scene.webhooks()]
        assert sum(each.hastened for each in heard) >= 1
        await scene.sweep()
        result = await scene.till.cashier.charge_result(ACCOUNT, asked.charge_id)
        assert result.state is ChargeState.SUCCEEDED
        assert len(scene.double.ledger.movements()) == 1

    play(story)


def test_duplicates_and_any_order_change_nothing(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        chance = random.Random(5)
        token = await scene.till.token()
        answers, charges = chance.choices([True, False], k=8), []
        for place, answered in enumerate(answers):
            scene.double.script(Step.AUTHORISE, Behaviour(answers=answered))
            asked = request(token.token_id, 1000 + place)
            charges.append(asked.charge_id)
            await scene.till.cashier.charge(asked)
        paid = charges[answers.index(True)]
        await scene.till.cashier.operate(operation(OperationKind.REFUND, paid, 500))
        webhooks = scene.webhooks() * 3
        chance.shuffle(webhooks)
        heard = [await scene.receive(each) for each in webhooks]
        assert sum(each.fresh for each in heard) <= len(scene.webhooks())
        again = [await scene.receive(each) for each in webhooks]
        assert sum(each.fresh + each.hastened for each in again) == 0
        await scene.till.settle(120)
        states = {
            (await scene.till.cashier.charge_result(ACCOUNT, each)).state for each in charges if each != paid
        }
        assert states == {ChargeState.SUCCEEDED}
        result = await scene.till.cashier.charge_result(ACCOUNT, paid)
        assert result.state is ChargeState.PARTIALLY_REFUNDED
        assert scene.double.ledger.moved_twice() == []
        assert len(scene.double.ledger.movements()) == 9

    play(story)


def test_a_webhook_of_money_that_never_moved_moves_none(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        token = await scene.till.token()
        scene.double.script(Step.AUTHORISE, Behaviour(arrives=False))
        asked = request(token.token_id)
        assert (await scene.till.cashier.charge(asked)).state is ChargeState.UNKNOWN
        document = {
            "id": "pi_invented",
            "object": "payment_intent",
            "status": "succeeded",
            "type": "sale",
            "amount": 1250 if scene.double.wire.name == "stripe" else "12.50",
            "currency": "gbp",
            "currency_iso_code": "GBP",
            "metadata": {"tonevault_reference": await attempt_of(scene)},
            "order_id": await attempt_of(scene),
        }
        kind = "transaction_settled" if scene.double.wire.name == "braintree" else "payment_intent.succeeded"
        invented = Told("x", "evt_x", kind, scene.till.clock.utc().timestamp(), document)
        assert (await scene.receive(scene.written(invented))).hastened == 1
        await scene.till.settle(300)
        result = await scene.till.cashier.charge_result(ACCOUNT, asked.charge_id)
        assert result.state is ChargeState.FAILED
        assert scene.double.ledger.movements() == []

    play(story)


async def attempt_of(scene: Scene) -> str:
    """The reference of the one attempt."""
    return next(each.reference for each in reversed(scene.double.seen) if each.reference.startswith("att_"))


def test_replays_forgeries_and_strangers_are_refused(play: Callable[[Story], None]) -> None:
    async def story(scene: Scene) -> None:
        token = await scene.till.token()
        await scene.till.cashier.charge(request(token.token_id, under=charge_id()))
        headers, body = scene.webhooks()[0]
        with pytest.raises(WebhookRefusedError):
            await scene.receive((headers, body.replace(b"a", b"b")))
        with pytest.raises(NoSuchWebhookError):
            await scene.till.cashier.hints.receive(ACCOUNT, "worldpay", headers, body)
        scene.till.clock.advance(26 * 3600)
        with pytest.raises(WebhookRefusedError):
            await scene.receive((headers, body))

    play(story)
