"""URIs, addresses, hops and numbers: what is read, what is written, what is refused."""

import pytest

from tonevault.cde.wire.sip.cseq import CSeq, RAck
from tonevault.cde.wire.sip.destination import peer_of
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import quote, split_list, unquote
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.parameters import Parameters
from tonevault.cde.wire.sip.peer import Address, Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri, escape_user
from tonevault.cde.wire.sip.via import Via


@pytest.mark.parametrize(
    "text",
    [
        "sip:alice@example.com",
        "sips:alice:secret@example.com:5061;transport=tls",
        "sip:192.0.2.1",
        "sip:[2001:db8::1]:5070;lr",
        "sip:+44%20123@gw.example.com;user=phone?Subject=hi&Replaces=a%3Bto-tag%3D1",
        "sip:user;par=u%40example.net@example.com",
        "sip:null-%00-null@example.com",
        "sip:_sip._udp.example.com",
        "tel:+44-20-7946-0958;phone-context=example.com",
        "mailto:someone@example.com",
        "nobodyKnowsThisScheme:totallyopaquecontent".lower(),
    ],
)
def test_a_uri_comes_out_as_it_went_in(text: str) -> None:
    uri = SipUri.parse(text)
    assert uri.text() == text
    assert SipUri.parse(uri.text()) == uri


def test_the_parts_of_a_uri() -> None:
    uri = SipUri.parse("SIP:al%69ce:pw@Example.COM:5070;Transport=TCP;lr?Replaces=x%3Bto-tag%3D1")
    assert (uri.scheme, uri.user, uri.user_text, uri.password) == ("sip", "al%69ce", "alice", "pw")
    assert (uri.host, uri.port, uri.is_loose_router) == ("Example.COM", 5070, True)
    assert uri.parameters.get("transport") == "TCP"
    assert uri.header("replaces") == "x;to-tag=1"
    assert uri.without_headers().text() == "sip:al%69ce:pw@Example.COM:5070;Transport=TCP;lr"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "sip:",
        "1sip:x@y",
        "sip:@example.com",
        "sip:a b@example.com",
        "sip:a@b@example.com",
        "sip:%4@example.com",
        "sip::pw@example.com",
        "sip:alice@",
        "sip:alice@example.com:",
        "sip:alice@example.com:0",
        "sip:alice@example.com:65536",
        "sip:alice@example.com:٥٠٦٠",
        "sip:alice@[2001:db8::1",
        "sip:alice@[2001:db8::1]x",
        "sip:alice@exa<mple.com",
        "sip:alice@example.com;",
        "sip:alice@example.com;;lr",
        "sip:alice@example.com?",
        "tel:",
        "sip:alice@example.com\x00",
    ],
)
def test_a_malformed_uri_is_refused_by_the_name_of_its_header(text: str) -> None:
    with pytest.raises(SipParseError) as caught:
        SipUri.parse(text, "Contact")
    assert caught.value.header == "Contact"


def test_a_uri_made_of_parts_cannot_smuggle_syntax() -> None:
    for user in ("a b", "a>", "a@b", 'a"', "a\r\nVia: x"):
        with pytest.raises(ValueError, match="escaped"):
            SipUri(user=user, host="example.com")
    assert SipUri(user=escape_user("a b@c>\r\n"), host="h").text() == "sip:a%20b%40c%3E%0D%0A@h"


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ('"Mr. \\"J\\" Doe" <sip:j@example.com>;tag=9', 'Mr. "J" Doe', "sip:j@example.com", "9"),
        ("caller<sip:caller@example.com>;tag=323", "caller", "sip:caller@example.com", "323"),
        (
            "Bell, Alexander <sip:a.g.bell@example.com>;tag=433423",
            "Bell, Alexander",
            "sip:a.g.bell@example.com",
            "433423",
        ),
        ("sip:bob@example.com ;  tag =  1", "", "sip:bob@example.com", "1"),
        ("<sip:bob@example.com;lr>", "", "sip:bob@example.com;lr", None),
        ('"" <sip:bob@example.com>', "", "sip:bob@example.com", None),
        ("tel:+1-201-555-0123;tag=5", "", "tel:+1-201-555-0123", "5"),
        ('sip:a@b;+sip.instance="<urn:uuid:1>";tag=7', "", "sip:a@b", "7"),
        ('<sip:a@b>;+sip.instance="<urn:uuid:1>";x=;tag=7', "", "sip:a@b", "7"),
    ],
)
def test_addresses(text: str, display: str, uri: str, tag: str | None) -> None:
    address = NameAddr.parse(text, "From")
    assert (address.display, address.uri.text(), address.tag) == (display, uri, tag)
    assert NameAddr.parse(address.text(), "From") == address


@pytest.mark.parametrize(
    "text",
    [
        '"Mr. J. User <sip:j.user@example.com>',
        '"A" sip:a@example.com',
        "<sip:a@example.com",
        "<sip:a@example.com> x",
        "<sip:a@example.com>;",
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        "sip:a@example.com,sip:b@example.com",
        "",
    ],
)
def test_a_malformed_address_is_refused(text: str) -> None:
    with pytest.raises(SipParseError, match=r"^From: "):
        NameAddr.parse(text, "From")


