"""Stripe's webhooks: the double's own events, signed, are hints; forgeries, replays and the malformed are refused with a reason."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.cde.gateways.stripe.counter import KEY, Counter, play

from tonevault.cde.gateway import Hint, HintAbout, Kind, Made, Terms, WebhookRefusedError
from tonevault.cde.gateways.stripe.webhook import hints
from tonevault.testing.gateways.ledger import Told
from tonevault.testing.gateways.stripe import event_body, signature_header

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
OLD, NEW = "whsec_old", "whsec_new"


def body(document: dict[str, object]) -> bytes:
    return event_body(Told(KEY, "evt_one", "some.thing", NOW.timestamp(), document))


def heard(document: dict[str, object]) -> tuple[Hint, ...]:
    sent = body(document)
    return hints({"stripe-signature": signature_header(sent, NEW, NOW.timestamp())}, sent, (OLD, NEW), NOW)


def test_what_was_done_is_told_and_each_is_a_hint_to_look(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        request = counter.request(terms=Terms(take_now=False))
        answer = await counter.gateway.authorise(request)
        of = counter.made(request)
        capture = Made(of.account_id, "capture", Kind.CAPTURE, of.money, of.made_at, of=of)
        await counter.gateway.follow_up(capture)
        await counter.gateway.follow_up(
            Made(of.account_id, "refund", Kind.REFUND, of.money, of.made_at, of=of)
        )
        told: list[Hint] = []
        for event in counter.double.ledger.told(KEY):
            sent = event_body(event)
            signed = {"stripe-signature": signature_header(sent, NEW, event.made_at)}
            told += hints(signed, sent, (NEW,), counter.clock.utc())
        references = {(each.about, each.reference) for each in told}
        assert references == {
            (HintAbout.PAYMENT, request.reference),
            (HintAbout.PAYMENT, "capture"),
            (HintAbout.REFUND, "refund"),
        }
        payments = [each for each in told if each.about is HintAbout.PAYMENT]
        assert {each.gateway_reference for each in payments} == {answer.gateway_reference}

    play(tmp_path, story)


def test_either_secret_may_have_signed_while_one_is_rolled() -> None:
    sent = body({"object": "charge", "id": "ch_one", "payment_intent": "pi_one"})
    for secret in (OLD, NEW):
        signed = {"stripe-signature": signature_header(sent, secret, NOW.timestamp())}
        assert hints(signed, sent, (OLD, NEW), NOW) == (Hint("evt_one", HintAbout.PAYMENT, None, "pi_one"),)
    both = f"{signature_header(sent, 'whsec_gone', NOW.timestamp())},{signature_header(sent, NEW, 0).partition(',')[2]}"
    with pytest.raises(WebhookRefusedError):
        hints({"stripe-signature": both}, sent, (OLD, NEW), NOW)


def test_disputes_and_what_is_no_business_of_ours() -> None:
    dispute = heard({"object": "dispute", "id": "dp_one", "payment_intent": "pi_one"})
    assert dispute == (Hint("evt_one", HintAbout.DISPUTE, None, "pi_one"),)
    assert heard({"object": "customer", "id": "cus_one"}) == ()


@pytest.mark.parametrize("seconds", [-301, 301])
def test_the_time_of_a_signature_is_near_ours(seconds: int) -> None:
    sent = body({"object": "charge", "id": "ch_one"})
    signed = {"stripe-signature": signature_header(sent, NEW, NOW.timestamp())}
    assert hints(signed, sent, (NEW,), NOW + timedelta(seconds=seconds - seconds // 301))
    with pytest.raises(WebhookRefusedError, match="300 seconds"):
        hints(signed, sent, (NEW,), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "header",
    [None, "", "t=1", "v1=ab", "t=x,v1=ab", "t=1,t=2,v1=ab", "t=١,v1=ab", "v0=ab,t=1", ",,,", "t=1,v1=ü"],
)
def test_a_malformed_header_is_refused_and_not_repeated(header: str | None) -> None:
    headers = {} if header is None else {"stripe-signature": header}
    with pytest.raises(WebhookRefusedError) as refused:
        hints(headers, b"{}", (NEW,), NOW)
    assert "Stripe" in refused.value.reason


@pytest.mark.parametrize("sent", [b"", b"{}", b"[]", b"\xff", b'{"id": "evt_4242424242424242"}'])
def test_a_signed_body_that_is_no_event_is_refused_and_not_repeated(sent: bytes) -> None:
    signed = {"stripe-signature": signature_header(sent, NEW, NOW.timestamp())}
    with pytest.raises(WebhookRefusedError) as refused:
        hints(signed, sent, (NEW,), NOW)
    assert "4242" not in refused.value.reason


def test_without_a_secret_nothing_is_heard() -> None:
    sent = body({"object": "charge", "id": "ch_one"})
    with pytest.raises(WebhookRefusedError):
        hints({"stripe-signature": signature_header(sent, "", NOW.timestamp())}, sent, (), NOW)
