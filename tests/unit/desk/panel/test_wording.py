"""No reason, error or code that the product knows is left without words, and no word of them is a digit."""

from enum import StrEnum
from pathlib import Path

import pytest

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import EndReason, FieldError, FieldName
from tonevault.boundary.charges import ChargeState
from tonevault.cde.charging.model import Fault
from tonevault.cde.edge.observer import EndReason as CallEndReason
from tonevault.cde.gateway import Code
from tonevault.desk.calls.model import INTERRUPTED
from tonevault.desk.panel import wording
from tonevault.desk.payments.advice import ADVICE


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (wording.FIELD_TITLES, FieldName),
        (wording.FIELD_ERRORS, FieldError),
        (wording.END_REASONS, EndReason),
        (wording.CHARGE_STATES, ChargeState),
        (wording.CALL_STATES, CallState),
        (wording.CALL_ENDS, CallEndReason),
    ],
)
def test_everything_has_words(words: dict[str, object], kinds: type[StrEnum]) -> None:
    assert set(kinds) <= set(words)


def test_every_code_of_a_gateway_and_every_fault_of_ours_has_advice() -> None:
    assert set(Code) | set(Fault) <= set(ADVICE)


def test_a_call_that_is_lost_with_the_secure_zone_has_words() -> None:
    assert INTERRUPTED in wording.CALL_ENDS


def test_the_page_for_agents_explains_every_banner_and_field_error() -> None:
    page = (Path(__file__).parents[4] / "docs" / "panel.md").read_text()
    titles = {title for title, _ in wording.END_REASONS.values()} | {"Card securely vaulted"}
    assert [title for title in titles if f"| **{title}** |" not in page] == []
    assert [error for error in wording.FIELD_ERRORS.values() if f"| {error} |" not in page] == []
