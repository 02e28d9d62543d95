"""What the box shows and offers in every state of a session, to those who may act and to those who only watch."""

import pytest
from tests.unit.desk.panel.samples import TOKEN, charge, field, session

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.boundary.charges import ChargeState
from tonevault.desk.panel.box import AFTER_THE_ANSWER, UNCONFIRMED, WATCH_ONLY, Box, box_of
from tonevault.desk.recordings.model import PauseState
from tonevault.desk.sessions.model import NOT_OPENED, Session, SessionField

OVER = [state for state in CaptureState if state not in (CaptureState.OPEN, CaptureState.COMPLETING)]


def box(of: Session | None = None, *, call: CallState = CallState.ANSWERED, may_act: bool = True) -> Box:
    return box_of(of, call=call, may_act=may_act)


def offers(shown: Box) -> set[str]:
    """What can be pressed."""
    acts = {"start": shown.start is not None, "complete": shown.can_complete, "cancel": shown.can_cancel}
    acts |= {"hush": shown.can_hush, "open again": shown.can_open_again}
    named = {name for name, can in acts.items() if can}
    return named | {row.button for row in shown.rows if row.button}


def row_of(each: SessionField) -> tuple[str, str, bool, str]:
    row = box(session(fields=(each,))).rows[0]
    return row.state, row.button, row.is_busy, row.announce


def test_a_call_without_a_session_offers_to_start_once_it_is_answered() -> None:
    fresh = box()
    assert fresh.start is not None
    assert (fresh.start.label, fresh.start.amount, fresh.start.is_main) == ("Start", "", True)
    ringing, ended = box(call=CallState.RINGING), box(call=CallState.ENDED)
    assert (ringing.start, ringing.waits) == (None, AFTER_THE_ANSWER)
    assert (ended.start, ended.waits) == (None, "No payment was taken on this call.")


def test_an_open_session_shows_its_fields_and_can_be_canceled() -> None:
    shown = box(session())
    assert [row.title for row in shown.rows] == ["Card Number", "Expiration Date", "Security Code"]
    assert (shown.amount, shown.reference) == ("12.50 GBP", "Invoice 1042")
    assert offers(shown) == {"Capture", "cancel", "hush"}
    assert shown.banner is None
    assert shown.expires_at == "2027-03-01T12:30:00+00:00"


def test_a_session_that_the_secure_zone_never_confirmed_can_be_opened_again_or_canceled() -> None:
    shown = box(session(revision=NOT_OPENED))
    assert (shown.title, shown.waits) == ("Opening the session", UNCONFIRMED)
    assert offers(shown) == {"open again", "cancel"}


def test_each_state_of_a_field() -> None:
    assert row_of(field()) == ("idle", "Capture", False, "")
    capturing = field(state=FieldState.CAPTURING, dots=4)
    assert row_of(capturing) == ("capturing", "Capturing", True, "Card Number: awaiting input.")
    assert row_of(field(state=FieldState.CAPTURED)) == (
        "captured",
        "Re-capture",
        False,
        "Card Number captured.",
    )
    failed = field(state=FieldState.FAILED, error=FieldError.INVALID_CARD_NUMBER, attempts=1)
    assert row_of(failed) == ("failed", "Re-capture", False, "Card Number: Invalid card number.")
    assert row_of(field(attempts=1))[1] == "Re-capture"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FieldError.INVALID_CARD_NUMBER, "Invalid card number"),
        (FieldError.INVALID_SECURITY_CODE, "Invalid security code"),
        (FieldError.INVALID_EXPIRY, "Invalid expiration date"),
        (FieldError.INVALID_POSTAL_CODE, "Invalid postal code"),
        (FieldError.INPUT_TIMEOUT, "Input timed out"),
        (FieldError.CARD_TYPE_NOT_ACCEPTED, "Card type not accepted"),
    ],
)
def test_a_failed_field_says_what_is_wrong(error: FieldError, words: str) -> None:
    failed = field(FieldName.EXPIRY, FieldState.FAILED, error=error, attempts=1)
    assert box(session(fields=(failed,))).rows[0].error == words


