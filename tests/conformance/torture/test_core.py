"""RFC 4475 and RFC 5118 read by the core: sound messages mean what they say, others are refused with their status or dropped."""

from collections.abc import Iterable

import pytest
from tests.conformance.torture import ipv6, malformed, meaning, well_formed
from tests.unit.cde.wire.sip.simulated_pair import SimulatedPair

from tonevault.cde.wire.sip.events import RequestReceived
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.validation import check_request, check_response

SOUND = well_formed.REQUESTS | malformed.FORGIVEN | ipv6.GOOD | ipv6.INVITES
SOUND |= {name: data for name, (data, status) in meaning.ANSWERED.items() if status not in {400, 416}}
REFUSED = malformed.REFUSED | {name: (data, 400) for name, data in ipv6.BAD.items()}
REFUSED |= {name: entry for name, entry in meaning.ANSWERED.items() if entry[1] in {400, 416}}


def read_request(data: bytes) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    check_request(message)
    return message


def test_no_message_is_missing() -> None:
    """Section 3 of RFC 4475 names 49."""
    named: list[Iterable[str]] = [
        *(
            well_formed.REQUESTS,
            well_formed.RESPONSES,
            malformed.REFUSED,
            malformed.FORGIVEN,
            malformed.DROPPED,
        ),
        *(meaning.ANSWERED, meaning.DROPPED),
    ]
    assert len({name for messages in named for name in messages}) == 49


@pytest.mark.parametrize("name", SOUND)
def test_sound_requests_reach_the_owner_and_survive_being_written(name: str) -> None:
    pair = SimulatedPair()
    pair.callee.stack.receive(SOUND[name], pair.caller.peer, pair.now)
    assert isinstance(pair.callee.stack.next_event(), RequestReceived)
    request = read_request(SOUND[name])
    again = read_request(request.encode())
    for message in (request, again):
        message.headers.remove("Content-Length")
    assert again == request


@pytest.mark.parametrize("name", REFUSED)
def test_spoilt_requests_are_answered_with_their_status(name: str) -> None:
    data, status = REFUSED[name]
    pair = SimulatedPair()
    for _ in range(2):
        pair.callee.stack.receive(data, pair.caller.peer, pair.now)
    first, second = pair.callee.stack.next_datagram(), pair.callee.stack.next_datagram()
    assert first is not None
    assert first == second, "a copy gets the same answer, To tag included, though nothing is kept"
    response = parse_message(first[1])
    assert isinstance(response, Response)
    assert response.status == status
    assert first[0].host == pair.caller.peer.host
    assert pair.callee.stack.next_event() is None
    assert pair.callee.stack.open_transactions == 0


@pytest.mark.parametrize("name", malformed.DROPPED | meaning.DROPPED)
def test_responses_that_cannot_be_ours_are_dropped(name: str) -> None:
    pair = SimulatedPair()
    pair.callee.stack.receive((malformed.DROPPED | meaning.DROPPED)[name], pair.caller.peer, pair.now)
    assert pair.callee.stack.next_datagram() is None
    assert pair.callee.stack.next_event() is None


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [("unreason", 200, "= 2**3 * 5**2 но сто девяносто девять - простое"), ("noreason", 100, "")],
)
def test_reasons_in_any_language_or_none(name: str, status: int, reason: str) -> None:
    response = parse_message(well_formed.RESPONSES[name])
    assert isinstance(response, Response)
    check_response(response)
    assert (response.status, response.reason) == (status, reason)


def test_wsinv() -> None:
    request = read_request(well_formed.WSINV)
    assert request.uri.parameters.get("unknownparam") == ""
    assert (request.to.tag, request.from_.tag, request.from_.display) == (
        "1918181833n",
        "98asjd8",
        'J Rosenberg \\"',
    )
    assert (request.max_forwards, request.cseq.number, len(request.body)) == (68, 9, 150)
    assert [(via.transport, via.host, via.branch) for via in request.vias] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert request.headers.get("Subject") == ""
    assert request.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert request.routes[0].uri.is_loose_router
    contact = request.contact
    assert contact is not None
    assert (contact.display, contact.parameters.items) == (
        'Quoted string ""',
        (("newparam", "newvalue"), ("secondparam", None), ("q", "0.33")),
    )


