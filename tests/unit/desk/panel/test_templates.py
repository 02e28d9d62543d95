"""The HTML itself: what people wrote is text, ids are unique, every input is named, every button has words, nothing is inline."""

import re
from html.parser import HTMLParser

import pytest
from tests.unit.desk.panel.samples import NOW, TOKEN, call, charge, field, session

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.boundary.charges import ChargeState
from tonevault.desk.customers.model import Customer
from tonevault.desk.panel.pages import STATIC, render
from tonevault.desk.panel.stage import line_of, stage_of
from tonevault.desk.sessions.model import NOT_OPENED, Session
from tonevault.kernel.ids import CustomerId, SessionId

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
MALLORY = Customer(CustomerId("cus_" + "m" * 28), EVIL, None, None, EVIL, NOW, NOW)
FIELDS = (
    field(FieldName.CARD_NUMBER, FieldState.CAPTURED),
    field(FieldName.EXPIRY, FieldState.FAILED, error=FieldError.INVALID_EXPIRY, attempts=1),
    field(FieldName.SECURITY_CODE, FieldState.CAPTURING, dots=1),
    field(FieldName.POSTAL_CODE),
)
SESSIONS = [
    None,
    session(fields=FIELDS, can_complete=True, hushed=True),
    session(revision=NOT_OPENED),
    session(CaptureState.COMPLETING),
    session(CaptureState.SUCCEEDED, token=TOKEN, charge=charge(ChargeState.SUCCEEDED)),
    session(CaptureState.DECLINED, token=TOKEN, charge=charge(ChargeState.DECLINED, "lost_card")),
    session(CaptureState.UNKNOWN, token=TOKEN, charge=charge(ChargeState.UNKNOWN)),
    session(CaptureState.FAILED, EndReason.TOO_MANY_ATTEMPTS, fields=FIELDS),
    session(CaptureState.CANCELED, EndReason.CALL_ENDED, amount=None, currency=None),
    session(CaptureState.EXPIRED, EndReason.SESSION_EXPIRED),
]
VOID = {"input", "meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Elements with their attributes, and the text inside of each button."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.buttons: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "button":
            self.buttons.append("")

    def handle_endtag(self, tag: str) -> None:
        # An option ends where the next one begins, or its list.
        while tag == "select" and self.open[-1] == "option":
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "button" in self.open:
            self.buttons[-1] += data.strip()


def page(of: Session | None, state: CallState = CallState.ANSWERED, *, up: bool = True) -> str:
    caller = call(state, "customer_hung_up" if state is CallState.ENDED else None)
    older = session(CaptureState.SUCCEEDED, token=TOKEN, id=SessionId("ps_" + "o" * 28))
    sessions = [] if of is None else [of, older]
    return render(
        "panel.html",
        calls=[line_of(caller)],
        stage=stage_of(caller, sessions, "GBP", may_act=True),
        zone_up=up,
        call_id=caller.id,
        now=NOW.isoformat(),
        csrf_token="t",
        user_name="Robin Reed",
        role="agent",
    )


@pytest.mark.parametrize("of", SESSIONS)
@pytest.mark.parametrize("state", list(CallState))
def test_every_page_is_whole_named_and_without_anything_inline(of: Session | None, state: CallState) -> None:
    read = Reader(page(of, state))
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    labels = {attributes.get("for") for tag, attributes in read.elements if tag == "label"}
    for tag, attributes in read.elements:
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        if tag in ("input", "select") and attributes.get("type") != "hidden":
            assert attributes["id"] in labels or attributes.get("aria-label")
        for named in (
            attributes.get("aria-labelledby", "") + " " + attributes.get("aria-describedby", "")
        ).split():
            assert named in ids
        if "data-announce" in attributes:
            assert attributes["id"]
        if "data-copy" in attributes:
            assert attributes["data-copy"] in ids
            assert attributes["aria-label"].startswith("Copy")
        if tag == "img":
            assert "alt" in attributes
        if tag == "script":
            assert attributes["src"].startswith("/panel/static/")
    assert all(read.buttons)
    assert sum(tag == "h1" for tag, _ in read.elements) == 1


def test_a_label_that_is_seen_is_part_of_the_name() -> None:
    read = Reader(page(session(fields=FIELDS)))
    names = [attributes.get("aria-label", "") for tag, attributes in read.elements if tag == "button"]
    for text, name in zip(read.buttons, names, strict=True):
        assert name.startswith(text) or not name


def test_state_is_told_in_words_not_by_colour_alone() -> None:
    html = page(session(fields=FIELDS))
    for words in ("Awaiting Input", "Captured: ", "Invalid expiration date", "Not captured", "1 key pressed"):
        assert words in html


@pytest.mark.parametrize("state", list(CallState))
def test_what_people_wrote_is_text(state: CallState) -> None:
    caller = call(state, customer=MALLORY, route="support")
    evil = session(CaptureState.CANCELED, EndReason.CANCELED_BY_AGENT, reference=EVIL)
    older = session(CaptureState.SUCCEEDED, reference=EVIL, token=TOKEN, id=SessionId("ps_" + "o" * 28))
    stage = stage_of(caller, [evil, older], "GBP", may_act=True)
    html = render(
        "panel.html",
        calls=[line_of(caller)],
        stage=stage,
        zone_up=True,
        call_id=caller.id,
        now=NOW.isoformat(),
        csrf_token=EVIL,
        user_name=EVIL,
        role="agent",
    )
    assert "<script>" not in html
    assert "<img src=x" not in html
    tags = {tag for tag, attributes in Reader(html).elements if "onerror" in attributes}
    assert tags == set()


def test_the_log_in_page_escapes_too() -> None:
    assert "<script>" not in render("log_in.html", error=EVIL, asks_account=True)
    assert "<script>alert" not in render("ticket.html", ticket=EVIL)


def test_a_silent_secure_zone_is_said() -> None:
    assert "No card can be captured until it is back" in page(None, up=False)
    assert "No card can be captured" not in page(None)


def test_scripts_and_styles_named_by_pages_are_there_and_load_nothing_from_elsewhere() -> None:
    named = re.findall(r"/panel/static/([\w./-]+)", page(None) + render("ticket.html", ticket="t"))
    for name in set(named):
        assert (STATIC / name).is_file()
    for path in [*STATIC.glob("*.js"), *STATIC.glob("*.css")]:
        assert not re.search(r"https?://", path.read_text())
        for imported in re.findall(r'from "\./([\w.]+)"', path.read_text()):
            assert (STATIC / imported).is_file()
