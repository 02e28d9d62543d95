"""The Stripe adapter against a Stripe that others wrote: payments, declines, holds, refunds, look-ups and signed webhooks."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.e2e.localstripe import Listener, bridged, localstripe
from tests.till import ACCOUNT, EXPIRY, code, number
from tonevault.cde.gateway import Authorisation, CardInHand, Code, GatewayAnswer, Kind, Made, Terms, Verdict
from tonevault.cde.gateways.stripe import StripeGateway
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.testing.gateways import GatewayDouble

CLOCK = WallClock()
SECRET = "whsec_by_others"
DECLINED = b"4000000000000341"
"""Of the decline cards, localstripe knows this one."""
WEBHOOK_WITHIN_S = 60.0

Story = Callable[[StripeGateway], Coroutine[None, None, None]]


@pytest.fixture(scope="module")
def stripe_of_others() -> Iterator[str]:
    with localstripe() as url:
        yield url


@pytest.fixture
def play(stripe_of_others: str, tmp_path: Path) -> Iterator[Callable[[Story], None]]:
    with bridged(stripe_of_others, tmp_path) as url:

        def run(story: Story) -> None:
            async def whole() -> None:
                gateway = StripeGateway("sk_test_others", CLOCK, webhook_secrets=(SECRET,), base_url=url)
                try:
                    await story(gateway)
                finally:
                    await gateway.close()

            asyncio.run(whole())

        yield run


def asked(digits: bytes = b"4242424242424242", terms: Terms | None = None) -> Authorisation:
    card = CardInHand(number(digits), EXPIRY, code())
    return Authorisation(
        ACCOUNT,
        make_id(ATTEMPT, 0, SYSTEM_ENTROPY),
        Money(1250, "GBP"),
        card,
        terms or Terms(description="Order"),
    )


def made(request: Authorisation, answer: GatewayAnswer) -> Made:
    return Made(
        ACCOUNT,
        request.reference,
        Kind.PAYMENT,
        request.money,
        CLOCK.utc(),
        answer.gateway_reference,
        request.terms,
    )


def following(kind: Kind, of: Made, minor: int) -> Made:
    reference = make_id(ATTEMPT, 0, SYSTEM_ENTROPY)
    return replace(
        of, reference=reference, kind=kind, money=Money(minor, "GBP"), gateway_reference=None, of=of
    )


def test_a_payment_is_made_found_and_given_back(play: Callable[[Story], None]) -> None:
    async def story(gateway: StripeGateway) -> None:
        request = asked()
        answer = await gateway.authorise(request)
        assert (answer.verdict, answer.taken) == (Verdict.APPROVED, True)
        payment = made(request, answer)
        found = await gateway.look_up(payment)
        assert found is not None
        assert (found.verdict, found.gateway_reference) == (Verdict.APPROVED, answer.gateway_reference)
        refund = following(Kind.REFUND, payment, 500)
        assert (await gateway.follow_up(refund)).verdict is Verdict.APPROVED
        given = await gateway.look_up(refund)
        assert given is not None
        assert given.verdict is Verdict.APPROVED
        assert await gateway.look_up(following(Kind.REFUND, payment, 500)) is None

    play(story)


def test_a_decline_is_a_decline(play: Callable[[Story], None]) -> None:
    async def story(gateway: StripeGateway) -> None:
        request = asked(DECLINED)
        answer = await gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.DO_NOT_HONOUR)
        assert answer.gateway_reference
        found = await gateway.look_up(made(request, answer))
        assert found is not None
        assert found.verdict is Verdict.DECLINED

    play(story)


def test_a_hold_is_taken_in_part_or_let_go(play: Callable[[Story], None]) -> None:
    async def story(gateway: StripeGateway) -> None:
        for kind in (Kind.CAPTURE, Kind.VOID):
            request = asked(terms=Terms(take_now=False))
            answer = await gateway.authorise(request)
            assert (answer.verdict, answer.taken) == (Verdict.APPROVED, False)
            next_one = following(kind, made(request, answer), 1000)
            assert (await gateway.follow_up(next_one)).verdict is Verdict.APPROVED
            found = await gateway.look_up(next_one)
            assert found is not None
            assert found.verdict is Verdict.APPROVED
            late = await gateway.follow_up(following(Kind.VOID, made(request, answer), 1250))
            assert (late.verdict, late.code) == (Verdict.DECLINED, Code.NOT_VOIDABLE)

    play(story)


def test_its_signed_webhooks_are_heard(
    play: Callable[[Story], None], stripe_of_others: str, tmp_path: Path
) -> None:
    listener = Listener()
    request = asked()

    async def story(gateway: StripeGateway) -> None:
        assert (await gateway.authorise(request)).verdict is Verdict.APPROVED
        until = time.monotonic() + WEBHOOK_WITHIN_S
        references: set[str | None] = set()
        while request.reference not in references:
            assert time.monotonic() < until, "no webhook told of the payment"
            await asyncio.sleep(0.05)
            references = {
                hint.reference
                for headers, body in listener.heard
                for hint in gateway.heard(headers, body, CLOCK.utc())
            }

    with GatewayDouble(listener, tmp_path / "listener.db") as receiver:
        httpx.post(
            f"{stripe_of_others}/_config/webhooks/one", data={"url": f"{receiver.url}/hook", "secret": SECRET}
        ).raise_for_status()
        play(story)
