"""What is read in one step comes to what the long way comes to, and what headers remember is what they hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import parse_host_port
from tonevault.cde.wire.sip.headers import Headers
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.typed_headers import add_from, prepend_via, read_from, read_latest_via, tag_to
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.cde.wire.sip.via import Via

DISPLAYS = [
    "",
    "Alice ",
    '"Alice" ',
    '"Müller, A." ',
    "Alice B. Toe ",
    "A\tB ",
    '"a\\"b" ',
    "é ",
    " ",
    "Alice  ",
]
USERS = ["", "alice@", "+442079460000@", "a%20b@", "a:b@", "1;x=y@", "@", "a@b@"]
HOSTS = [
    "example.com",
    "192.0.2.1",
    "[2001:db8::1]",
    "",
    "-x",
    "h:5060",
    "h:70000",
    "h:0",
    "h:05060",
    "h:59999",
    "h:60001",
    "h:",
]
TAILS = ["", ";tag=abc", ";tag=", ";tag=a;x=y", ";q=0.3", " ;tag=abc", ";tag=a b", "x", ";TAG=abc", ";lr"]


def outcome(parse: object, *arguments: object) -> object:
    try:
        return parse(*arguments)  # type: ignore[operator]
    except SipParseError as fault:
        return fault.rule


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(DISPLAYS),
    st.sampled_from(["sip:", "sips:", "SIP:", "tel:"]),
    st.sampled_from(USERS),
    st.sampled_from(HOSTS),
    st.sampled_from(TAILS),
)
def test_an_address_is_the_same_either_way(
    display: str, scheme: str, user: str, host: str, tail: str
) -> None:
    text = f"{display}<{scheme}{user}{host}>{tail}"
    assert outcome(NameAddr.parse, text, "From") == outcome(NameAddr._parse_any, text, "From")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["SIP/2.0/UDP ", "SIP/2.0/TLS ", "SIP / 2.0 / UDP ", "SIP/1.0/UDP ", "SIP/2.0/udp "]),
    st.sampled_from(HOSTS),
    st.sampled_from(
        [
            "",
            ";branch=z9hG4bK1",
            ";branch=z9hG4bK1;rport",
            ";rport;branch=x",
            ";branch=",
            ";branch=x;rport=5",
            ";",
        ]
    ),
)
def test_a_hop_is_the_same_either_way(protocol: str, host: str, tail: str) -> None:
    text = f"{protocol}{host}{tail}"
    assert outcome(Via.parse, text) == outcome(Via._parse_any, text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("h", ("h", None)),
        ("h:1", ("h", 1)),
        ("h:65535", ("h", 65535)),
        ("h:05060", ("h", 5060)),
        ("h : 5060", ("h", 5060)),
    ],
)
def test_a_host_and_port(text: str, meant: tuple[str, int | None]) -> None:
    assert parse_host_port(text, "Via") == meant


@pytest.mark.parametrize("text", ["h:65536", "h:0", "h:", "h:99999", "h:x", ":5060", ""])
def test_no_host_and_port(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_host_port(text, "Via")


def test_what_was_read_is_forgotten_when_the_header_changes() -> None:
    headers = Headers(
        [("From", "<sip:a@h>;tag=1"), ("To", "<sip:b@h>"), ("Via", "SIP/2.0/UDP h;branch=z9hG4bK1")]
    )
    request = Request("BYE", SipUri(host="h"), headers)
    copy = request.copy()
    assert (request.from_.tag, request.to.tag, request.via.branch) == ("1", None, "z9hG4bK1")
    late_copy = request.copy()
    headers.set("f", "<sip:a@h>;tag=2")
    headers.prepend("v", "SIP/2.0/UDP h;branch=z9hG4bK2")
    tag_to(headers, "3")
    assert (request.from_.tag, request.to.tag, request.via.branch) == ("2", "3", "z9hG4bK2")
    assert [via.branch for via in request.vias] == ["z9hG4bK2", "z9hG4bK1"]
    for other in (copy, late_copy):
        assert (other.from_.tag, other.to.tag, other.via.branch) == ("1", None, "z9hG4bK1")
    headers.remove("Via")
    with pytest.raises(SipParseError):
        _ = request.via


def test_a_fault_is_not_remembered() -> None:
    headers = Headers([("From", "nonsense")])
    for _ in range(2):
        with pytest.raises(SipParseError):
            read_from(headers)
    headers.set("From", "<sip:a@h>")
    assert read_from(headers).uri.user == "a"


def test_the_latest_hop_is_read_though_an_earlier_one_is_spoilt() -> None:
    headers = Headers([("Via", "SIP/2.0/UDP h;branch=z9hG4bK1, nonsense")])
    assert read_latest_via(headers).host == "h"
    with pytest.raises(SipParseError):
        _ = Request("BYE", SipUri(host="h"), headers).vias


def test_what_is_written_from_a_value_reads_as_that_value() -> None:
    headers = Headers()
    sender, hop = (
        NameAddr.parse('"A, B" <sip:a@h>;tag=1', "From"),
        Via.parse("SIP/2.0/UDP h;branch=z9hG4bK1;rport"),
    )
    add_from(headers, sender)
    prepend_via(headers, hop)
    again = Headers(headers.items())
    assert (
        (read_from(headers), read_latest_via(headers))
        == (read_from(again), read_latest_via(again))
        == (sender, hop)
    )
