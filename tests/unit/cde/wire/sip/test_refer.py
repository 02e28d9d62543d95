"""Transfers: where to, in whose place, and how it goes."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import make_request

from tonevault.cde.wire.sip.dialog import Dialog, DialogId
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.refer import (
    ReferTo,
    Replaces,
    SubscriptionState,
    make_notify,
    status_of_notify,
    subscription_state_of,
    wants_no_subscription,
)
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.uri import SipUri


def refer(*values: str) -> Request:
    request = make_request("REFER")
    for value in values:
        request.headers.add("r", value)
    return request


def test_a_blind_transfer() -> None:
    target = ReferTo.of(refer("Desk <sip:+4420@pbx;user=phone>"))
    assert (target.uri.text(), target.replaces, target.method) == ("sip:+4420@pbx;user=phone", None, "INVITE")


def test_an_attended_transfer() -> None:
    value = (
        "<sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>"
    )
    target = ReferTo.of(refer(value))
    assert target.uri.text() == "sip:dave@denver.example.org"
    assert target.replaces == Replaces("12345@192.168.118.3", "12345", "5FFE-3994")
    assert target.replaces.dialog_id == DialogId("12345@192.168.118.3", "12345", "5FFE-3994")


@pytest.mark.parametrize(
    "values",
    [(), ("<sip:a>", "<sip:b>"), ("<sip:",), ("<sip:a?Replaces=x>",), ("<sip:a?Replaces=%3Bto-tag=1>",)],
)
def test_a_malformed_refer_is_refused(values: tuple[str, ...]) -> None:
    with pytest.raises(SipParseError):
        ReferTo.of(refer(*values))


def test_replaces_is_read_and_written() -> None:
    replaces = Replaces.parse("425928@bobster.example.org ;to-tag=7743;from-tag=6472;early-only")
    assert replaces == Replaces("425928@bobster.example.org", "7743", "6472", early_only=True)
    assert Replaces.parse(replaces.text()) == replaces
    assert Replaces.parse("x;to-tag=0;from-tag=1").dialog_id == DialogId("x", "", "1")


@pytest.mark.parametrize(
    ("status", "state", "line"),
    [
        (100, SubscriptionState.ACTIVE, b"SIP/2.0 100 Trying\r\n"),
        (503, SubscriptionState.TERMINATED, b"SIP/2.0 503 Service Unavailable\r\n"),
    ],
)
def test_a_notify_tells_how_it_goes(status: int, state: SubscriptionState, line: bytes) -> None:
    invite = make_request()
    dialog = Dialog.as_callee(invite, make_response(invite, 200, to_tag="callee"))
    notify = make_notify(dialog, status, contact=SipUri(host="192.0.2.2"), refer_cseq=7)
    assert (notify.method, notify.body, notify.headers.get("Event")) == ("NOTIFY", line, "refer;id=7")
    assert (subscription_state_of(notify), status_of_notify(notify)) == (state, status)
    assert make_notify(dialog, status, contact=SipUri(host="h")).headers.get("Event") == "refer"


def test_a_notify_that_is_no_fragment_is_refused() -> None:
    notify = make_request("NOTIFY", body=b"SIP/2.0 200 OK")
    with pytest.raises(SipParseError, match="Content-Type"):
        status_of_notify(notify)
    notify.headers.add("Content-Type", "message/sipfrag")
    assert status_of_notify(notify) == 200
    for body in (b"", b"200 OK", b"SIP/2.0 2000 OK"):
        notify.body = body
        with pytest.raises(SipParseError, match="status line"):
            status_of_notify(notify)
    with pytest.raises(SipParseError, match="Subscription-State"):
        subscription_state_of(notify)


def test_a_subscription_is_declined_by_refer_sub() -> None:
    request = refer("<sip:a>")
    assert not wants_no_subscription(request)
    request.headers.add("Refer-Sub", "False ;x=1")
    assert wants_no_subscription(request)
