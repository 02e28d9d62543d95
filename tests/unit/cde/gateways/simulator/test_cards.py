"""The table of test cards: real numbers by their check digit and brand, each outcome there once, and the page in step with it."""

from pathlib import Path

import pytest
from tests.till import number

from tonevault.cde.gateway import Verdict
from tonevault.cde.gateways.simulator import outcomes
from tonevault.cde.gateways.simulator.cards import AMOUNTS, CARDS, SimulatedCard, choose
from tonevault.cde.gateways.simulator.outcomes import APPROVED, Outcome
from tonevault.cde.gateways.simulator.page import render
from tonevault.kernel.card import Brand

PAGE = Path(__file__).parents[5] / "docs" / "test-cards.md"
OUTCOMES: set[Outcome] = {value for value in vars(outcomes).values() if isinstance(value, Outcome)}
IN_ORDER = sorted(OUTCOMES, key=lambda outcome: outcome.story)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.number[-4:].decode())
def test_each_is_a_valid_number_of_its_brand(card: SimulatedCard) -> None:
    sealed = number(card.number)
    assert sealed.is_valid
    assert sealed.issuer is not None
    assert sealed.issuer.brand is card.brand


def test_no_number_stands_twice_and_every_brand_has_one_that_is_approved() -> None:
    assert len({card.number for card in CARDS}) == len(CARDS)
    assert {card.brand for card in CARDS if card.outcome is APPROVED} == set(Brand)


def test_every_outcome_has_a_card_and_an_amount() -> None:
    assert {card.outcome for card in CARDS} == OUTCOMES
    assert set(AMOUNTS.values()) == OUTCOMES - {APPROVED}


@pytest.mark.parametrize("outcome", IN_ORDER, ids=lambda outcome: outcome.story)
def test_a_code_tells_every_outcome_that_is_no_approval(outcome: Outcome) -> None:
    assert (outcome.code is None) is (outcome.verdict is Verdict.APPROVED)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.number[-4:].decode())
def test_the_card_decides_and_then_the_amount(card: SimulatedCard) -> None:
    digits = memoryview(card.number)
    assert choose(digits, 1250) is card.outcome
    steered = choose(digits, 100_001)
    assert steered is (outcomes.INSUFFICIENT_FUNDS if card.outcome is APPROVED else card.outcome)


def test_a_number_outside_the_table_is_approved() -> None:
    assert choose(memoryview(b"4012888888881881"), 1250) is APPROVED


def test_the_page_says_what_the_table_does() -> None:
    command = "python -m tonevault.cde.gateways.simulator.page > docs/test-cards.md"
    assert PAGE.read_text() == render(), f"the page is out of step; write it anew: {command}"
