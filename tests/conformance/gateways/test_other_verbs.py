"""Verification, cancelling, lists, webhooks, merchant-initiated payments and hard declines, on every adapter that has them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.conformance.gateways.rigs import Rig, Trouble
from tests.conformance.gateways.stage import Play, needs

from tonevault.cde.gateway import (
    Check,
    Code,
    Feature,
    HintAbout,
    Initiator,
    Kind,
    Listed,
    Terms,
    Verdict,
    WebhookRefusedError,
)
from tonevault.kernel.money import Money


def test_a_verification_checks_the_card_and_moves_nothing(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.VERIFY)
        request = rig.at_home(rig.request(rig.approves, minor=0), "10001")
        answer = await rig.gateway.verify(request)
        assert (answer.verdict, answer.taken) == (Verdict.APPROVED, False)
        assert (answer.security_code_check, answer.postal_code_check) == (Check.PASSED, Check.PASSED)
        assert await rig.moved(request.reference) == 0
        found = await rig.gateway.look_up(rig.made(request, answer.gateway_reference, Kind.VERIFICATION))
        assert found is not None
        assert found.verdict is Verdict.APPROVED
        declined = await rig.gateway.verify(rig.request(rig.declines, minor=0))
        assert declined.verdict is Verdict.DECLINED

    play(story)


def test_a_wrong_address_is_told_apart(play: Play) -> None:
    async def story(rig: Rig) -> None:
        if rig.wrong_address is None:
            pytest.skip("cannot tell")
        request = rig.at_home(rig.request(rig.wrong_address), None, "2 Wrong Road")
        answer = await rig.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, Code.ADDRESS_MISMATCH)
        assert (answer.address_check, answer.postal_code_check) == (Check.FAILED, Check.NOT_GIVEN)

    play(story)


def test_a_hard_decline_says_that_it_is_final_and_a_soft_one_does_not(play: Play) -> None:
    async def story(rig: Rig) -> None:
        if rig.lost_card is None:
            pytest.skip("cannot tell")
        hard = await rig.gateway.authorise(rig.request(rig.lost_card))
        assert (hard.verdict, hard.is_final) == (Verdict.DECLINED, True)
        soft = await rig.gateway.authorise(rig.request(rig.declines))
        assert (soft.verdict, soft.is_final) == (Verdict.DECLINED, False)

    play(story)


@pytest.mark.parametrize("initiator", [Initiator.UNSCHEDULED, Initiator.RECURRING])
def test_a_merchant_may_charge_again_by_what_the_first_payment_left(play: Play, initiator: Initiator) -> None:
    async def story(rig: Rig) -> None:
        first = await rig.gateway.authorise(rig.request(rig.approves, terms=Terms(keeps_card=True)))
        assert first.verdict is Verdict.APPROVED
        terms = Terms(initiator=initiator, scheme_reference=first.scheme_reference)
        again = rig.request(rig.approves, with_code=False, terms=terms)
        assert (await rig.gateway.authorise(again)).verdict is Verdict.APPROVED
        assert await rig.moved(again.reference) == 1

    play(story)


def test_a_currency_that_it_lacks_is_refused_and_nothing_moves(play: Play) -> None:
    async def story(rig: Rig) -> None:
        if rig.foreign_currency is None:
            pytest.skip("takes all")
        assert not rig.gateway.traits.takes(rig.foreign_currency)
        request = replace(rig.request(rig.approves), money=Money(1250, rig.foreign_currency))
        answer = await rig.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.CURRENCY_NOT_SUPPORTED)
        assert await rig.moved(request.reference) == 0

    play(story)


def test_cancelling_what_was_paid_leaves_it_paid(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.silent_approved)
        assert (await rig.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        gateway = await rig.reopen()
        made = rig.made(request)
        rig.clock.advance(gateway.traits.visibility_lag_s)
        assert (await gateway.cancel(made)).verdict is Verdict.APPROVED
        assert await rig.net(request.reference) == 1250

    play(story)


def test_cancelling_what_never_arrived_ends_it_for_good(play: Play) -> None:
    async def story(rig: Rig) -> None:
        request = rig.request(rig.approves)
        rig.befall(Trouble.REQUEST_LOST)
        assert (await rig.gateway.authorise(request)).verdict is Verdict.UNKNOWN
        made = rig.made(request)
        rig.clock.advance(rig.gateway.traits.visibility_lag_s)
        for _ in range(2):
            answer = await rig.gateway.cancel(made)
            assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.CANCELED)
        found = await rig.gateway.look_up(made)
        assert found is None or found.verdict is Verdict.FAILED
        assert await rig.net(request.reference) == 0

    play(story)


def test_its_list_tells_what_was_done_and_nothing_else(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.LIST)
        since = rig.clock.utc()
        rig.clock.advance(1)
        payment = rig.request(rig.approves)
        made = rig.made(payment, (await rig.gateway.authorise(payment)).gateway_reference)
        await rig.gateway.authorise(rig.request(rig.declines))
        expected = {(Kind.PAYMENT, payment.reference, 1250)}
        if rig.gateway.traits.has(Feature.PARTIAL_REFUND):
            refund = rig.next(Kind.REFUND, made, 500)
            assert (await rig.gateway.follow_up(refund)).verdict is Verdict.APPROVED
            expected.add((Kind.REFUND, refund.reference, 500))
        rig.clock.advance(1)
        until = rig.clock.utc() + timedelta(seconds=rig.gateway.traits.visibility_lag_s)
        rig.clock.advance(rig.gateway.traits.visibility_lag_s)
        lines: list[Listed] = [each async for each in rig.gateway.listed(payment.account_id, since, until)]
        assert {(each.kind, each.reference, each.money.amount_minor) for each in lines} == expected
        assert all(since <= each.at < until and each.gateway_reference for each in lines)
        before = [each async for each in rig.gateway.listed(payment.account_id, since - timedelta(1), since)]
        assert before == []

    play(story)


def test_a_webhook_is_a_hint_and_only_the_gateways_own_is_heard(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.WEBHOOK)
        assert rig.webhook is not None
        request = rig.request(rig.approves)
        made = rig.made(request, (await rig.gateway.authorise(request)).gateway_reference)
        headers, body = rig.webhook(made)
        now = rig.clock.utc()
        hints = rig.gateway.heard(headers, body, now)
        assert [each.about for each in hints] == [HintAbout.PAYMENT]
        assert made.reference in {each.reference for each in hints} or made.gateway_reference in {
            each.gateway_reference for each in hints
        }
        assert all(each.event_id for each in hints)
        assert rig.gateway.heard(headers, body, now) == hints
        forged = body.replace(b"1", b"2").replace(b"a", b"b")
        for bad_headers, bad_body in (({}, body), (headers, forged), (headers, b""), (headers, b"\xff{")):
            with pytest.raises(WebhookRefusedError) as refused:
                rig.gateway.heard(bad_headers, bad_body, now)
            assert refused.value.reason
        with pytest.raises(WebhookRefusedError):
            rig.gateway.heard(headers, body, now + rig.webhook_life)

    play(story)
