"""Hold, capture, void and refund on every adapter that has them: never more than was held or taken, each reference once."""

import asyncio
from dataclasses import replace

import pytest
from tests.conformance.gateways.rigs import Rig, Trouble
from tests.conformance.gateways.stage import Play, needs

from tonevault.cde.gateway import Authorisation, Code, Feature, GatewayAnswer, Kind, Made, Terms, Verdict


async def paid(rig: Rig, request: Authorisation) -> Made:
    """An approved payment, or hold, as the books have it."""
    answer = await rig.gateway.authorise(request)
    assert answer.verdict is Verdict.APPROVED
    assert answer.taken is request.terms.take_now
    return rig.made(request, answer.gateway_reference)


async def ask(rig: Rig, made: Made) -> tuple[Verdict, Code | None]:
    answer = await rig.gateway.follow_up(made)
    return answer.verdict, answer.code


APPROVED = (Verdict.APPROVED, None)


def test_a_hold_moves_nothing_and_its_capture_takes_it_once(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.HOLD)
        payment = await paid(rig, rig.held())
        assert await rig.net(payment.reference) == 0
        found = await rig.gateway.look_up(payment)
        assert found is not None
        assert (found.verdict, found.taken) == (Verdict.APPROVED, False)
        assert await ask(rig, rig.next(Kind.CAPTURE, payment)) == APPROVED
        assert await rig.net(payment.reference) == 1250
        again = await ask(rig, rig.next(Kind.CAPTURE, payment))
        assert again == (Verdict.DECLINED, Code.NOT_CAPTURABLE)
        assert await rig.net(payment.reference) == 1250

    play(story)


def test_a_part_of_a_hold_can_be_taken_and_no_more_than_it(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.HOLD, Feature.PARTIAL_CAPTURE)
        payment = await paid(rig, rig.held())
        refused = await ask(rig, rig.next(Kind.CAPTURE, payment, 1251))
        assert refused == (Verdict.DECLINED, Code.NOT_CAPTURABLE)
        assert await ask(rig, rig.next(Kind.CAPTURE, payment, 1000)) == APPROVED
        assert await rig.net(payment.reference) == 1000

    play(story)


def test_what_was_captured_can_be_given_back_and_no_more(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.HOLD, Feature.PARTIAL_CAPTURE, Feature.PARTIAL_REFUND)
        payment = await paid(rig, rig.held())
        assert await ask(rig, rig.next(Kind.REFUND, payment, 1)) == (Verdict.DECLINED, Code.NOT_REFUNDABLE)
        assert await ask(rig, rig.next(Kind.CAPTURE, payment, 1000)) == APPROVED
        too_much = await ask(rig, rig.next(Kind.REFUND, payment, 1001))
        assert too_much == (Verdict.DECLINED, Code.NOT_REFUNDABLE)
        assert await ask(rig, rig.next(Kind.REFUND, payment, 1000)) == APPROVED
        assert await rig.net(payment.reference) == 0

    play(story)


def test_a_voided_hold_is_gone(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.HOLD, Feature.VOID)
        payment = await paid(rig, rig.held())
        void = rig.next(Kind.VOID, payment)
        assert await ask(rig, void) == APPROVED
        found = await rig.gateway.look_up(void)
        assert found is not None
        assert found.verdict is Verdict.APPROVED
        late = await ask(rig, rig.next(Kind.CAPTURE, payment))
        assert late == (Verdict.DECLINED, Code.NOT_CAPTURABLE)
        assert await rig.net(payment.reference) == 0

    play(story)


def test_a_void_of_what_was_taken_gives_it_back_or_says_that_it_cannot(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.VOID)
        payment = await paid(rig, rig.request(rig.approves))
        verdict, code = await ask(rig, rig.next(Kind.VOID, payment))
        if verdict is Verdict.APPROVED:
            assert await rig.net(payment.reference) == 0
        else:
            assert (verdict, code) == (Verdict.DECLINED, Code.NOT_VOIDABLE)
            assert await rig.net(payment.reference) == 1250

    play(story)


