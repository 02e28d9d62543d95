"""Stripe's declines in our words: codes, advice, checks, and whose rule it was; and what the SDK's own log would show."""

from pathlib import Path

import pytest
import stripe
from tests.unit.cde.gateways.stripe.counter import Counter, play

from tonevault.cde.gateway import BillingDetails, Check, Code, Verdict
from tonevault.cde.gateways.stripe.answers import of_error, of_intent, reason
from tonevault.cde.gateways.stripe.codes import DECLINES, check
from tonevault.cde.gateways.stripe.views import Intent, Trouble
from tonevault.testing.gateways import Behaviour, Step
from tonevault.testing.gateways.stripe.declines import _SPELLINGS

WRONG = BillingDetails("99999", "2 Wrong Road")


@pytest.mark.parametrize("code", [each for each in _SPELLINGS if each is not Code.ADDRESS_MISMATCH])
def test_each_decline_comes_back_as_the_code_it_was(tmp_path: Path, code: Code) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, Behaviour(decline=code))
        request = counter.request()
        answer = await counter.gateway.authorise(request)
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, code)
        assert await counter.gateway.look_up(counter.made(request)) == answer

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("native", "code", "final"),
    [
        ("pickup_card", Code.STOLEN_CARD, True),
        ("withdrawal_count_limit_exceeded", Code.LIMIT_EXCEEDED, False),
        ("a_code_of_next_year", Code.DO_NOT_HONOUR, False),
    ],
)
def test_codes_of_stripes_own(tmp_path: Path, native: str, code: Code, final: bool) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, Behaviour(native=native))
        answer = await counter.gateway.authorise(counter.request())
        assert (answer.verdict, answer.code, answer.is_final) == (Verdict.DECLINED, code, final)

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (Behaviour(decline=Code.ACQUIRER_REJECTED, postal_code=Check.FAILED), Code.POSTAL_CODE_MISMATCH),
        (Behaviour(decline=Code.ACQUIRER_REJECTED, address=Check.FAILED), Code.ADDRESS_MISMATCH),
        (Behaviour(decline=Code.ACQUIRER_REJECTED, security_code=Check.FAILED), Code.INCORRECT_SECURITY_CODE),
        (Behaviour(decline=Code.ACQUIRER_REJECTED), Code.ACQUIRER_REJECTED),
    ],
)
def test_a_rule_of_the_merchants_tells_by_the_check_that_failed(
    tmp_path: Path, behaviour: Behaviour, code: Code
) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, behaviour)
        answer = await counter.gateway.authorise(counter.request(billing=WRONG))
        assert (answer.verdict, answer.code) == (Verdict.DECLINED, code)

    play(tmp_path, story)


def test_a_decline_whose_intent_cannot_be_read_is_told_by_its_error(tmp_path: Path) -> None:
    async def story(counter: Counter) -> None:
        counter.double.script(Step.AUTHORISE, Behaviour(decline=Code.LOST_CARD))
        counter.double.script(Step.LOOK_UP, Behaviour(answers=False))
        answer = await counter.gateway.authorise(counter.request())
        assert (answer.verdict, answer.code, answer.final) == (Verdict.DECLINED, Code.LOST_CARD, True)
        assert answer.gateway_reference

    play(tmp_path, story)


def test_the_advice_counts_before_the_table() -> None:
    trouble = {
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "advice_code": "do_not_try_again",
    }
    intent = {"id": "pi_x", "status": "requires_payment_method", "created": 1, "last_payment_error": trouble}
    answer = of_intent(Intent.model_validate(intent))
    assert answer is not None
    assert (answer.code, answer.is_final) == (Code.INSUFFICIENT_FUNDS, True)


def test_a_code_stands_in_for_a_missing_decline_code() -> None:
    assert reason(Trouble(code="expired_card")) is Code.EXPIRED_CARD
    assert reason(Trouble()) is Code.DO_NOT_HONOUR
    assert len(DECLINES) > 45


def invalid(param: str | None = None, code: str | None = None) -> stripe.StripeError:
    error: stripe.StripeError = stripe.InvalidRequestError("", param, code=code)  # type: ignore[no-untyped-call]
    return error


def not_enabled() -> stripe.StripeError:
    """What an account that may not send card numbers is told: 402, and no card error."""
    body = {"error": {"type": "invalid_request_error"}}
    error: stripe.StripeError = stripe.CardError("", None, None, json_body=body)  # type: ignore[no-untyped-call]
    return error


def test_checks() -> None:
    said = [check(each) for each in ("pass", "fail", "unchecked", "unavailable", None)]
    assert said == [Check.PASSED, Check.FAILED, Check.UNAVAILABLE, Check.UNAVAILABLE, Check.NOT_GIVEN]


@pytest.mark.parametrize(
    ("error", "verdict", "code"),
    [
        (stripe.RateLimitError("", code="lock_timeout"), Verdict.UNKNOWN, None),
        (invalid("currency"), Verdict.FAILED, Code.CURRENCY_NOT_SUPPORTED),
        (
            invalid(code="amount_too_small"),
            Verdict.FAILED,
            Code.AMOUNT_NOT_SUPPORTED,
        ),
        (
            invalid("payment_method_options[card][moto]"),
            Verdict.FAILED,
            Code.GATEWAY_MISCONFIGURED,
        ),
        (
            not_enabled(),
            Verdict.FAILED,
            Code.GATEWAY_MISCONFIGURED,
        ),
        (stripe.PermissionError(""), Verdict.FAILED, Code.GATEWAY_MISCONFIGURED),
        (stripe.APIError(""), Verdict.UNKNOWN, None),
    ],
)
def test_errors(error: stripe.StripeError, verdict: Verdict, code: Code | None) -> None:
    answer = of_error(error)
    assert (answer.verdict, answer.code) == (verdict, code)


def test_even_its_debugging_log_never_sees_a_digit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stripe, "log", "debug")

    async def story(counter: Counter) -> None:
        assert (await counter.gateway.authorise(counter.request())).verdict is Verdict.APPROVED

    play(tmp_path, story)
    shown = "".join(capsys.readouterr())
    assert "card[number]=blank_" in shown
    assert "424242" not in shown.replace("%5B", "[")
    assert "card[cvc]=123" not in shown
