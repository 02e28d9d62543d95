"""The chosen call and the lines of the list: who is on the line, since when, and why it is over."""

from typing import Any

import pytest
from tests.unit.desk.panel.samples import NOW, call, session

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureState
from tonevault.desk.calls.model import Secured
from tonevault.desk.customers.model import Customer
from tonevault.desk.panel.stage import UNKNOWN_CALLER, line_of, stage_of
from tonevault.desk.sessions.model import Session
from tonevault.kernel.ids import CustomerId, SessionId

ANN = Customer(CustomerId("cus_" + "a" * 28), "Ann Lee", "+441632960001", None, "C-77", NOW, NOW)


def test_a_line_is_titled_by_customer_number_or_neither() -> None:
    assert line_of(call(customer=ANN)).title == "Ann Lee"
    assert line_of(call()).title == "+441632960001"
    assert line_of(call(caller=None)).title == UNKNOWN_CALLER


def test_a_line_counts_from_the_answer() -> None:
    assert line_of(call(CallState.RINGING)).started == ""
    assert line_of(call()).started == "2027-03-01T12:00:00+00:00"
    assert (line_of(call(CallState.RINGING)).state_text, line_of(call()).state_text) == ("Ringing", "Live")


def test_the_stage_says_who_calls() -> None:
    stage = stage_of(call(customer=ANN), [], "GBP", may_act=True)
    assert (stage.title, stage.ended) == ("Ann Lee", "")
    assert stage.subtitle == "Calls from +441632960001 to +441632960100 on support · C-77"
    assert stage_of(call(caller=None, called=None), [], "GBP", may_act=True).subtitle == "On support"


@pytest.mark.parametrize(
    ("secured", "words"),
    [
        (Secured(), ""),
        (Secured(customer=True), "Voice encrypted on the customer's leg"),
        (Secured(agent=True), "Voice encrypted on your leg"),
        (Secured(customer=True, agent=True), "Voice encrypted on both legs"),
    ],
)
def test_the_stage_says_which_legs_are_secured(secured: Secured, words: str) -> None:
    assert stage_of(call(secured=secured), [], "GBP", may_act=True).secured == words
    assert stage_of(call(CallState.ENDED, secured=secured), [], "GBP", may_act=True).secured == ""


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("customer_hung_up", "The customer hung up."),
        ("interrupted", "The secure zone stopped, and the call with it."),
        ("something_new", "The call is over."),
        (None, "The call is over."),
    ],
)
def test_an_ended_call_says_why(reason: str | None, words: str) -> None:
    stage = stage_of(call(CallState.ENDED, reason), [], "GBP", may_act=True)
    assert (stage.call_state_text, stage.ended) == ("Ended", words)


def test_the_newest_session_is_in_the_box_and_the_others_below() -> None:
    older = session(CaptureState.SUCCEEDED, id=SessionId("ps_" + "o" * 28))
    stage = stage_of(call(), [session(), older], "GBP", may_act=True)
    assert stage.box.session_id == session().id
    assert [past.session_id for past in stage.history] == [older.id]


def newest(**changes: Any) -> list[Session]:
    return [session(CaptureState.CANCELED, **changes)]


def test_the_accounts_currency_is_offered_first_even_when_rare() -> None:
    stage = stage_of(call(), [], "KWD", may_act=True)
    assert (stage.currency, stage.currencies[0]) == ("KWD", "KWD")
    assert stage_of(call(), [], "EUR", may_act=True).currencies[0] == "GBP"


def test_a_second_try_keeps_its_currency() -> None:
    assert stage_of(call(), newest(currency="EUR"), "GBP", may_act=True).currency == "EUR"
    card_only = stage_of(call(), newest(currency=None, amount=None), "GBP", may_act=True)
    assert card_only.currency == "GBP"