def test_refunds_give_back_what_was_paid_and_no_more(play: Play) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.PARTIAL_REFUND)
        payment = await paid(rig, rig.request(rig.approves, minor=1000))
        first, rest = rig.next(Kind.REFUND, payment, 400), rig.next(Kind.REFUND, payment, 600)
        assert await ask(rig, first) == APPROVED
        too_much = await ask(rig, rig.next(Kind.REFUND, payment, 601))
        assert too_much == (Verdict.DECLINED, Code.NOT_REFUNDABLE)
        answer = await rig.gateway.follow_up(rest)
        assert answer.verdict is Verdict.APPROVED
        assert answer.gateway_reference
        for made in (first, replace(rest, gateway_reference=answer.gateway_reference)):
            found = await rig.gateway.look_up(made)
            assert found is not None
            assert found.verdict is Verdict.APPROVED
        assert await rig.net(payment.reference) == 0

    play(story)


@pytest.mark.parametrize("kind", [Kind.REFUND, Kind.CAPTURE])
def test_where_it_says_idempotent_a_resent_follow_up_happens_once(play: Play, kind: Kind) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.HOLD, Feature.REFUND)
        if not rig.gateway.traits.idempotent:
            pytest.skip("does not say so")
        payment = await paid(rig, rig.held())
        capture = rig.next(Kind.CAPTURE, payment)
        made = capture if kind is Kind.CAPTURE else rig.next(kind, payment)
        if kind is Kind.REFUND:
            assert await ask(rig, capture) == APPROVED
        answers = await asyncio.gather(*(rig.gateway.follow_up(made) for _ in range(3)))
        answers.append(await (await rig.reopen()).follow_up(made))
        assert {answer.verdict for answer in answers} == {Verdict.APPROVED}
        assert await rig.net(payment.reference) == (1250 if kind is Kind.CAPTURE else 0)

    play(story)


@pytest.mark.parametrize("kind", [Kind.CAPTURE, Kind.VOID, Kind.REFUND])
@pytest.mark.parametrize("trouble", Trouble)
def test_silence_in_a_follow_up_is_unknown_and_its_look_up_tells(
    play: Play, kind: Kind, trouble: Trouble
) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.HOLD, Feature(kind.value) if kind is not Kind.CAPTURE else Feature.HOLD)
        payment = await paid(rig, rig.held() if kind is not Kind.REFUND else rig.request(rig.approves))
        made = rig.next(kind, payment)
        rig.befall(trouble)
        assert (await rig.gateway.follow_up(made)).verdict is Verdict.UNKNOWN
        gateway = await rig.reopen()
        rig.clock.advance(gateway.traits.visibility_lag_s)
        found = await gateway.look_up(made)
        done = trouble is Trouble.ANSWER_LOST
        assert (found is not None and found.verdict is Verdict.APPROVED) is done
        taken = {Kind.CAPTURE: 1250 if done else 0, Kind.VOID: 0, Kind.REFUND: 0 if done else 1250}
        assert await rig.net(payment.reference) == taken[kind]

    play(story)


@pytest.mark.parametrize("which", ["declines", "silent_lost"])
def test_what_took_no_money_gives_none_back(play: Play, which: str) -> None:
    async def story(rig: Rig) -> None:
        needs(rig, Feature.REFUND)
        request = rig.request(getattr(rig, which))
        answer = await rig.gateway.authorise(request)
        payment = rig.made(request, answer.gateway_reference)
        refused = await rig.gateway.follow_up(rig.next(Kind.REFUND, payment))
        assert refused.verdict in (Verdict.DECLINED, Verdict.FAILED)
        assert await rig.net(payment.reference) == 0

    play(story)


@pytest.mark.parametrize(
    ("kind", "feature"),
    [(Kind.CAPTURE, Feature.HOLD), (Kind.VOID, Feature.VOID), (Kind.REFUND, Feature.REFUND)],
)
def test_a_verb_that_it_lacks_is_refused_and_nothing_is_sent(
    play: Play, kind: Kind, feature: Feature
) -> None:
    async def story(rig: Rig) -> None:
        if rig.gateway.traits.has(feature):
            pytest.skip("has it")
        request = rig.request(rig.approves)
        answer = await rig.gateway.authorise(request)
        payment = rig.made(request, answer.gateway_reference)
        answer = await rig.gateway.follow_up(rig.next(kind, payment))
        assert answer == GatewayAnswer(Verdict.FAILED, code=Code.FEATURE_NOT_SUPPORTED)

    play(story)


def test_a_hold_that_it_lacks_is_refused(play: Play) -> None:
    async def story(rig: Rig) -> None:
        if rig.gateway.traits.has(Feature.HOLD):
            pytest.skip("has it")
        request = rig.request(rig.approves, terms=Terms(take_now=False))
        answer = await rig.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.FAILED, Code.FEATURE_NOT_SUPPORTED)
        assert await rig.net(request.reference) == 0

    play(story)
