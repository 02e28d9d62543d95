"""Advice for every code, short and in words of an agent, and the page in step with it."""

from pathlib import Path

import pytest

from tonevault.cde.charging.model import Fault
from tonevault.cde.gateway_codes import FINAL, Code
from tonevault.desk.payments.advice import ADVICE, advice_on
from tonevault.desk.payments.advice_page import render

PAGE = Path(__file__).parents[4] / "docs" / "declines.md"


def test_the_page_says_what_the_table_says() -> None:
    command = "python -m tonevault.desk.payments.advice_page > docs/declines.md"
    assert PAGE.read_text() == render(), f"the page is out of step; write it anew: {command}"


def test_every_code_has_advice_and_every_advice_a_code() -> None:
    assert set(ADVICE) == {each.value for each in (*Code, *Fault)}


@pytest.mark.parametrize("code", ADVICE)
def test_advice_is_a_sentence_or_two(code: str) -> None:
    assert 20 < len(ADVICE[code]) < 140
    assert ADVICE[code].endswith(".")


def test_lost_stolen_and_fraud_are_worded_as_any_other() -> None:
    assert len({ADVICE[code] for code in ("lost_card", "stolen_card", "fraud_suspected")}) == 1


def test_nobody_is_told_to_try_a_hard_decline_again() -> None:
    cards = [code for code in FINAL if not code.startswith("not_") or code is Code.NOT_PERMITTED]
    assert not [code for code in cards if "try again" in ADVICE[code].lower()]


def test_no_code_no_advice() -> None:
    assert advice_on(None) is None
    assert advice_on("something_new") is None
