"""Session timers: what is asked, granted and refused, and when a session is refreshed or ended (RFC 4028)."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import make_request

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.session_timer import (
    IntervalTooSmall,
    Refresher,
    SessionExpires,
    SessionTimer,
    SessionTimerPolicy,
    after_too_small,
    offer,
    settle_as_client,
    settle_as_server,
)

POLICY = SessionTimerPolicy(1800, 90)


def invite(
    session_expires: str | None = None, min_se: str | None = None, *, supported: bool = True
) -> tuple[Request, Response]:
    request = make_request()
    if supported:
        request.headers.add("Supported", "100rel, timer")
    if session_expires is not None:
        request.headers.add("x", session_expires)
    if min_se is not None:
        request.headers.add("Min-SE", min_se)
    return request, make_response(request, 200, to_tag="t")


@pytest.mark.parametrize(
    ("asked", "granted", "timer"),
    [
        (invite("600"), "600;refresher=uac", SessionTimer(600, False, 100.0)),
        (invite("600;refresher=uas"), "600;refresher=uas", SessionTimer(600, True, 100.0)),
        (invite("600;refresher=uac"), "600;refresher=uac", SessionTimer(600, False, 100.0)),
        (invite("7200"), "1800;refresher=uac", SessionTimer(1800, False, 100.0)),
        (invite("7200", "3600"), "3600;refresher=uac", SessionTimer(3600, False, 100.0)),
        (invite(), "1800;refresher=uac", SessionTimer(1800, False, 100.0)),
        (invite(supported=False), None, SessionTimer(1800, True, 100.0)),
        (invite("600", supported=False), "600;refresher=uas", SessionTimer(600, True, 100.0)),
        (invite("60", supported=False), "90;refresher=uas", SessionTimer(90, True, 100.0)),
    ],
)
def test_what_we_grant(asked: tuple[Request, Response], granted: str | None, timer: SessionTimer) -> None:
    request, response = asked
    assert settle_as_server(request, response, POLICY, 100.0) == timer
    assert response.headers.get("Session-Expires") == granted
    assert response.headers.has_option("Require", "timer") is (
        granted is not None and granted.endswith("uac")
    )


def test_a_short_interval_is_refused_with_422_and_the_next_attempt_is_long_enough() -> None:
    request, response = invite("100")
    policy = SessionTimerPolicy(1800, 120)
    assert settle_as_server(request, response, policy, 0.0) == IntervalTooSmall(120)
    refusal = make_response(request, 422, to_tag="t")
    refusal.headers.add("Min-SE", "2000")
    retry = after_too_small(refusal, POLICY)
    assert retry == SessionTimerPolicy(2000, 2000)
    again = make_request()
    offer(again, retry)
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("2000", "2000")
    refusal.headers.remove("Min-SE")
    with pytest.raises(SipParseError, match="Min-SE"):
        after_too_small(refusal, POLICY)


def test_what_we_ask_for() -> None:
    request = make_request()
    offer(request, POLICY, Refresher.UAC)
    offer(request, POLICY, Refresher.UAC)
    assert request.headers.get_all("Supported") == ["timer"]
    assert request.headers.get("Session-Expires") == "1800;refresher=uac"
    assert request.headers.get("Min-SE") is None


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        (None, None),
        ("600;refresher=uac", SessionTimer(600, True, 5.0)),
        ("600;refresher=uas", SessionTimer(600, False, 5.0)),
        ("600", SessionTimer(600, True, 5.0)),
    ],
)
def test_what_we_are_granted(granted: str | None, expected: SessionTimer | None) -> None:
    _, response = invite()
    if granted is not None:
        response.headers.add("Session-Expires", granted)
    assert settle_as_client(response, 5.0) == expected


def test_the_clock_of_a_session() -> None:
    ours, theirs, short = (
        SessionTimer(1800, True, 100.0),
        SessionTimer(1800, False, 100.0),
        SessionTimer(90, True, 0.0),
    )
    assert (ours.refresh_at, ours.expires_at) == (1000.0, 1868.0)
    assert (theirs.refresh_at, theirs.expires_at) == (None, 1868.0)
    assert (short.refresh_at, short.expires_at) == (45.0, 60.0)
    assert ours.restarted(1000.0).expires_at == 2768.0


@pytest.mark.parametrize("value", ["", "x", "-1", "600;refresher=me", "600;;", "4294967296"])
def test_malformed_headers_are_refused(value: str) -> None:
    with pytest.raises(SipParseError, match="Session-Expires"):
        SessionExpires.parse(value)


@pytest.mark.parametrize(("interval", "least"), [(1800, 89), (90, 120)])
def test_a_policy_below_the_rfc_is_refused(interval: int, least: int) -> None:
    with pytest.raises(ValueError, match="90 s or more"):
        SessionTimerPolicy(interval, least)
