"""Reliable provisional responses: repeated until their PRACK, one at a time, placed in order (RFC 3262)."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import SimulatedPair, make_request

from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import PrackTimedOut, RequestReceived, ResponseReceived
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Transport
from tonevault.cde.wire.sip.reliable import (
    Order,
    ReliableReceiver,
    is_reliable,
    make_reliable,
    rack_for,
    rack_of,
)
from tonevault.cde.wire.sip.response import make_response


def ring(transport: Transport = Transport.UDP) -> tuple[SimulatedPair, Request, RequestReceived]:
    pair = SimulatedPair(transport)
    invite = make_request()
    pair.caller.stack.send_request(invite, pair.callee.peer, pair.now)
    pair.settle()
    return pair, invite, pair.callee.only(RequestReceived)


def respond(pair: SimulatedPair, received: RequestReceived, status: int, rseq: int | None = None) -> Response:
    response = make_response(received.request, status, to_tag="callee")
    response.headers.add("Contact", "<sip:agent@192.0.2.2>")
    if rseq is not None:
        make_reliable(response, rseq)
    pair.callee.stack.respond(received.key, response, pair.now)
    pair.settle()
    return response


def prack(pair: SimulatedPair, invite: Request, response: Response, dialog: Dialog | None = None) -> Dialog:
    dialog = dialog or Dialog.as_caller(invite, response)
    request = dialog.request("PRACK")
    request.headers.add("RAck", rack_for(response))
    pair.caller.stack.send_request(request, pair.callee.peer, pair.now)
    pair.settle()
    return dialog


@pytest.mark.parametrize("transport", list(Transport))
def test_it_is_repeated_without_a_bound_on_the_interval_until_the_prack(transport: Transport) -> None:
    pair, invite, received = ring(transport)
    response = respond(pair, received, 183, 10)
    pair.run(16)
    assert pair.sent(pair.callee, "SIP/2.0 183") == [0, 0.5, 1.5, 3.5, 7.5, 15.5]
    prack(pair, invite, response)
    pair.run(100)
    assert len(pair.sent(pair.callee, "SIP/2.0 183")) == 6
    assert [event.request.method for event in pair.callee.of(RequestReceived)] == ["INVITE", "PRACK"]
    assert pair.callee.of(PrackTimedOut) == []


def test_a_missing_prack_is_reported_after_32_s_and_the_call_can_be_refused() -> None:
    pair, _, received = ring()
    respond(pair, received, 183, 10)
    pair.run(32.1)
    assert pair.callee.only(PrackTimedOut) == PrackTimedOut(received.key)
    respond(pair, received, 504)
    pair.run(100)
    assert pair.caller.of(ResponseReceived)[-1].response.status == 504
    assert len(pair.sent(pair.callee, "SIP/2.0 183")) == 7


def test_a_prack_of_another_number_changes_nothing() -> None:
    pair, invite, received = ring()
    response = respond(pair, received, 183, 10)
    other = response.copy()
    other.headers.set("RSeq", "11")
    prack(pair, invite, other)
    pair.run(1)
    assert pair.sent(pair.callee, "SIP/2.0 183") == [0, 0.5]


def test_a_second_one_waits_for_the_prack_of_the_first() -> None:
    pair, invite, received = ring()
    first = respond(pair, received, 183, 10)
    respond(pair, received, 180, 11)
    assert pair.sent(pair.callee, "SIP/2.0 180") == []
    prack(pair, invite, first)
    assert pair.sent(pair.callee, "SIP/2.0 180") == [0]
    pair.run(0.6)
    assert pair.sent(pair.callee, "SIP/2.0 180") == [0, 0.5]


def test_a_final_response_ends_the_repetition_and_a_late_prack_does_not_stop_the_2xx() -> None:
    pair, invite, received = ring(Transport.TCP)
    reliable = respond(pair, received, 183, 10)
    respond(pair, received, 200)
    prack(pair, invite, reliable)
    pair.run(2)
    assert pair.sent(pair.callee, "SIP/2.0 183") == [0]
    assert pair.sent(pair.callee, "SIP/2.0 200") == [0, 0.5, 1.5]


def test_a_refusal_over_a_stream_ends_the_repetition() -> None:
    pair, _, received = ring(Transport.TCP)
    respond(pair, received, 183, 10)
    pair.lose = lambda line: line.startswith("ACK")
    respond(pair, received, 486)
    pair.run(20)
    assert pair.sent(pair.callee, "SIP/2.0 183") == [0]
    assert pair.sent(pair.callee, "SIP/2.0 486") == [0]


def reliable(rseq: str) -> Response:
    response = make_response(make_request(), 183, to_tag="callee")
    response.headers.add("RSeq", rseq)
    response.headers.add("Require", "100rel")
    return response


def test_received_ones_are_placed_in_order() -> None:
    receiver = ReliableReceiver()
    orders = [receiver.receive(reliable(str(number))) for number in (5, 5, 7, 6, 7, 6)]
    assert orders == [Order.NEW, Order.AGAIN, Order.EARLY, Order.NEW, Order.NEW, Order.AGAIN]


@pytest.mark.parametrize("value", ["0", "-1", "x", "", "4294967296"])
def test_a_malformed_rseq_is_refused(value: str) -> None:
    with pytest.raises(SipParseError, match="RSeq"):
        ReliableReceiver().receive(reliable(value))


def test_only_101_to_199_with_rseq_and_require_are_reliable() -> None:
    response = make_response(make_request(), 180, to_tag="x")
    assert not is_reliable(response)
    response.headers.add("RSeq", "1")
    assert not is_reliable(response)
    response.headers.add("Require", "timer, 100REL")
    assert is_reliable(response)
    response.status = 200
    assert not is_reliable(response)
    with pytest.raises(ValueError, match="101 to 199"):
        make_reliable(make_response(make_request(), 100), 1)


def test_rack_names_the_response() -> None:
    request = make_request("PRACK")
    request.headers.add("RAck", rack_for(reliable("776656")))
    rack = rack_of(request)
    assert (rack.rseq, rack.cseq.number, rack.cseq.method) == (776656, 1, "INVITE")
    request.headers.set("RAck", "776656 INVITE")
    with pytest.raises(SipParseError, match="RAck"):
        rack_of(request)
