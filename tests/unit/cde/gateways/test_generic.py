"""What is the generic connector's own: what it sends, how it repeats, and what an endpoint's answers mean."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import (
    Authorisation,
    BillingDetails,
    CardInHand,
    Code,
    GatewayAnswer,
    GatewayUnreachableError,
    Kind,
    Made,
    Verdict,
    WebhookRefusedError,
)
from tonevault.cde.gateways.generic import TRIES, ConnectorAccess, GenericConnector
from tonevault.kernel.money import Money
from tonevault.testing.gateways import GatewayDouble
from tonevault.testing.gateways.turn import NoAnswerError, Reply, Turn


class Endpoint:
    """Answers what the test says, one answer a request; None is silence."""

    name = "endpoint"

    def __init__(self, *answers: Reply | None) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, object]] = []

    def answer(self, turn: Turn) -> Reply:
        self.asked.append(json.loads(turn.request.body))
        answer = self.answers.pop(0)
        if answer is None:
            raise NoAnswerError
        return answer


def told(status: int = 200, **document: object) -> Reply:
    return Reply(status, json.dumps(document).encode())


def request(currency: str = "GBP", minor: int = 1250, postal_code: str | None = None) -> Authorisation:
    card = CardInHand(number(), EXPIRY, code(), BillingDetails(postal_code))
    return Authorisation(ACCOUNT, "ref", Money(minor, currency), card)


@pytest.fixture
def charge(tmp_path: Path) -> Callable[[Endpoint, Authorisation], GatewayAnswer]:
    def run(endpoint: Endpoint, asked: Authorisation) -> GatewayAnswer:
        clock = SimulatedClock()

        async def whole(url: str) -> GatewayAnswer:
            access = ConnectorAccess(f"{url}/pay?shop=one", "user", "secret", {"till": "one"})
            gateway = GenericConnector(ACCOUNT, access, clock, timeout_s=5.0, sleep=clock.sleep)
            try:
                return await gateway.authorise(asked)
            finally:
                await gateway.close()

        with GatewayDouble(endpoint, tmp_path / "double.db") as double:
            return asyncio.run(whole(double.url))

    return run


Charge = Callable[[Endpoint, Authorisation], GatewayAnswer]


def test_what_is_sent_is_the_contracts_document(charge: Charge) -> None:
    endpoint = Endpoint(told(charge_id="c"))
    assert charge(endpoint, request(postal_code="12345")).verdict is Verdict.APPROVED
    assert endpoint.asked == [
        {
            "method": "charge",
            "transaction_id": "ref",
            "cardnumber": "4242424242424242",
            "cvv": "123",
            "expiry_month": "12",
            "expiry_year": "30",
            "postal_code": "12345",
            "amount": "12.50",
            "currency_code": "GBP",
            "description": "",
            "parameters": {"till": "one"},
        }
    ]


@pytest.mark.parametrize(("currency", "amount"), [("GBP", "0.05"), ("JPY", "5"), ("KWD", "0.005")])
def test_amounts_have_the_decimals_of_their_currency(charge: Charge, currency: str, amount: str) -> None:
    endpoint = Endpoint(told(charge_id="c"))
    charge(endpoint, request(currency, 5))
    assert endpoint.asked[0]["amount"] == amount


def test_silence_is_met_by_the_same_transaction(charge: Charge) -> None:
    endpoint = Endpoint(None, told(500), told(charge_id="c"))
    assert charge(endpoint, request()).verdict is Verdict.APPROVED
    assert endpoint.asked[0] == endpoint.asked[1] == endpoint.asked[2]


def test_lasting_silence_is_unknown(charge: Charge) -> None:
    endpoint = Endpoint(*[None] * TRIES)
    assert charge(endpoint, request()) == GatewayAnswer(Verdict.UNKNOWN)
    assert not endpoint.answers


@pytest.mark.parametrize(
    ("answer", "verdict", "meant"),
    [
        (told(error_code="insufficient_funds"), Verdict.DECLINED, Code.INSUFFICIENT_FUNDS),
        (told(error_code="E-77", charge_id="c"), Verdict.DECLINED, Code.DO_NOT_HONOUR),
        (told(error_code="reference_reused"), Verdict.FAILED, Code.REFERENCE_REUSED),
        (told(400), Verdict.FAILED, Code.PROCESSING_ERROR),
        (told(401), Verdict.FAILED, Code.GATEWAY_MISCONFIGURED),
        (told(404), Verdict.FAILED, Code.GATEWAY_MISCONFIGURED),
        (told(), Verdict.UNKNOWN, None),
        (told(charge_id=7), Verdict.UNKNOWN, None),
        (Reply(200, b"<html>"), Verdict.UNKNOWN, None),
    ],
)
def test_answers(charge: Charge, answer: Reply, verdict: Verdict, meant: Code | None) -> None:
    found = charge(Endpoint(answer), request())
    assert (found.verdict, found.code) == (verdict, meant)


def test_an_endpoint_without_extras_settles_nothing_and_lists_nothing() -> None:
    clock = SimulatedClock()
    gateway = GenericConnector(ACCOUNT, ConnectorAccess("http://127.0.0.1:1", "u", "p"), clock)
    made = Made(ACCOUNT, "ref", Kind.PAYMENT, Money(1, "GBP"), clock.utc())
    clock.advance(gateway.traits.key_ttl_s)
    for answer in (asyncio.run(gateway.look_up(made)), asyncio.run(gateway.cancel(made))):
        assert answer == GatewayAnswer(Verdict.UNKNOWN)
    refund = Made(ACCOUNT, "two", Kind.REFUND, Money(1, "GBP"), clock.utc(), of=made)
    assert asyncio.run(gateway.follow_up(refund)).code is Code.FEATURE_NOT_SUPPORTED
    with pytest.raises(GatewayUnreachableError):
        gateway.listed(ACCOUNT, clock.utc(), clock.utc())
    with pytest.raises(WebhookRefusedError, match="no webhooks"):
        gateway.heard({}, b"", clock.utc())
    asyncio.run(gateway.close())
