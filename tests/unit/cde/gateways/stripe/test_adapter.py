"""Stripe through its SDK: which silence is a failure, what a repeated key says, challenges, and calling off."""

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.till import ACCOUNT
from tests.unit.cde.gateways.stripe.counter import Counter, play

from tonevault.cde.gateway import Channel, Code, Initiator, Kind, Made, Terms, Verdict
from tonevault.kernel.money import Money
from tonevault.testing.gateways import Behaviour, Fault, Step
from tonevault.testing.gateways.stripe import form

CHALLENGED = b"4000002500003155"
WEB = Terms(channel=Channel.WEB)
BACK = "https://shop.example/back"


@pytest.mark.parametrize(
    ("behaviour", "verdict", "code"),
    [
        (Behaviour(fault=Fault.RATE_LIMITED), Verdict.FAILED, Code.TRY_AGAIN_LATER),
        (Behaviour(fault=Fault.CREDENTIALS), Verdict.FAILED, Code.GATEWAY_MISCONFIGURED),
        (Behaviour(fault=Fault.REFUSED), Verdict.FAILED, Code.PROCESSING_ERROR),
        (Behaviour(fault=Fault.BROKEN), Verdict.UNKNOWN, None),
        (Behaviour(fault=Fault.UNAVAILABLE), Verdict.UNKNOWN, None),
        (Behaviour(fault=Fault.GARBLED), Verdict.UNKNOWN, None),
        (Behaviour(arrives=False), Verdict.UNKNOWN, None),
    ],
)
def test_what_an_unanswered_confirmation_means(
    tmp_path: Path, behaviour: Behaviour, verdict: Verdict, code: Code | None
) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, behaviour)
        request = counter.request()
        answer = await counter.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (verdict, code)
        assert answer.gateway_reference
        assert await counter.gateway.look_up(counter.made(request)) is None
        assert counter.moved(request) == 0

    play(tmp_path, story)


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(fault=Fault.BROKEN, done=True),
        Behaviour(answers=False),
        Behaviour(fault=Fault.GARBLED, done=True),
    ],
)
def test_what_was_done_without_an_answer_is_found(tmp_path: Path, behaviour: Behaviour) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, behaviour)
        request = counter.request()
        assert (await counter.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        found = await counter.another().look_up(counter.made(request))
        assert found is not None
        assert found.verdict is Verdict.APPROVED
        assert counter.moved(request) == 1

    play(tmp_path, story)


def test_a_stored_500_is_repeated_and_moves_no_more(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, Behaviour(fault=Fault.BROKEN, done=True))
        request = counter.request()
        for _ in range(2):
            assert (await counter.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        assert counter.moved(request) == 1

    play(tmp_path, story)


@pytest.mark.parametrize(
    "behaviour", [Behaviour(arrives=False), Behaviour(fault=Fault.BROKEN), Behaviour(fault=Fault.GARBLED)]
)
def test_silence_before_the_confirmation_is_a_certain_failure(tmp_path: Path, behaviour: Behaviour) -> None:
    async def story(counter: Counter) -> None:
        counter.double.always(Step.PREPARE, behaviour)
        request = counter.request()
        answer = await counter.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.TRY_AGAIN_LATER)
        assert not any(path == "confirm" for path, _ in counter.wire.forms)

    play(tmp_path, story)


def test_a_line_that_breaks_before_the_confirmation_is_tried_once_more(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.PREPARE, Behaviour(answers=False), Behaviour(arrives=False))
        request = counter.request()
        assert (await counter.gateway.authorise(request)).verdict is Verdict.APPROVED
        assert counter.moved(request) == 1
        opened = [each for each in counter.double.seen if each.path.endswith("/payment_intents")]
        assert len({each.reference for each in opened}) == 1

    play(tmp_path, story)


def test_a_refused_connection_is_a_certain_failure(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            nobody = counter.another(url=f"http://127.0.0.1:{taken.getsockname()[1]}")
            answer = await nobody.authorise(counter.request())
        assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.TRY_AGAIN_LATER)

    play(tmp_path, story)


def test_a_key_that_is_at_work_is_waited_for(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        conflict = Behaviour(fault=Fault.CONFLICT)
        counter.double.script(Step.AUTHORISE, conflict, conflict)
        request = counter.request()
        assert (await counter.gateway.authorise(request)).verdict is Verdict.APPROVED
        assert counter.moved(request) == 1

    play(tmp_path, story)


def test_another_merchants_key_finds_nothing(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        request = counter.request()
        assert (await counter.gateway.authorise(request)).verdict is Verdict.APPROVED
        assert await counter.another(key="sk_test_stranger").look_up(counter.made(request)) is None

    play(tmp_path, story)


def test_when_the_key_is_forgotten_the_lists_tell(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        request = counter.request()
        made = [counter.made(each) for each in (request, counter.request())]
        await counter.gateway.authorise(request)
        counter.clock.advance(2 * 86_400)
        found = await counter.gateway.look_up(made[0])
        assert found is not None
        assert found.verdict is Verdict.APPROVED
        assert await counter.gateway.look_up(made[1]) is None
        assert not any(each.path == "/v1/payment_intents/search" for each in counter.double.seen)

    play(tmp_path, story)


def test_an_attempt_that_was_opened_with_other_words_is_found_in_the_lists(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        request = counter.request()
        await counter.gateway.authorise(request)
        differs = replace(counter.made(request), terms=Terms(description="as an older version said it"))
        found = await counter.gateway.look_up(differs)
        assert found is not None
        assert found.verdict is Verdict.APPROVED

    play(tmp_path, story)


@pytest.mark.parametrize(("outcome", "verdict"), [("passed", Verdict.APPROVED), ("failed", Verdict.DECLINED)])
def test_on_the_web_a_challenge_leads_to_the_issuer(tmp_path: Path, outcome: str, verdict: Verdict) -> None:
    async def story(counter: Counter) -> None:
        request = counter.request(CHALLENGED, terms=WEB, return_url=BACK)
        answer = await counter.gateway.authorise(request)
        assert answer.verdict is Verdict.CHALLENGED
        assert answer.challenge_url is not None
        waiting = await counter.gateway.look_up(counter.made(request))
        assert waiting is not None
        assert waiting.challenge_url == answer.challenge_url
        assert counter.moved(request) == 0
        async with httpx.AsyncClient() as browser:
            assert "passed" in (await browser.get(answer.challenge_url)).text
            back = await browser.get(f"{answer.challenge_url}?outcome={outcome}")
        assert (back.status_code, back.headers["location"]) == (303, BACK)
        found = await counter.gateway.look_up(counter.made(request))
        assert found is not None
        assert (found.verdict, found.code) == (
            verdict,
            None if verdict is Verdict.APPROVED else Code.AUTHENTICATION_REQUIRED,
        )
        assert counter.moved(request) == (verdict is Verdict.APPROVED)

    play(tmp_path, story)


@pytest.mark.parametrize("terms", [WEB, Terms(initiator=Initiator.UNSCHEDULED)])
def test_where_nobody_can_answer_a_challenge_it_is_a_decline(tmp_path: Path, terms: Terms) -> None:
    async def story(counter: Counter) -> None:
        request = counter.request(CHALLENGED, terms=terms)
        answer = await counter.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.AUTHENTICATION_REQUIRED)
        assert (await counter.gateway.authorise(counter.request(CHALLENGED))).verdict is Verdict.APPROVED

    play(tmp_path, story)


def test_a_challenge_that_is_called_off_cannot_be_answered_any_more(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        request = counter.request(CHALLENGED, terms=WEB, return_url=BACK)
        challenge = (await counter.gateway.authorise(request)).challenge_url
        assert challenge is not None
        called_off = await counter.gateway.cancel(counter.made(request))
        assert (called_off.verdict, called_off.code) == (Verdict.FAILED, Code.CANCELED)
        async with httpx.AsyncClient() as browser:
            assert (await browser.get(f"{challenge}?outcome=passed")).status_code == 400
        assert counter.moved(request) == 0

    play(tmp_path, story)


def test_a_confirmation_that_arrives_after_the_calling_off_does_nothing(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        counter.wire.gate.clear()
        request = counter.request()
        paying = asyncio.create_task(counter.gateway.authorise(request))
        assert await asyncio.to_thread(counter.wire.reached.wait, 60)
        assert (await counter.another().cancel(counter.made(request))).code is Code.CANCELED
        counter.wire.gate.set()
        late = await paying
        assert (late.verdict, late.code) == (Verdict.FAILED, Code.CANCELED)
        assert counter.moved(request) == 0

    play(tmp_path, story, timeout_s=60.0)


def test_a_slow_answer_is_silence_once_the_patience_is_over(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, Behaviour(delay_s=4.0))
        request = counter.request()
        answer = await counter.gateway.authorise(request)
        assert answer.verdict is Verdict.UNKNOWN
        assert counter.moved(request) == 1

    play(tmp_path, story, timeout_s=2.0)


def test_the_telephone_is_marked_and_so_is_who_starts_a_payment(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        for terms in (
            Terms(description="Order 7", keeps_card=True),
            WEB,
            Terms(initiator=Initiator.RECURRING),
            Terms(initiator=Initiator.UNSCHEDULED),
        ):
            await counter.gateway.authorise(counter.request(terms=terms))
        telephone, web, recurring, unscheduled = (
            each for path, each in counter.wire.forms if path == "confirm"
        )
        assert form.text(telephone, "payment_method_options", "card", "moto") == "true"
        assert form.text(telephone, "error_on_requires_action") == "true"
        assert form.text(web, "payment_method_options", "card", "moto") is None
        for payment, usage in ((recurring, "recurring"), (unscheduled, "unscheduled")):
            assert form.text(payment, "off_session") == "true"
            assert form.text(payment, "payment_method_options", "card", "stored_credential_usage") == usage
        opening = next(each for path, each in counter.wire.forms if path == "payment_intents")
        assert form.text(opening, "description") == "Order 7"
        assert form.text(opening, "setup_future_usage") == "off_session"
        assert form.values(opening, "allowed_payment_method_types") == ["card"]

    play(tmp_path, story)


def test_a_card_is_kept_by_the_customers_payment_alone(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        for initiator in Initiator:
            request = counter.request(terms=Terms(initiator=initiator, keeps_card=True))
            assert (await counter.gateway.authorise(request)).verdict is Verdict.APPROVED
        kept = [
            form.text(each, "setup_future_usage")
            for path, each in counter.wire.forms
            if path == "payment_intents"
        ]
        assert kept == ["off_session", None, None]

    play(tmp_path, story)


def test_amounts_are_as_stripe_counts_them_or_refused(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        await counter.gateway.authorise(counter.request(money=Money(500, "ISK")))
        await counter.gateway.authorise(counter.request(money=Money(500, "JPY")))
        amounts = [
            form.text(each, "amount") for path, each in counter.wire.forms if path == "payment_intents"
        ]
        assert amounts == ["50000", "500"]
        refused = await counter.gateway.authorise(counter.request(money=Money(1001, "KWD")))
        assert (refused.verdict, refused.code) == (Verdict.FAILED, Code.AMOUNT_NOT_SUPPORTED)

    play(tmp_path, story)


def test_its_list_has_captures_and_voids_too(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        held = Terms(take_now=False)
        since = counter.clock.utc()
        kinds: list[tuple[Kind, str | None]] = []
        for kind in (Kind.CAPTURE, Kind.VOID):
            request = counter.request(terms=held)
            answer = await counter.gateway.authorise(request)
            of = replace(counter.made(request), gateway_reference=answer.gateway_reference)
            made = Made(of.account_id, f"{request.reference}x", kind, of.money, counter.clock.utc(), of=of)
            assert (await counter.gateway.follow_up(made)).verdict is Verdict.APPROVED
            kinds += [
                (Kind.PAYMENT, request.reference),
                (kind, made.reference if kind is Kind.CAPTURE else None),
            ]
        counter.clock.advance(1)
        listed = [each async for each in counter.gateway.listed(ACCOUNT, since, counter.clock.utc())]
        assert sorted((each.kind, each.reference or "") for each in listed) == sorted(
            (kind, reference or "") for kind, reference in kinds
        )

    play(tmp_path, story)