def test_a_key_changes_nothing_that_is_announced() -> None:
    few, many = (field(state=FieldState.CAPTURING, dots=dots) for dots in (1, 9))
    assert row_of(few)[3] == row_of(many)[3]


def test_complete_is_offered_when_all_is_captured() -> None:
    assert "complete" in offers(box(session(can_complete=True)))


def test_while_completing_nothing_can_be_pressed() -> None:
    shown = box(session(CaptureState.COMPLETING))
    assert shown.is_working
    assert offers(shown) == set()
    assert shown.expires_at == ""


@pytest.mark.parametrize("state", OVER)
def test_what_is_over_has_a_banner_and_a_way_on_while_the_call_is_up(state: CaptureState) -> None:
    up, gone = box(session(state)), box(session(state), call=CallState.ENDED)
    assert up.banner is not None
    assert up.rows == ()
    assert offers(up) == {"start"}
    assert gone.banner == up.banner
    assert offers(gone) == set()


@pytest.mark.parametrize(
    ("state", "label"),
    [
        (CaptureState.SUCCEEDED, "Start New Capture"),
        (CaptureState.DECLINED, "Start New Capture"),
        (CaptureState.UNKNOWN, "Start New Capture"),
        (CaptureState.FAILED, "Try Again"),
        (CaptureState.CANCELED, "Try Again"),
        (CaptureState.EXPIRED, "Try Again"),
    ],
)
def test_the_next_start_is_filled_in_only_where_no_money_can_have_moved(
    state: CaptureState, label: str
) -> None:
    start = box(session(state)).start
    assert start is not None
    assert start.label == label
    moved = state in (CaptureState.SUCCEEDED, CaptureState.UNKNOWN)
    assert (start.amount, start.reference) == (("", "") if moved else ("12.50", "Invoice 1042"))
    assert start.is_main is (state is not CaptureState.UNKNOWN)


def test_a_card_without_an_amount() -> None:
    shown = box(session(CaptureState.SUCCEEDED, amount=None, currency=None, token=TOKEN))
    assert (shown.title, shown.amount) == ("Card", "")
    assert [line.name for line in shown.result] == ["Card", "Token"]


def test_hush_and_noise_are_said() -> None:
    assert box(session()).notice == ""
    assert "do not hear the customer" in box(session(hushed=True)).notice
    assert "noisy" in box(session(hushed=True, hushed_by_noise=True)).notice


@pytest.mark.parametrize(
    ("pause", "words"),
    [
        (None, ""),
        (PauseState.PAUSING, "Recording paused"),
        (PauseState.PAUSED, "Recording paused"),
        (PauseState.FAILED, "Recording not paused; it hears beeps, no digits"),
        (PauseState.RESUMED, ""),
    ],
)
def test_the_recording_is_said(pause: PauseState | None, words: str) -> None:
    assert box(session(recording=pause)).recording == words


@pytest.mark.parametrize("state", [None, *CaptureState])
def test_those_who_watch_see_all_and_press_nothing(state: CaptureState | None) -> None:
    of = None if state is None else session(state, can_complete=True)
    shown = box(of, may_act=False)
    assert offers(shown) == set()
    if state in (None, CaptureState.OPEN, CaptureState.COMPLETING):
        assert shown.waits == WATCH_ONLY


def test_an_unknown_charge_that_is_settled_changes_the_banner() -> None:
    unknown = session(
        CaptureState.UNKNOWN,
        EndReason.AUTHORISATION_UNKNOWN,
        token=TOKEN,
        charge=charge(ChargeState.UNKNOWN),
    )
    settled = session(CaptureState.SUCCEEDED, token=TOKEN, charge=charge(ChargeState.SUCCEEDED))
    before, after = box(unknown), box(settled)
    assert before.banner is not None
    assert after.banner is not None
    assert (before.banner.title, after.banner.title) == ("Result not known yet", "Card securely vaulted")
    assert [line.value for line in after.result if line.name == "Result"] == ["Charged: 12.50 GBP"]