def test_a_tag_is_set_replaced_and_taken_away() -> None:
    address = NameAddr.parse("<sip:a@b>;x=1", "To").with_tag("t1")
    assert address.text() == "<sip:a@b>;x=1;tag=t1"
    assert address.with_tag("t2").tag == "t2"
    assert address.with_tag(None).text() == "<sip:a@b>;x=1"


def test_a_display_name_with_control_characters_goes_out_as_quoted_pairs() -> None:
    address = NameAddr(SipUri(host="h"), 'BEL:\x07 "x" \\')
    assert address.text() == '"BEL:\\\x07 \\"x\\" \\\\" <sip:h>'
    assert NameAddr.parse(address.text(), "To") == address
    with pytest.raises(ValueError, match="line breaks"):
        NameAddr(SipUri(host="h"), "a\r\nVia: x").text()


@pytest.mark.parametrize(
    ("text", "transport", "host", "port", "branch"),
    [
        ("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "UDP", "192.0.2.1", 5060, "z9hG4bK1"),
        (
            "SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9  ",
            "TCP",
            "spindle.example.com",
            None,
            "z9hG4bK9",
        ),
        ("sip/2.0/TLS [2001:db8::1]:5061 ;rport;branch=z9hG4bK2", "TLS", "2001:db8::1", 5061, "z9hG4bK2"),
        ("SIP/2.0/UNKNOWN t5.example.com;branch=z9hG4bK3", "UNKNOWN", "t5.example.com", None, "z9hG4bK3"),
        ("SIP/2.0/UDP old.example.com", "UDP", "old.example.com", None, ""),
    ],
)
def test_hops(text: str, transport: str, host: str, port: int | None, branch: str) -> None:
    via = Via.parse(text)
    assert (via.transport, via.host, via.port, via.branch) == (transport, host, port, branch)
    assert Via.parse(via.text()) == via


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/3.0/UDP h",
        "HTTP/2.0/UDP h",
        "SIP/2.0 h",
        "SIP/2.0/UDP h;",
        "SIP/2.0/UDP 192.0.2.15;;,;,,",
        "SIP/2.0/UDP h:x",
    ],
)
def test_a_malformed_hop_is_refused(text: str) -> None:
    with pytest.raises(SipParseError, match=r"^Via: "):
        Via.parse(text)


def test_parameters_keep_order_and_spelling_and_are_found_without_case() -> None:
    parameters = Parameters.parse('A=1;b;c="x;y"', "Contact")
    assert parameters.text() == ';A=1;b;c="x;y"'
    assert (parameters.get("a"), parameters.get("B"), parameters.get("d")) == ("1", "", None)
    assert parameters.get_unquoted("c") == "x;y"
    assert parameters.with_value("B", "2").without("a").text() == ';b=2;c="x;y"'
    for pair in (("a", "x y"), ("a b", None), ("a=b", None), ("", None), ("a", 'x"')):
        with pytest.raises(ValueError, match="parameter"):
            Parameters((pair,))


def test_lists_are_split_outside_quotes_and_brackets() -> None:
    assert split_list('"a,b" <sip:x,y@h>, <sip:z@h>;p="1,2"', ",", "Contact") == [
        '"a,b" <sip:x,y@h>',
        '<sip:z@h>;p="1,2"',
    ]
    for text in ("a,,b", ",a", "a,", "", "<a", '"a'):
        with pytest.raises(SipParseError):
            split_list(text, ",", "Contact")


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE 1", "-1 INVITE", "1 INV ITE", "2147483648 INVITE", "٣ INVITE", "1 <x>"]
)
def test_a_malformed_cseq_is_refused(text: str) -> None:
    with pytest.raises(SipParseError, match=r"^CSeq: "):
        CSeq.parse(text)


def test_numbers_of_requests() -> None:
    assert CSeq.parse("0009   INVITE").text() == "9 INVITE"
    assert RAck.parse("776656 1 INVITE").text() == "776656 1 INVITE"


def test_quoting_is_undone() -> None:
    for text in ("", "plain", 'a"b\\c', "tab\tand \x07"):
        assert unquote(quote(text)) == text


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("sip:a@h", Peer(Transport.UDP, "h", 5060)),
        ("sip:a@h:5070;transport=TCP", Peer(Transport.TCP, "h", 5070)),
        ("sip:a@h;transport=tls", Peer(Transport.TLS, "h", 5061)),
        ("sips:a@h", Peer(Transport.TLS, "h", 5061)),
        ("sips:a@h;transport=tcp", Peer(Transport.TLS, "h", 5061)),
        ("sip:a@[2001:db8::1]", Peer(Transport.UDP, "2001:db8::1", 5060)),
    ],
)
def test_where_a_uri_is_sent_to(text: str, peer: Peer) -> None:
    assert peer_of(SipUri.parse(text)) == peer


@pytest.mark.parametrize(
    "text", ["tel:+123", "sip:a@h;transport=sctp", "mailto:x", "sips:a@h;transport=udp;x"]
)
def test_what_cannot_be_sent_to(text: str) -> None:
    with pytest.raises(SipParseError):
        peer_of(SipUri.parse(text))


def test_an_ipv6_address_of_ours_stands_in_brackets() -> None:
    assert Address("2001:db8::1", 5060).text() == "[2001:db8::1]:5060"
    assert Address("192.0.2.1", 5060).text() == "192.0.2.1:5060"
