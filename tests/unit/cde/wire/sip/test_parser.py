"""From bytes to messages: what is refused and why, and that nothing but SipParseError ever comes out."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parameters import Parameters
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.refusal import salvage_request
from tonevault.cde.wire.sip.uri import SipUri, escape_user
from tonevault.cde.wire.sip.validation import check_request, check_response

TOKEN = st.text("abcXYZ019-.!%*_+`'~", min_size=1, max_size=12)
VALUE = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=40).map(
    lambda text: text.strip(" \t")
)
NAME = TOKEN.filter(lambda name: name.lower() not in ("content-length", "l"))
HEADERS = st.lists(st.tuples(NAME, VALUE), max_size=8)
URIS = st.builds(
    lambda user, host, port, parameters: SipUri(
        user=user and escape_user(user), host=host, port=port, parameters=Parameters(parameters)
    ),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.sampled_from(["example.com", "192.0.2.1", "2001:db8::1"]),
    st.none() | st.integers(1, 65535),
    st.lists(
        st.tuples(
            st.text("abc-1", min_size=1, max_size=5), st.none() | st.text("xyz9", min_size=1, max_size=5)
        ),
        max_size=3,
    ).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(TOKEN.filter(lambda method: method.upper() != "SIP/"), URIS, HEADERS, st.binary(max_size=60))
def test_a_request_comes_back_as_it_was(
    method: str, uri: SipUri, headers: list[tuple[str, str]], body: bytes
) -> None:
    request = Request(method, uri, Headers([*headers, ("Content-Length", str(len(body)))]), body)
    assert parse_message(request.encode()) == request


@settings(max_examples=150, deadline=None)
@given(st.integers(100, 699), VALUE, HEADERS, st.binary(max_size=60))
def test_a_response_comes_back_as_it_was(
    status: int, reason: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    response = Response(status, reason, Headers([*headers, ("l", str(len(body)))]), body)
    assert parse_message(response.encode()) == response


def read_everything(data: bytes) -> None:
    """All that the stack and its owner read of a message."""
    salvage_request(data)
    message = parse_message(data)
    repr(message)
    if isinstance(message, Request):
        check_request(message)
    else:
        check_response(message)
    _ = message.contacts, message.routes, message.record_routes, message.max_forwards, message.content_type
    assert parse_message(message.encode()).encode() == message.encode()


SAMPLE = (
    b"INVITE sip:agent@192.0.2.2;transport=udp SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport\r\n"
    b'From: "A, B" <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.2>\r\nCall-ID: c1@x\r\nCSeq: 1 INVITE\r\n'
    b"Contact: <sip:a@[2001:db8::1]:5060>;q=0.5, <sip:c@h>\r\nMax-Forwards: 70\r\nRoute: <sip:p;lr>\r\nContent-Length: 3\r\n\r\nv=0"
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
@example(b"\r\n\r\n")
@example(b"SIP/2.0 200 OK\r\n\r\n")
def test_noise_gives_no_other_fault(data: bytes) -> None:
    with contextlib.suppress(SipParseError):
        read_everything(data)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 6), st.binary(max_size=6)),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_messages_give_no_other_fault(cuts: list[tuple[int, int, bytes]]) -> None:
    data = SAMPLE
    for start, length, insert in cuts:
        data = data[:start] + insert + data[start + length :]
    with contextlib.suppress(SipParseError):
        read_everything(data)


HEAD = b"INFO sip:h SIP/2.0\r\n"


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"", "message"),
        (b"INFO sip:h SIP/2.0\r\n", "message"),
        (b"INFO sip:h SIP/2.0\n\n", "message"),
        (b"INFO sip:h\r\n\r\n", "request line"),
        (b"INFO  sip:h SIP/2.0\r\n\r\n", "request line"),
        (b"INFO sip:h SIP/2.0 \r\n\r\n", "request line"),
        (b" INFO sip:h SIP/2.0\r\n\r\n", "request line"),
        (b"IN<FO sip:h SIP/2.0\r\n\r\n", "request line"),
        (b"INFO sip:h HTTP/1.1\r\n\r\n", "request line"),
        (b"INFO <sip:h> SIP/2.0\r\n\r\n", "Request-URI"),
        (b"INFO sip:h?Route=x SIP/2.0\r\n\r\n", "Request-URI"),
        (b"INFO sip:h SIP/2.0\r\n folded\r\n\r\n", "start line"),
        (b"SIP/2.0 99 x\r\n\r\n", "status line"),
        (b"SIP/2.0 700 x\r\n\r\n", "status line"),
        (b"SIP/2.0 4294967301 better not break the receiver\r\n\r\n", "status line"),
        (b"SIP/3.0 200 x\r\n\r\n", "status line"),
        (HEAD + b"no colon\r\n\r\n", "header"),
        (HEAD + b"bad name: x\r\n\r\n", "header"),
        (HEAD + b"A: x\ny\r\n\r\n", "header"),
        (HEAD + b"A: x\ry\r\n\r\n", "header"),
        (HEAD + b": x\r\n\r\n", "header"),
        (HEAD + b"Content-Length: 5\r\n\r\nabc", "Content-Length"),
        (HEAD + b"Content-Length: -999\r\n\r\n", "Content-Length"),
        (HEAD + b"Content-Length: 13\r\nContent-Length: 5\r\n\r\nabcde", "Content-Length"),
        (HEAD + b"Content-Length: 5\r\nl: 5\r\n\r\nabcde", "Content-Length"),
        (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n", "Content-Length"),
        (HEAD + b"A: x\r\n" * 300 + b"\r\n", "message"),
        (HEAD + b"A: " + b"x" * 17_000 + b"\r\n\r\n", "header"),
        (b"INFO sip:" + b"h" * 5_000 + b" SIP/2.0\r\n\r\n", "start line"),
        (HEAD + b"\r\n" + b"x" * 66_000, "message"),
    ],
)
def test_what_is_refused(data: bytes, named: str) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_message(data)
    assert caught.value.header == named


def test_another_version_is_refused_with_505() -> None:
    with pytest.raises(SipParseError) as caught:
        parse_message(b"OPTIONS sip:t.watson@example.org SIP/7.0\r\n\r\n")
    assert caught.value.status == 505


def test_folding_is_undone_and_leading_empty_lines_are_skipped() -> None:
    message = parse_message(b"\r\n\r\nINFO sip:h SIP/2.0\r\nSubject: a\r\n b\r\n\t c\r\n\r\n")
    assert message.headers.get("Subject") == "a b c"


def test_a_datagram_without_a_length_is_body_to_its_end_and_octets_beyond_the_length_are_dropped() -> None:
    assert parse_message(HEAD + b"\r\nabc").body == b"abc"
    assert parse_message(HEAD + b"Content-Length: 2\r\n\r\nabc").body == b"ab"
