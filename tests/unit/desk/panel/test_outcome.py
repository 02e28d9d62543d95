"""Banners, results and the call's history: the words of the specification, and what was kept or charged."""

import pytest
from tests.unit.desk.panel.samples import TOKEN, charge, field, session

from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.boundary.charges import ChargeState
from tonevault.desk.panel.outcome import banner_of, past_payment, result_of
from tonevault.desk.sessions.model import Session


def failed(reason: EndReason, **changes: object) -> Session:
    return session(CaptureState.FAILED, reason, **changes)


@pytest.mark.parametrize(
    ("of", "tone", "title"),
    [
        (session(CaptureState.SUCCEEDED, token=TOKEN), "good", "Card securely vaulted"),
        (
            session(CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED, token=TOKEN),
            "warn",
            "Card securely vaulted, payment declined",
        ),
        (session(CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED), "warn", "Payment declined"),
        (session(CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN), "warn", "Result not known yet"),
        (session(CaptureState.CANCELED, EndReason.CANCELED_BY_AGENT), "warn", "Canceled"),
        (session(CaptureState.CANCELED, EndReason.CALL_ENDED), "warn", "The call ended"),
        (session(CaptureState.EXPIRED, EndReason.SESSION_EXPIRED), "warn", "The session expired"),
        (failed(EndReason.TOO_MANY_ATTEMPTS), "bad", "Too many attempts"),
        (failed(EndReason.TOKENIZATION_FAILED), "bad", "Token could not be created"),
        (failed(EndReason.AUTHORISATION_FAILED), "bad", "Payment could not be made"),
        (failed(EndReason.INTERRUPTED), "bad", "Interrupted"),
    ],
)
def test_every_end_has_its_banner(of: Session, tone: str, title: str) -> None:
    banner = banner_of(of)
    assert (banner.tone, banner.title) == (tone, title)
    assert banner.detail or of.state is CaptureState.SUCCEEDED


def test_a_card_known_before_is_said() -> None:
    assert (
        banner_of(session(CaptureState.SUCCEEDED, token=TOKEN, existing=True)).detail
        == "This card was known already; its token is the same."
    )


def test_a_decline_gives_the_advice_of_its_code_and_says_what_was_kept() -> None:
    declined = session(
        CaptureState.DECLINED,
        EndReason.AUTHORISATION_DECLINED,
        token=TOKEN,
        charge=charge(ChargeState.DECLINED, "insufficient_funds"),
    )
    assert banner_of(declined).detail == (
        "Not enough money on the card. Ask for another card. The card is kept as a token; no money has moved."
    )


def test_a_failure_without_a_token_does_not_speak_of_one() -> None:
    detail = banner_of(
        failed(EndReason.AUTHORISATION_FAILED, charge=charge(ChargeState.FAILED, "postal_code_mismatch"))
    ).detail
    assert "token" not in detail
    assert detail.endswith("No money has moved.")


@pytest.mark.parametrize("code", ["lost_card", "stolen_card"])
def test_a_lost_or_stolen_card_is_worded_like_any_decline(code: str) -> None:
    detail = banner_of(session(CaptureState.DECLINED, charge=charge(ChargeState.DECLINED, code))).detail
    assert "lost" not in detail
    assert "stolen" not in detail


def test_an_unknown_code_still_reads_as_a_decline() -> None:
    detail = banner_of(
        session(CaptureState.DECLINED, token=TOKEN, charge=charge(ChargeState.DECLINED, "new_code"))
    ).detail
    assert detail == "Ask for another card. The card is kept as a token; no money has moved."


def test_too_many_attempts_names_the_field() -> None:
    fields = (
        field(),
        field(FieldName.EXPIRY, FieldState.FAILED, error=FieldError.INVALID_EXPIRY, attempts=3),
    )
    assert banner_of(failed(EndReason.TOO_MANY_ATTEMPTS, fields=fields)).detail == (
        "Expiration Date: invalid expiration date. Nothing was kept. Try Again opens a new session."
    )


def test_the_unknown_forbids_to_charge_again() -> None:
    assert "do not charge again" in banner_of(session(CaptureState.UNKNOWN)).detail


def test_a_result_shows_the_card_the_money_and_both_ids() -> None:
    lines = result_of(session(CaptureState.SUCCEEDED, token=TOKEN, charge=charge(ChargeState.SUCCEEDED)))
    assert [(line.name, line.value, line.key) for line in lines] == [
        ("Card", "Visa **** **** **** 4242 · 12/30", ""),
        ("Result", "Charged: 12.50 GBP", ""),
        ("Token", TOKEN.id, "token"),
        ("Charge", "ch_" + "h" * 28, "charge"),
    ]


@pytest.mark.parametrize("state", list(ChargeState))
def test_every_state_of_a_charge_has_words(state: ChargeState) -> None:
    lines = result_of(session(CaptureState.SUCCEEDED, charge=charge(state)))
    assert lines[0].value.endswith(": 12.50 GBP")


def test_a_past_payment_in_one_line() -> None:
    past = past_payment(session(CaptureState.SUCCEEDED, token=TOKEN))
    assert (past.verdict, past.card, past.amount) == ("Card securely vaulted", "Visa ··4242", "12.50 GBP")
    assert (past.reference, past.token) == ("Invoice 1042", TOKEN.id)
    canceled = past_payment(session(CaptureState.CANCELED, EndReason.CANCELED_BY_AGENT, amount=None))
    assert (canceled.card, canceled.amount, canceled.token) == ("", "", "")
