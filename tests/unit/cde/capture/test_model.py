"""The tables of transitions, and the page that draws them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.cde.capture.field import CaptureField
from tonevault.cde.capture.model import FIELD_TRANSITIONS, LIVE, SESSION_TRANSITIONS

PAGE = Path(__file__).parents[4] / "docs" / "capture.md"
EDGE = re.compile(r"^    (\w+) --> (\w+): (\w+)$", flags=re.MULTILINE)


def drawn(section: str) -> set[tuple[str, str, str]]:
    text = PAGE.read_text().split(f"## {section}\n")[1].split("```")[1]
    return set(EDGE.findall(text))


def test_the_page_draws_the_tables() -> None:
    sessions = {(old.value, new.value, event.value) for (old, event), new in SESSION_TRANSITIONS.items()}
    fields = {(old.value, new.value, event.value) for (old, event), new in FIELD_TRANSITIONS.items()}
    assert drawn("A session") == sessions
    assert drawn("A field") == fields


def test_the_page_names_every_state_and_reason() -> None:
    page = PAGE.read_text()
    for word in (*CaptureState, *EndReason, *FieldState):
        assert f"`{word}`" in page or f" {word}" in page, word


def test_every_session_can_end_and_no_end_leads_back() -> None:
    reached = {CaptureState.OPEN}
    while True:
        more = {new for (old, _), new in SESSION_TRANSITIONS.items() if old in reached} - reached
        if not more:
            break
        reached |= more
    assert reached == set(CaptureState)
    assert not any(new in LIVE and old not in LIVE for (old, _), new in SESSION_TRANSITIONS.items())


def test_an_event_that_a_state_does_not_know_raises() -> None:
    field = CaptureField(FieldName.EXPIRY)
    acts: list[Callable[[], None]] = [
        lambda: field.accept("**/**"),
        lambda: field.reject(FieldError.INVALID_EXPIRY),
        field.leave,
        field.lapse,
    ]
    for act in acts:
        with pytest.raises(RuntimeError, match="no way from idle"):
            act()
