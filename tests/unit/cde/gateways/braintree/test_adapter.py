"""Braintree through its SDK: what silence means, the duplicate check, refunds before the settlement, flags, lists, webhooks."""

import logging
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.till import ACCOUNT
from tests.unit.cde.gateways.braintree.till import MERCHANT, Till, play

from tonevault.cde.gateway import (
    BillingDetails,
    Channel,
    Check,
    Code,
    HintAbout,
    Initiator,
    Kind,
    Terms,
    Verdict,
    WebhookRefusedError,
)
from tonevault.kernel.money import Money
from tonevault.testing.gateways import Behaviour, Fault, Step
from tonevault.testing.gateways.braintree import webhook_form
from tonevault.testing.gateways.braintree.declines import _REJECTIONS, _RESPONSES
from tonevault.testing.gateways.braintree.markup import text
from tonevault.testing.gateways.ledger import Told

WRONG = BillingDetails("99999", "2 Wrong Road")
WITHOUT_A_CODE = {Code.TRY_AGAIN_LATER, Code.DUPLICATE_TRANSACTION}
"""The one is an issuer's bare no to Braintree; the duplicate check has a test of its own."""
FORM = {"content-type": "application/x-www-form-urlencoded"}


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
        (Behaviour(native="3000"), Verdict.DECLINED, Code.ISSUER_UNAVAILABLE),
    ],
)
def test_what_an_unanswered_sale_means(
    tmp_path: Path, behaviour: Behaviour, verdict: Verdict, code: Code | None
) -> None:
    async def story(till: Till) -> None:
        till.double.script(Step.AUTHORISE, behaviour)
        request = till.request()
        answer = await till.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (verdict, code)
        assert till.net() == 0
        sales = [each for each in till.double.seen if each.step is Step.AUTHORISE]
        assert len(sales) == 1

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
    async def story(till: Till) -> None:
        till.double.script(Step.AUTHORISE, behaviour)
        request = till.request()
        assert (await till.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        found = await till.gateway.look_up(till.made(request))
        assert found is not None
        assert found.verdict is Verdict.APPROVED
        assert till.net() == 1250

    play(tmp_path, story)


def test_a_refused_connection_is_a_certain_failure(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        answer = await till.gateway.authorise(till.request())
        assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.TRY_AGAIN_LATER)
        found = await till.gateway.look_up(till.made(till.request()))
        assert found is not None
        assert found.verdict is Verdict.UNKNOWN

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        play(tmp_path, story, url=f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_what_the_duplicate_check_refuses_was_made_before(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        request = till.request()
        first = await till.gateway.authorise(request)
        again = await till.gateway.authorise(request)
        assert (again.verdict, again.gateway_reference) == (Verdict.APPROVED, first.gateway_reference)
        assert till.net() == 1250
        found = await till.gateway.look_up(till.made(request))
        assert found is not None
        assert found.gateway_reference == first.gateway_reference
        till.clock.advance(31)
        assert (await till.gateway.authorise(request)).verdict is Verdict.APPROVED
        assert till.net() == 2500, (
            "after its window the check lets it through: a request must not be sent twice"
        )

    play(tmp_path, story)


@pytest.mark.parametrize("code", sorted({*_RESPONSES, *_REJECTIONS} - WITHOUT_A_CODE))
def test_each_decline_comes_back_as_the_code_it_was(tmp_path: Path, code: Code) -> None:
    failed = {
        Code.POSTAL_CODE_MISMATCH: Behaviour(decline=code, postal_code=Check.FAILED),
        Code.ADDRESS_MISMATCH: Behaviour(decline=code, address=Check.FAILED),
    }

    async def story(till: Till) -> None:
        till.double.script(Step.AUTHORISE, failed.get(code, Behaviour(decline=code)))
        request = till.request(billing=WRONG)
        answer = await till.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, code)
        assert await till.gateway.look_up(till.made(request)) == answer

    play(tmp_path, story)


def test_a_rule_on_address_and_code_tells_which_part(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        till.double.script(
            Step.AUTHORISE,
            Behaviour(native="avs_and_cvv", security_code=Check.FAILED),
            Behaviour(native="avs_and_cvv", postal_code=Check.FAILED, address=Check.FAILED),
            Behaviour(native="excessive_retry"),
        )
        answers = [await till.gateway.authorise(till.request(billing=WRONG)) for _ in range(3)]
        assert [each.code for each in answers] == [
            Code.INCORRECT_SECURITY_CODE,
            Code.POSTAL_CODE_MISMATCH,
            Code.ACQUIRER_REJECTED,
        ]
        assert answers[1].address_check is Check.FAILED
        assert answers[2].is_final

    play(tmp_path, story)


def test_before_the_settlement_the_whole_is_let_go_and_a_part_must_wait(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        request = till.request()
        made = till.made(request, await till.gateway.authorise(request))
        part = await till.gateway.follow_up(till.next(Kind.REFUND, made, 500))
        assert (part.verdict, part.code) == (Verdict.DECLINED, Code.TRY_AGAIN_LATER)
        whole = till.next(Kind.REFUND, made)
        till.double.script(Step.VOID, Behaviour(answers=False))
        assert (await till.gateway.follow_up(whole)).verdict is Verdict.UNKNOWN
        found = await till.gateway.look_up(whole)
        assert found is not None
        assert found.verdict is Verdict.APPROVED
        assert till.net() == 0
        other = till.request()
        settled = till.made(other, await till.gateway.authorise(other))
        till.clock.advance(3601)
        assert (
            await till.gateway.follow_up(till.next(Kind.REFUND, settled, 500))
        ).verdict is Verdict.APPROVED
        late = await till.gateway.follow_up(till.next(Kind.VOID, settled))
        assert (late.verdict, late.code) == (Verdict.DECLINED, Code.NOT_VOIDABLE)
        assert till.net() == 750

    play(tmp_path, story, settles_after_s=3600)


def test_what_was_taken_can_be_voided_before_the_settlement(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        request = till.request()
        made = till.made(request, await till.gateway.authorise(request))
        assert (await till.gateway.follow_up(till.next(Kind.VOID, made))).verdict is Verdict.APPROVED
        assert till.net() == 0

    play(tmp_path, story, settles_after_s=3600)


def test_the_telephone_is_marked_and_so_is_who_starts_a_payment(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        first = await till.gateway.authorise(till.request(terms=Terms(keeps_card=True)))
        for terms in (
            Terms(channel=Channel.WEB),
            Terms(initiator=Initiator.RECURRING, scheme_reference=first.scheme_reference),
            Terms(initiator=Initiator.UNSCHEDULED, scheme_reference=first.scheme_reference),
        ):
            await till.gateway.authorise(till.request(terms=terms))
        sales = [tree for path, tree in till.wire.trees if path == "transactions"]
        assert [text(each, "transaction_source") for each in sales] == [
            "moto",
            None,
            "recurring",
            "unscheduled",
        ]
        assert [text(each, "external_vault", "status") for each in sales] == [
            "will_vault",
            None,
            "vaulted",
            "vaulted",
        ]
        assert first.scheme_reference
        assert text(sales[2], "external_vault", "previous_network_transaction_id") == first.scheme_reference

    play(tmp_path, story)


def test_amounts_go_in_their_currencys_places_to_the_account_for_it(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        for money in (Money(5, "GBP"), Money(1250, "JPY")):
            assert (await till.gateway.authorise(till.request(money=money))).verdict is Verdict.APPROVED
        sales = [tree for path, tree in till.wire.trees if path == "transactions"]
        assert [text(each, "amount") for each in sales] == ["0.05", "1250"]
        assert [text(each, "merchant_account_id") for each in sales] == ["test-gbp", "test-jpy"]
        refused = await till.gateway.authorise(till.request(money=Money(1, "USD")))
        assert (refused.verdict, refused.code) == (Verdict.FAILED, Code.CURRENCY_NOT_SUPPORTED)

    play(tmp_path, story)


def test_its_list_has_captures_and_voids_too_whenever_the_payment_was(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        held = Terms(take_now=False)
        payments = []
        for _ in range(2):
            request = till.request(terms=held)
            payments.append(till.made(request, await till.gateway.authorise(request)))
        till.clock.advance(86_400)
        since = till.clock.utc()
        till.clock.advance(60)
        for kind, made in zip((Kind.CAPTURE, Kind.VOID), payments, strict=True):
            assert (await till.gateway.follow_up(till.next(kind, made))).verdict is Verdict.APPROVED
        till.clock.advance(60)
        listed = [each async for each in till.gateway.listed(ACCOUNT, since, till.clock.utc())]
        assert {(each.kind, each.gateway_reference) for each in listed} == {
            (kind, made.gateway_reference)
            for kind, made in zip((Kind.CAPTURE, Kind.VOID), payments, strict=True)
        }
        before = since - timedelta(days=2)
        earlier = [each async for each in till.gateway.listed(ACCOUNT, before, since)]
        assert {(each.kind, each.reference) for each in earlier} == {
            (Kind.PAYMENT, made.reference) for made in payments
        }

    play(tmp_path, story)


def test_what_was_settled_is_told_and_is_a_hint_to_look(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        request = till.request()
        answer = await till.gateway.authorise(request)
        (told,) = till.double.ledger.told(MERCHANT)
        body = webhook_form(told, "public", "private")
        (hint,) = till.gateway.heard(FORM, body, till.clock.utc())
        assert (hint.about, hint.reference) == (HintAbout.PAYMENT, request.reference)
        assert hint.gateway_reference == answer.gateway_reference
        assert till.gateway.heard(FORM, body, till.clock.utc() + timedelta(hours=24)) == (hint,)
        for late in (timedelta(hours=26), timedelta(minutes=-6)):
            with pytest.raises(WebhookRefusedError, match="25 hours"):
                till.gateway.heard(FORM, body, till.clock.utc() + late)

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"bt_signature=a&bt_payload=b"),
        (FORM, b""),
        (FORM, b"bt_signature=a"),
        (FORM, b"bt_signature=public%7Cab&bt_payload=YQ=="),
        (FORM, b"bt_signature=ab&bt_payload=%3C%3E"),
        (FORM, b"\xff"),
        (FORM, webhook_form(Told("x", "x", "transaction_settled", 0, {}), "public", "private-other")),
        (FORM, webhook_form(Told("x", "x", "transaction_settled", 0, {}), "other", "private")),
    ],
)
def test_forgeries_and_the_malformed_are_refused(
    tmp_path: Path, headers: dict[str, str], body: bytes
) -> None:
    async def story(till: Till) -> None:
        with pytest.raises(WebhookRefusedError) as refused:
            till.gateway.heard(headers, body, till.clock.utc())
        assert refused.value.reason

    play(tmp_path, story)


def test_no_log_ever_sees_a_digit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story(till: Till) -> None:
        assert (await till.gateway.authorise(till.request())).verdict is Verdict.APPROVED

    with caplog.at_level(logging.DEBUG):
        play(tmp_path, story)
    assert caplog.records
    assert "424242" not in caplog.text


def test_a_verification_without_an_answer_is_not_found_and_moved_nothing(tmp_path: Path) -> None:
    async def story(till: Till) -> None:
        till.double.script(Step.VERIFY, Behaviour(answers=False))
        request = replace(till.request(), money=Money(0, "GBP"))
        assert (await till.gateway.verify(request)).verdict is Verdict.UNKNOWN
        made = replace(till.made(request), kind=Kind.VERIFICATION)
        assert await till.gateway.look_up(made) is None
        assert till.net() == 0

    play(tmp_path, story)
