"""Attempts and charges: every step stands in the table, a settled outcome stays, and nothing that looks like a card is shown."""

import re
from pathlib import Path

import pytest
from tests.till import START, charge_id, request

from tonevault.boundary.charges import ChargeState, CheckResult
from tonevault.cde.charging.charge import CHARGE_STATES, StoredCharge, new_charge
from tonevault.cde.charging.model import (
    EVENTS,
    TRANSITIONS,
    AttemptEvent,
    AttemptState,
    Fault,
)
from tonevault.cde.gateway import Check, Code, GatewayAnswer, Verdict
from tonevault.kernel.ids import TokenId

TOKEN = TokenId("tok_" + "a" * 28)
ALLOWED = {
    "new": {"send": "sent", "fail": "failed"},
    "sent": {"approve": "approved", "decline": "declined", "fail": "failed", "fall_silent": "unknown"},
    "unknown": {"approve": "approved", "decline": "declined", "fail": "failed"},
    "approved": {},
    "declined": {},
    "failed": {"approve": "approved"},
}


def charge(*, token_new: bool = False) -> StoredCharge:
    return new_charge(request(TOKEN), "simulator", START, token_new=token_new)


@pytest.mark.parametrize("state", AttemptState)
@pytest.mark.parametrize("event", AttemptEvent)
def test_the_table_allows_these_steps_and_no_other(state: AttemptState, event: AttemptEvent) -> None:
    led_to = TRANSITIONS.get((state, event))
    assert (led_to.value if led_to else None) == ALLOWED[state.value].get(event.value)


def test_a_time_out_alone_never_becomes_a_failure() -> None:
    assert EVENTS[Verdict.UNKNOWN] is AttemptEvent.FALL_SILENT
    assert CHARGE_STATES[AttemptState.UNKNOWN] is ChargeState.UNKNOWN


def test_an_approval_is_never_taken_back() -> None:
    assert not [event for state, event in TRANSITIONS if state is AttemptState.APPROVED]


def test_the_answer_is_carried_over() -> None:
    answer = GatewayAnswer(
        Verdict.DECLINED,
        "sim_abc",
        Code.INCORRECT_SECURITY_CODE,
        security_code_check=Check.FAILED,
        postal_code_check=Check.PASSED,
        address_check=Check.UNAVAILABLE,
    )
    result = charge().paid(AttemptState.DECLINED, answer, None, START).result()
    assert (result.state, result.code) == (ChargeState.DECLINED, "incorrect_security_code")
    assert (result.security_code_check, result.postal_code_check, result.address_check) == (
        CheckResult.FAILED,
        CheckResult.PASSED,
        CheckResult.UNAVAILABLE,
    )
    assert result.gateway_reference == "sim_abc"


@pytest.mark.parametrize("code", [Code.POSTAL_CODE_MISMATCH, Code.ADDRESS_MISMATCH])
def test_an_address_mismatch_drops_the_token_of_a_first_payment_alone(code: Code) -> None:
    answer = GatewayAnswer(Verdict.DECLINED, None, code)
    assert charge(token_new=True).paid(AttemptState.DECLINED, answer, None, START).result().token_id is None
    assert charge().paid(AttemptState.DECLINED, answer, None, START).result().token_id == TOKEN


def test_any_other_decline_leaves_the_token() -> None:
    answer = GatewayAnswer(Verdict.DECLINED, None, Code.DO_NOT_HONOUR)
    assert charge(token_new=True).paid(AttemptState.DECLINED, answer, None, START).result().token_id == TOKEN


@pytest.mark.parametrize("reference", ["4242424242424242", "with space", "x" * 65, "ümlaut"])
def test_a_reference_that_may_not_cross_is_kept_back(reference: str) -> None:
    done = charge().paid(AttemptState.APPROVED, GatewayAnswer(Verdict.APPROVED, reference), None, START)
    assert done.result().gateway_reference is None
    assert done.gateway_reference == reference


def test_a_request_is_the_same_by_token_amount_and_description() -> None:
    one = charge_id()
    stored = new_charge(request(TOKEN, 1250, one), "simulator", START, token_new=False)
    assert stored.asks_the_same(request(TOKEN, 1250, one))
    assert not stored.asks_the_same(request(TOKEN, 1251, one))
    assert not stored.asks_the_same(request(TokenId("tok_" + "b" * 28), 1250, one))
    assert not stored.asks_the_same(request(TOKEN, 1250, one).model_copy(update={"description": "x"}))


@pytest.mark.parametrize("code", [*Code, *Fault])
def test_every_code_may_cross_the_boundary(code: Code | Fault) -> None:
    charge().paid(AttemptState.DECLINED, None, None, START)
    failed = (
        new_charge(request(TOKEN), "simulator", START, token_new=False).paid(
            AttemptState.FAILED, GatewayAnswer(Verdict.FAILED, code=Code(code.value)), None, START
        )
        if isinstance(code, Code)
        else charge().failed(code, START)
    )
    assert failed.result().code == code.value


def test_the_page_draws_the_table() -> None:
    page = (Path(__file__).parents[4] / "docs" / "money.md").read_text()
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)$", page, flags=re.MULTILINE))
    assert drawn == {
        (state.value, led_to.value, event.value) for (state, event), led_to in TRANSITIONS.items()
    }
