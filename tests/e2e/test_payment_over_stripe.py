"""A card keyed on a real phone is charged through Stripe's SDK: the money moves once at the double, and no file there holds the card."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.house import House, Json
from tests.e2e.house_calls import CARD, CallStage
from tests.e2e.house_plan import ACCOUNT
from tonevault.testing.gateways import Behaviour, GatewayDouble, Step
from tonevault.testing.gateways.stripe import StripeWire

SETTLES_WITHIN_S = 60.0
KEY = "sk_test_by_phone"


@pytest.fixture(scope="module")
def stripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayDouble]:
    """Stripe's double, which the house of this module is told of by variables alone, as a container is."""
    with (
        GatewayDouble(StripeWire(), tmp_path_factory.mktemp("stripe") / "double.db") as double,
        pytest.MonkeyPatch.context() as environment,
    ):
        table = f'{{ secret_key = "env:STRIPE_KEY", url = "{double.url}" }}'
        environment.setenv("STRIPE_KEY", KEY)
        environment.setenv(
            "TONEVAULT_ACCOUNTS",
            f'[{{ id = "{ACCOUNT}", name = "Acme Ltd", gateway = "stripe", stripe = {table} }}]',
        )
        yield double


@pytest.fixture(scope="module")
def module_stage(stripe: GatewayDouble, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CallStage]:
    stage = CallStage(tmp_path_factory.mktemp("stage"))
    try:
        yield stage
    finally:
        stage.close()


def succeeded(house: House, charge_id: str) -> Json | None:
    charge = house.get(f"/v1/charges/{charge_id}")
    return charge if charge["state"] == "succeeded" else None


def test_keyed_charged_and_found_again_when_the_answer_is_lost(
    stage: CallStage, stripe: GatewayDouble, tmp_path_factory: pytest.TempPathFactory
) -> None:
    call, house = stage.call(), stage.house
    for amount, answers in ((1250, True), (900, False)):
        stripe.script(Step.AUTHORISE, Behaviour(answers=answers))
        house.start_session(call.id, amount)
        call.capture_card(call.key_by_events)
        session = house.complete()
        charge_id = session["charge"]["id"]
        if not answers:
            assert house.get(f"/v1/charges/{charge_id}")["state"] in ("unknown", "succeeded")
        charge = house.wait("charge that is settled", partial(succeeded, house, charge_id), SETTLES_WITHIN_S)
        assert charge["amount"] == amount
    movements = stripe.ledger.movements()
    assert [each.amount_minor for each in movements] == [1250, 900]
    assert stripe.ledger.moved_twice() == []
    assert all(each.merchant == KEY for each in movements)
    held = b"".join(each.read_bytes() for each in Path(tmp_path_factory.getbasetemp()).rglob("double.db*"))
    assert CARD["card_number"][:7].encode() not in held
    call.hang_up()
