"""The torture messages of RFC 4475: sound ones are read as they are meant, others refused with the right status or dropped."""

import pytest
from tests.unit.cde.wire.sip import torture
from tests.unit.cde.wire.sip.simulated_pair import SimulatedPair

from tonevault.cde.wire.sip.events import RequestReceived
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.validation import check_request, check_response


def read_request(data: bytes) -> Request:
    message = parse_message(data)
    assert isinstance(message, Request)
    check_request(message)
    return message


@pytest.mark.parametrize("name", torture.WELL_FORMED_REQUESTS)
def test_sound_requests_reach_the_owner_and_survive_being_written(name: str) -> None:
    pair = SimulatedPair()
    data = torture.WELL_FORMED_REQUESTS[name]
    pair.callee.stack.receive(data, pair.caller.peer, pair.now)
    event = pair.callee.stack.next_event()
    assert isinstance(event, RequestReceived)
    request = read_request(data)
    again = read_request(request.encode())
    for message in (request, again):
        message.headers.remove("Content-Length")
    assert again == request


def test_wsinv() -> None:
    request = read_request(torture.WSINV)
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
    request = read_request(torture.INTMETH)
    assert request.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert request.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert request.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert request.from_.display == "token1~` token2'+_ token3*%!.-"
    assert request.from_.parameters.get_unquoted("fromParam''~+*_!.-%") == "работающий"
    assert request.headers.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"
    assert "interesting" not in repr(request)


def test_escapes_are_kept_and_undone_on_demand() -> None:
    request = read_request(torture.ESC01)
    assert (request.uri.user_text, request.uri.host) == ("sips:user@example.com", "example.net")
    assert (request.to.uri.user_text, request.from_.uri.user_text) == ("user", "I have spaces")
    assert [contact.uri.user_text for contact in read_request(torture.ESCNULL).contacts] == ["\0", "\0\0"]
    extension = read_request(torture.ESC02)
    assert extension.method == "RE%47IST%45R"
    assert (extension.from_.display, len(extension.contacts)) == ("%Z%45", 2)


def test_the_others_mean_what_they_say() -> None:
    assert read_request(torture.LWSDISP).from_.display == "caller"
    assert read_request(torture.DBLREQ).body == b""
    assert read_request(torture.SEMIURI).uri.user_text == "user;par=u@example.net"
    assert [via.transport for via in read_request(torture.TRANSPORTS).vias] == [
        "UDP",
        "SCTP",
        "TLS",
        "UNKNOWN",
        "TCP",
    ]
    assert len(read_request(torture.LONGREQ).vias) == 33
    old = read_request(torture.INV2543)
    assert (old.from_.tag, old.max_forwards, old.contact) == (None, None, None)
    assert b"\x00\x01\r\n\r\n\xff\xfe" in read_request(torture.MPART01).body


def test_reasons_in_any_language_or_none() -> None:
    for data, status, reason in (
        (torture.UNREASON, 200, "= 2**3 * 5**2 но сто девяносто девять - простое"),
        (torture.NOREASON, 100, ""),
    ):
        response = parse_message(data)
        assert isinstance(response, Response)
        check_response(response)
        assert (response.status, response.reason) == (status, reason)


@pytest.mark.parametrize("name", torture.REFUSED)
def test_spoilt_requests_are_answered_with_their_status(name: str) -> None:
    data, status = torture.REFUSED[name]
    pair = SimulatedPair()
    for _ in range(2):
        pair.callee.stack.receive(data, pair.caller.peer, pair.now)
    first, second = pair.callee.stack.next_datagram(), pair.callee.stack.next_datagram()
    assert first is not None
    assert first == second, "a copy gets the same answer, To tag included, though nothing is kept"
    response = parse_message(first[1])
    assert isinstance(response, Response)
    assert response.status == status
    assert first[0] == pair.caller.peer
    assert pair.callee.stack.next_event() is None
    assert pair.callee.stack.open_transactions == 0


@pytest.mark.parametrize("name", torture.DROPPED)
def test_what_cannot_be_answered_is_dropped(name: str) -> None:
    pair = SimulatedPair()
    pair.callee.stack.receive(torture.DROPPED[name], pair.caller.peer, pair.now)
    assert pair.callee.stack.next_datagram() is None
    assert pair.callee.stack.next_event() is None


def test_a_refusal_does_not_repeat_what_was_wrong() -> None:
    pair = SimulatedPair()
    canary = "4242424242424242"
    pair.callee.stack.receive(
        torture.spoilt(Max_Forwards=canary, Contact=f"<{canary}"), pair.caller.peer, pair.now
    )
    datagram = pair.callee.stack.next_datagram()
    assert datagram is not None
    assert canary.encode() not in datagram[1]
