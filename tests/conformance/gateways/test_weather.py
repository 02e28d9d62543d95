"""Payments in bad weather on every gateway with a double: requests and answers are lost or late, and the books agree in the end."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conformance.gateways.braintree_rig import MERCHANT
from tests.conformance.gateways.stripe_rig import SECRET_KEY
from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import Authorisation, CardInHand, Gateway, GatewayAnswer, Kind, Made, Verdict
from tonevault.cde.gateways.braintree import BraintreeAccess, BraintreeGateway
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.testing.gateways import WIRES, GatewayDouble, Weather

PAYMENTS = 60
STORM = Weather(seed=11, lost_requests=0.1, lost_answers=0.15, late_answers=0.1, late_s=0.3, declines=0.1)
Make = Callable[[str, SimulatedClock], Gateway]


def stripe(url: str, clock: SimulatedClock) -> Gateway:
    return StripeGateway(SECRET_KEY, clock, base_url=url)


def braintree(url: str, clock: SimulatedClock) -> Gateway:
    access = BraintreeAccess(MERCHANT, "public", "private", {"GBP": "test-gbp"}, url)
    return BraintreeGateway(ACCOUNT, access, clock)


async def settle(gateway: Gateway, clock: SimulatedClock, request: Authorisation) -> GatewayAnswer:
    """Send once; then look until something is known, and believe an absence once the lag is over."""
    answer = await gateway.authorise(request)
    made = Made(ACCOUNT, request.reference, Kind.PAYMENT, request.money, clock.utc())
    while answer.verdict is Verdict.UNKNOWN:
        answer = await gateway.look_up(made) or GatewayAnswer(Verdict.FAILED)
    return answer


@pytest.mark.parametrize(("wire", "make"), [("stripe", stripe), ("braintree", braintree)])
def test_nobody_is_charged_twice_and_nothing_that_was_charged_is_lost(
    tmp_path: Path, wire: str, make: Make
) -> None:
    async def whole(double: GatewayDouble) -> None:
        clock, entropy = SimulatedClock(), random.Random(11).randrange
        gateway = make(double.url, clock)
        requests = [
            Authorisation(
                ACCOUNT,
                make_id(ATTEMPT, place, entropy),
                Money(1000 + place, "GBP"),
                CardInHand(number(), EXPIRY, code()),
            )
            for place in range(PAYMENTS)
        ]
        answers = await asyncio.gather(*(settle(gateway, clock, each) for each in requests))
        await gateway.close()
        verdicts = {each.verdict for each in answers}
        assert verdicts == {Verdict.APPROVED, Verdict.DECLINED, Verdict.FAILED}
        for request, answer in zip(requests, answers, strict=True):
            moved = len(double.ledger.movements(request.reference))
            assert moved == (answer.verdict is Verdict.APPROVED)
        assert double.ledger.moved_twice() == []

    with GatewayDouble(WIRES[wire](), tmp_path / "double.db", weather=STORM) as double:
        asyncio.run(whole(double))