def test_intmeth() -> None:
    request = read_request(well_formed.INTMETH)
    assert request.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert request.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert request.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert request.from_.display == "token1~` token2'+_ token3*%!.-"
    assert request.from_.parameters.get_unquoted("fromParam''~+*_!.-%") == "работающий"
    assert request.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"
    assert "interesting" not in repr(request)


def test_escapes_are_kept_and_undone_on_demand() -> None:
    request = read_request(well_formed.ESC01)
    assert (request.uri.user_text, request.uri.host) == ("sips:user@example.com", "example.net")
    assert (request.to.uri.user_text, request.from_.uri.user_text) == ("user", "I have spaces")
    assert [contact.uri.user_text for contact in read_request(well_formed.ESCNULL).contacts] == ["\0", "\0\0"]
    extension = read_request(well_formed.ESC02)
    assert extension.method == "RE%47IST%45R"
    assert (extension.from_.display, len(extension.contacts)) == ("%Z%45", 2)


def test_the_others_mean_what_they_say() -> None:
    assert read_request(well_formed.LWSDISP).from_.display == "caller"
    assert read_request(well_formed.DBLREQ).body == b""
    assert read_request(well_formed.SEMIURI).uri.user_text == "user;par=u@example.net"
    transports = [via.transport for via in read_request(well_formed.TRANSPORTS).vias]
    assert transports == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]
    long = read_request(well_formed.LONGREQ)
    assert (len(long.vias), len(long.via.host), len(long.body)) == (34, 17, 150)
    old = read_request(well_formed.INV2543)
    assert (old.from_.tag, old.max_forwards, old.contact) == (None, None, None)
    assert b"\x00\x01\r\n\r\n\xff\xfe" in read_request(well_formed.MPART01).body
    assert read_request(malformed.BADASPEC).to.uri.host == "example.org"


def test_a_parameter_behind_a_bare_address_belongs_to_the_contact() -> None:
    """Sections 3.3.12 and 3.3.13: outside angle brackets it is the header's, within them the address's."""
    outside, within = read_request(meaning.CPARAM01).contact, read_request(meaning.CPARAM02).contact
    assert outside is not None
    assert within is not None
    assert ("unknownparam" in outside.parameters, "unknownparam" in outside.uri.parameters) == (True, False)
    assert ("unknownparam" in within.parameters, "unknownparam" in within.uri.parameters) == (False, True)
    escaped = read_request(meaning.REGESCRT).contact
    assert escaped is not None
    assert escaped.uri.header("Route") == "<sip:sip.example.com>"


def test_ipv6_addresses_keep_their_ports_apart() -> None:
    """RFC 5118 sections 4.3 and 4.4."""
    ambiguous, clear = (read_request(ipv6.GOOD[f"port-{name}"]).uri for name in ("ambiguous", "unambiguous"))
    assert (ambiguous.host, ambiguous.port) == ("2001:db8::10:5070", None)
    assert (clear.host, clear.port) == ("2001:db8::10", 5070)
    for name in ("with", "no"):
        assert "2001:db8::9:255" in (
            read_request(ipv6.GOOD[f"via-received-param-{name}-delim"]).via.parameters.get("received") or ""
        )


def test_three_colons_break_nothing() -> None:
    pair = SimulatedPair()
    for data in ipv6.DOUBTFUL.values():
        pair.callee.stack.receive(data, pair.caller.peer, pair.now)


def test_a_refusal_does_not_repeat_what_was_wrong() -> None:
    pair = SimulatedPair()
    canary = "4242424242424242"
    spoilt = malformed.ESCRURI.replace(b"Max-Forwards: 7", f"Max-Forwards: {canary}".encode())
    pair.callee.stack.receive(spoilt, pair.caller.peer, pair.now)
    datagram = pair.callee.stack.next_datagram()
    assert datagram is not None
    assert canary.encode() not in datagram[1]
