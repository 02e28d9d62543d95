"""What is Worldpay's own: payments in two steps for a postal code, next actions by link, lists by page, refusal codes."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.till import ACCOUNT, EXPIRY, SimulatedClock, code, number

from tonevault.cde.gateway import (
    Authorisation,
    BillingDetails,
    CardInHand,
    Channel,
    Check,
    Code,
    GatewayAnswer,
    GatewayUnreachableError,
    Kind,
    Made,
    Terms,
    Verdict,
)
from tonevault.cde.gateways.worldpay import WorldpayAccess, WorldpayGateway
from tonevault.kernel.ids import ATTEMPT, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.testing.gateways import Behaviour, Fault, GatewayDouble, Step
from tonevault.testing.gateways.worldpay import WorldpayWire

PLAIN = b"4242424242424242"
CHALLENGED = b"4000002500003155"
WRONG_POSTAL_CODE = b"4000000000000036"
WRONG_ADDRESS = b"4000000000000028"


@dataclass
class Till:
    double: GatewayDouble
    gateway: WorldpayGateway
    clock: SimulatedClock

    def request(self, digits: bytes = PLAIN, terms: Terms | None = None, **billing: str) -> Authorisation:
        card = CardInHand(number(digits), EXPIRY, code(), BillingDetails(**billing))
        reference = make_id(ATTEMPT, 0, SYSTEM_ENTROPY)
        return Authorisation(ACCOUNT, reference, Money(1250, "GBP"), card, terms or Terms())

    def made(self, request: Authorisation) -> Made:
        return Made(
            ACCOUNT, request.reference, Kind.PAYMENT, request.money, self.clock.utc(), terms=request.terms
        )

    def movements(self, request: Authorisation) -> list[tuple[Kind, int]]:
        return [(each.kind, each.amount_minor) for each in self.double.ledger.movements(request.reference)]

    def steps(self) -> list[Step]:
        return [each.step for each in self.double.seen]


Story = Callable[[Till], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        clock = SimulatedClock()

        async def whole(double: GatewayDouble) -> None:
            access = WorldpayAccess("merchant", "secret", "default", "Acme", url=double.url)
            gateway = WorldpayGateway(ACCOUNT, access, clock, timeout_s=5.0)
            try:
                await story(Till(double, gateway, clock))
            finally:
                await gateway.close()

        def now() -> float:
            return clock.utc().timestamp()

        with GatewayDouble(WorldpayWire(), tmp_path / "double.db", now=now, pace=0.0) as double:
            asyncio.run(whole(double))

    return run


def test_a_postal_code_alone_is_checked_before_the_money_is_taken(play: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        good = till.request(WRONG_POSTAL_CODE, postal_code="10001")
        answer = await till.gateway.authorise(good)
        assert (answer.verdict, answer.taken, answer.postal_code_check) == (
            Verdict.APPROVED,
            True,
            Check.PASSED,
        )
        assert answer.address_check is Check.NOT_GIVEN
        assert till.movements(good) == [(Kind.CAPTURE, 1250)]
        bad = till.request(WRONG_POSTAL_CODE, postal_code="99999")
        answer = await till.gateway.authorise(bad)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.POSTAL_CODE_MISMATCH)
        assert till.movements(bad) == []
        assert till.steps() == [Step.AUTHORISE, Step.CAPTURE, Step.AUTHORISE, Step.VOID]

    play(story)


def test_a_whole_address_takes_one_step_and_worldpay_cancels_a_mismatch(
    play: Callable[[Story], None],
) -> None:
    async def story(till: Till) -> None:
        request = till.request(WRONG_ADDRESS, postal_code="10001", address_line="2 Wrong Road")
        answer = await till.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.ADDRESS_MISMATCH)
        assert (till.movements(request), till.steps()) == ([], [Step.AUTHORISE])

    play(story)


@pytest.mark.parametrize(
    ("lost", "verdict", "moved"),
    [(Behaviour(arrives=False), Verdict.FAILED, 0), (Behaviour(answers=False), Verdict.APPROVED, 1)],
    ids=["request", "answer"],
)
def test_a_payment_left_between_its_steps_is_let_go_unless_it_was_taken(
    play: Callable[[Story], None], lost: Behaviour, verdict: Verdict, moved: int
) -> None:
    async def story(till: Till) -> None:
        request = till.request(postal_code="10001")
        till.double.script(Step.CAPTURE, lost)
        assert (await till.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        found = await till.gateway.look_up(till.made(request))
        assert found is not None
        assert found.verdict is verdict
        assert len(till.movements(request)) == moved
        # What was decided stays so, whatever is asked again.
        again = await till.gateway.cancel(till.made(request))
        assert again.verdict is (Verdict.APPROVED if moved else Verdict.DECLINED)

    play(story)


@pytest.mark.parametrize(
    "lost", [Behaviour(arrives=False), Behaviour(answers=False)], ids=["request", "answer"]
)
@pytest.mark.parametrize("take_now", [True, False])
def test_what_does_not_match_is_let_go_by_look_ups_until_it_is(
    play: Callable[[Story], None], lost: Behaviour, take_now: bool
) -> None:
    async def story(till: Till) -> None:
        request = till.request(WRONG_POSTAL_CODE, postal_code="99999", terms=Terms(take_now=take_now))
        till.double.script(Step.VOID, lost)
        answer = await till.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.UNKNOWN, Code.POSTAL_CODE_MISMATCH)
        assert answer.postal_code_check is Check.FAILED
        made = replace(till.made(request), unwanted=answer.code)
        till.double.script(Step.VOID, Behaviour(fault=Fault.BROKEN))
        asked = [await till.gateway.look_up(made) for _ in range(3)]
        told = [(each.verdict, each.code) for each in asked if each is not None]
        declined = (Verdict.DECLINED, Code.POSTAL_CODE_MISMATCH)
        assert told == ([declined] * 3 if lost.arrives else [(Verdict.UNKNOWN, None), declined, declined])
        (entry,) = till.double.ledger.by_reference("merchant", request.reference)
        assert entry.state == "canceled"
        assert till.movements(request) == []

    play(story)


def test_a_capture_soon_after_needs_no_query(play: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        request = till.request(terms=Terms(take_now=False))
        await till.gateway.authorise(request)
        payment = till.made(request)
        capture = replace(payment, reference="capture", kind=Kind.CAPTURE, of=payment)
        assert (await till.gateway.follow_up(capture)).verdict is Verdict.APPROVED
        assert till.steps() == [Step.AUTHORISE, Step.CAPTURE]

    play(story)


def test_a_refund_while_the_payment_cannot_be_seen_yet_is_put_off(play: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        payment = till.made(till.request())
        refund = replace(payment, reference="refund", kind=Kind.REFUND, of=payment)
        assert (await till.gateway.follow_up(refund)).verdict is Verdict.FAILED
        till.clock.advance(till.gateway.traits.visibility_lag_s)
        answer = await till.gateway.follow_up(refund)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.NOT_REFUNDABLE)

    play(story)


@pytest.mark.parametrize(
    ("fault", "verdict", "code"),
    [
        (Fault.RATE_LIMITED, Verdict.FAILED, Code.TRY_AGAIN_LATER),
        (Fault.CREDENTIALS, Verdict.FAILED, Code.GATEWAY_MISCONFIGURED),
        (Fault.REFUSED, Verdict.FAILED, Code.PROCESSING_ERROR),
        (Fault.BROKEN, Verdict.UNKNOWN, None),
        (Fault.UNAVAILABLE, Verdict.UNKNOWN, None),
        (Fault.GARBLED, Verdict.UNKNOWN, None),
    ],
)
def test_faults(play: Callable[[Story], None], fault: Fault, verdict: Verdict, code: Code | None) -> None:
    async def story(till: Till) -> None:
        till.double.script(Step.AUTHORISE, Behaviour(fault=fault))
        answer = await till.gateway.authorise(till.request())
        assert (answer.verdict, answer.code) == (verdict, code)

    play(story)


def test_nobody_there_is_a_failure_and_no_silence() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
        access = WorldpayAccess("merchant", "secret", "default", "Acme", url=url)
        gateway = WorldpayGateway(ACCOUNT, access, SimulatedClock(), timeout_s=5.0)
        request = Authorisation(
            ACCOUNT, "reference", Money(1, "GBP"), CardInHand(number(PLAIN), EXPIRY, code())
        )
        answer = await gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.PROCESSING_ERROR)
        made = Made(ACCOUNT, "reference", Kind.PAYMENT, request.money, SimulatedClock().utc())
        assert await gateway.look_up(made) == GatewayAnswer(Verdict.UNKNOWN)
        await gateway.close()

    asyncio.run(story())


def test_a_challenge_is_a_decline_for_want_of_authentication(play: Callable[[Story], None]) -> None:
    async def story(till: Till) -> None:
        answer = await till.gateway.authorise(till.request(CHALLENGED, terms=Terms(channel=Channel.WEB)))
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.AUTHENTICATION_REQUIRED)

    play(story)


def test_a_list_goes_over_its_pages_and_breaks_off_loudly(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tonevault.cde.gateways.worldpay.queries.PAGE", 2)

    async def story(till: Till) -> None:
        since = till.clock.utc()
        made = [till.request() for _ in range(5)]
        for request in made:
            await till.gateway.authorise(request)
        till.clock.advance(1)
        until = till.clock.utc()
        lines = [each async for each in till.gateway.listed(ACCOUNT, since, until)]
        assert [each.reference for each in lines] == [each.reference for each in made]
        till.double.script(Step.LIST, Behaviour(), Behaviour(fault=Fault.UNAVAILABLE))
        with pytest.raises(GatewayUnreachableError):
            _ = [each async for each in till.gateway.listed(ACCOUNT, since, until)]

    play(story)
