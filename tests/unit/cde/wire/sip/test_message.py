"""Headers, requests and responses: names without case, spelling kept, nothing shown, nothing forged."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import make_request

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.uri import SipUri

CANARY = "4242424242424242"


def test_headers_are_found_without_case_and_by_compact_form() -> None:
    headers = Headers(
        [("v", "SIP/2.0/UDP a"), ("VIA", "SIP/2.0/UDP b"), ("X-Payment-Session", "ps_1"), ("k", "timer")]
    )
    assert headers.get_all("Via") == ["SIP/2.0/UDP a", "SIP/2.0/UDP b"]
    assert headers.get("x-payment-session") == "ps_1"
    assert headers.has_option("Supported", "TIMER")
    assert "l" not in headers
    assert headers.items()[1][0] == "VIA"


def test_headers_change_in_place() -> None:
    headers = Headers([("A", "1"), ("B", "2"), ("a", "3"), ("C", "4")])
    headers.set("a", "9")
    assert headers.items() == [("a", "9"), ("B", "2"), ("C", "4")]
    headers.prepend("A", "0")
    headers.replace_first("A", "5")
    headers.replace_first("D", "6")
    assert headers.items() == [("A", "5"), ("a", "9"), ("B", "2"), ("C", "4"), ("D", "6")]
    copy = headers.copy()
    copy.remove("A")
    assert (len(copy), len(headers), headers.count("a")) == (3, 5, 2)
    assert copy != headers


@pytest.mark.parametrize(
    ("name", "value"),
    [("A\r\nB", "x"), ("A", "x\r\nB: y"), ("A", "x\ny"), ("A B", "x"), ("", "x"), ("A:", "x")],
)
def test_a_header_cannot_forge_another(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="header"):
        Headers().add(name, value)


def test_encode_writes_the_true_length_once_and_in_place() -> None:
    request = Request(
        "INFO", SipUri(host="h"), Headers([("l", "99"), ("Subject", "x"), ("Content-Length", "7")]), b"12345"
    )
    assert request.encode() == b"INFO sip:h SIP/2.0\r\nl: 5\r\nSubject: x\r\n\r\n12345"
    request.headers.remove("l")
    assert request.encode().endswith(b"\r\nContent-Length: 5\r\n\r\n12345")


def test_bytes_that_are_no_utf_8_survive() -> None:
    raw = b"INFO sip:h SIP/2.0\r\nSubject: \xff\xfe caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    assert parse_message(raw).encode() == raw


def test_nothing_of_a_message_is_shown() -> None:
    request = make_request("INFO", body=f"Signal={CANARY}".encode())
    request.uri = SipUri(user=CANARY, host="h")
    request.headers.add("X-Card", CANARY)
    response = make_response(request, 200, to_tag=CANARY)
    request.headers.add("Via", f"SIP/2.0/UDP h;branch={CANARY}")
    stranger = Request(CANARY, SipUri(host="h"))
    shown = [
        request,
        response,
        stranger,
        request.headers,
        request.uri,
        request.from_,
        response.to,
        request.cseq,
        request.via,
    ]
    for value in shown:
        assert CANARY not in f"{value!r} {value} {value:}"
    assert repr(request) == "<Request INFO, 7 headers, 23 body bytes>"
    assert repr(stranger) == "<Request unknown method, 0 headers, 0 body bytes>"


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("CSeq", CANARY, "cseq"),
        ("Via", CANARY, "via"),
        ("From", f"<{CANARY}", "from_"),
        ("To", f'"{CANARY}', "to"),
        ("Contact", f"{CANARY}", "contact"),
        ("Max-Forwards", CANARY, "max_forwards"),
        ("Route", f"<sip:{CANARY}@>", "routes"),
    ],
)
def test_no_error_repeats_its_input(name: str, value: str, read: str) -> None:
    message = Request("INFO", SipUri(host="h"), Headers([(name, value)]))
    with pytest.raises(SipParseError) as caught:
        getattr(message, read)
    assert CANARY not in f"{caught.value!r} {caught.value}"
    assert caught.value.header == name
    assert caught.value.__cause__ is None


def test_missing_headers_are_named() -> None:
    message = Request("INFO", SipUri(host="h"))
    for read, header in (
        ("via", "Via"),
        ("cseq", "CSeq"),
        ("call_id", "Call-ID"),
        ("from_", "From"),
        ("to", "To"),
    ):
        with pytest.raises(SipParseError, match=f"^{header}: is missing"):
            getattr(message, read)
    assert (message.contact, message.routes, message.max_forwards, message.content_type) == (
        None,
        [],
        None,
        "",
    )


def test_content_type_comes_without_its_parameters() -> None:
    message = Request("INFO", SipUri(host="h"), Headers([("c", "Application/DTMF-Relay ; charset=x")]))
    assert message.content_type == "application/dtmf-relay"


def test_responses_repeat_what_they_must() -> None:
    request = make_request()
    request.headers.prepend("Via", "SIP/2.0/UDP a;branch=z9hG4bK1")
    request.headers.add("Via", "SIP/2.0/UDP b")
    request.headers.add("Record-Route", "<sip:p1;lr>")
    request.headers.add("Timestamp", "54")
    trying, ringing, busy = (make_response(request, status, to_tag="t") for status in (100, 180, 486))
    assert (trying.to.tag, trying.headers.get("Timestamp"), trying.headers.get("Record-Route")) == (
        None,
        "54",
        None,
    )
    assert (ringing.to.tag, ringing.headers.get("Record-Route"), ringing.reason) == (
        "t",
        "<sip:p1;lr>",
        "Ringing",
    )
    assert busy.headers.get("Record-Route") is None
    assert [via.host for via in busy.vias] == ["a", "b"]
    request.headers.set("To", "<sip:agent@h>;tag=old")
    assert make_response(request, 200, to_tag="new").to.tag == "old"
    answer = make_response(request, 200, "Fine", body=b"v=0", content_type="application/sdp")
    assert (answer.reason, answer.content_type, answer.body) == ("Fine", "application/sdp", b"v=0")


@pytest.mark.parametrize(("status", "reason"), [(99, "x"), (700, "x"), (200, "a\r\nVia: x")])
def test_a_response_that_breaks_the_status_line_is_not_encoded(status: int, reason: str) -> None:
    with pytest.raises(ValueError, match="status line"):
        Response(status, reason).encode()


def test_a_request_that_breaks_the_request_line_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="method"):
        Request("IN VITE", SipUri(host="h")).encode()


def test_the_star_of_a_register_is_no_contact() -> None:
    assert Request("REGISTER", SipUri(host="h"), Headers([("m", "*")])).contacts == []
