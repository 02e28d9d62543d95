"""CANCEL from both sides, and the moments at which it crosses something else (RFC 3261 section 9)."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import SimulatedPair, make_request

from tonevault.cde.wire.sip.events import (
    CancelReceived,
    ClientKey,
    RequestReceived,
    ResponseReceived,
    TransactionTimedOut,
)
from tonevault.cde.wire.sip.peer import Transport
from tonevault.cde.wire.sip.response import make_response


def call(pair: SimulatedPair, method: str = "INVITE") -> ClientKey:
    key = pair.caller.stack.send_request(make_request(method), pair.callee.peer, pair.now)
    pair.settle()
    return key


def respond(pair: SimulatedPair, status: int) -> None:
    received = pair.callee.only(RequestReceived)
    response = make_response(received.request, status, to_tag="callee")
    pair.callee.stack.respond(received.key, response, pair.now)
    pair.settle()


@pytest.mark.parametrize("transport", list(Transport))
def test_a_ringing_call_is_cancelled(transport: Transport) -> None:
    pair = SimulatedPair(transport)
    key = call(pair)
    respond(pair, 180)
    pair.caller.stack.cancel(key, pair.now)
    pair.settle()
    received = pair.callee.only(RequestReceived)
    assert pair.callee.only(CancelReceived).key == received.key
    respond(pair, 487)
    pair.run(60)
    assert [event.response.status for event in pair.caller.of(ResponseReceived)] == [100, 180, 487]
    assert len(pair.sent(pair.caller, "CANCEL")) == 1
    assert pair.sent(pair.callee, "SIP/2.0 200") == [0]
    assert pair.caller.stack.open_transactions == pair.callee.stack.open_transactions == 0


def test_a_cancel_waits_for_the_first_provisional_response() -> None:
    pair = SimulatedPair()
    pair.lose = lambda line: line.startswith("INVITE")
    key = pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    pair.caller.stack.cancel(key, pair.now)
    pair.run(0.4)
    assert pair.sent(pair.caller, "CANCEL") == []
    pair.lose = lambda _: False
    pair.run(0.2)
    assert pair.sent(pair.caller, "CANCEL") == [0.5]
    assert len(pair.callee.of(CancelReceived)) == 1


def test_a_cancel_is_sent_once_however_often_it_is_asked_for() -> None:
    pair = SimulatedPair()
    key = call(pair)
    for _ in range(3):
        pair.caller.stack.cancel(key, pair.now)
    pair.settle()
    respond(pair, 180)
    assert len(pair.sent(pair.caller, "CANCEL")) == 1


def test_a_lost_cancel_is_repeated_and_reported_once() -> None:
    pair = SimulatedPair()
    key = call(pair)
    lost = iter([True, False, False])
    pair.lose = lambda line: line.startswith("CANCEL") and next(lost)
    pair.caller.stack.cancel(key, pair.now)
    pair.run(2)
    assert pair.sent(pair.caller, "CANCEL") == [0, 0.5]
    assert len(pair.callee.of(CancelReceived)) == 1


def test_copies_of_a_cancel_are_answered_and_reported_once() -> None:
    pair = SimulatedPair()
    key = call(pair)
    lost = iter([True, True, False])
    pair.lose = lambda line: line.startswith("SIP/2.0 200") and next(lost)
    pair.caller.stack.cancel(key, pair.now)
    pair.run(4)
    assert len(pair.sent(pair.callee, "SIP/2.0 200")) == 3
    assert len(pair.callee.of(CancelReceived)) == 1


def test_a_cancelled_call_without_a_final_response_ends_after_32_s() -> None:
    pair = SimulatedPair()
    key = call(pair)
    pair.caller.stack.cancel(key, pair.now)
    pair.run(31.9)
    assert pair.caller.of(TransactionTimedOut) == []
    pair.run(0.2)
    assert pair.caller.only(TransactionTimedOut) == TransactionTimedOut(key)
    pair.run(10)
    assert pair.caller.stack.open_transactions == 0


def test_a_cancel_that_nobody_answers_makes_no_event_of_its_own() -> None:
    pair = SimulatedPair()
    key = call(pair)
    pair.lose = lambda line: line.startswith("CANCEL")
    pair.caller.stack.cancel(key, pair.now)
    pair.run(60)
    assert [type(event) for event in pair.caller.events] == [ResponseReceived, TransactionTimedOut]


def test_a_2xx_that_crosses_the_cancel_is_reported() -> None:
    pair = SimulatedPair()
    key = call(pair)
    respond(pair, 200)
    pair.caller.stack.cancel(key, pair.now)
    pair.settle()
    assert pair.sent(pair.caller, "CANCEL") == []
    assert [event.response.status for event in pair.caller.of(ResponseReceived)] == [100, 200]


def test_a_cancel_after_the_final_response_is_answered_and_changes_nothing() -> None:
    pair = SimulatedPair()
    key = call(pair)
    pair.lose = lambda line: line.startswith("SIP/2.0 200")
    respond(pair, 200)
    pair.caller.stack.cancel(key, pair.now)
    pair.settle()
    assert pair.callee.of(CancelReceived) == []


def test_a_cancel_of_nothing_is_answered_481() -> None:
    pair = SimulatedPair()
    cancel = make_request("CANCEL")
    cancel.headers.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnone;rport")
    pair.callee.stack.receive(cancel.encode(), pair.caller.peer, pair.now)
    pair.settle()
    assert [line for _, _, line in pair.log] == ["SIP/2.0 481 Call/Transaction Does Not Exist"]
    assert pair.callee.events == []


def test_only_invites_are_cancelled() -> None:
    pair = SimulatedPair()
    key = call(pair, "INFO")
    pair.caller.stack.cancel(key, pair.now)
    pair.settle()
    assert pair.sent(pair.caller, "CANCEL") == []


def test_a_cancel_takes_the_route_and_the_branch_of_its_invite() -> None:
    pair = SimulatedPair()
    invite = make_request()
    invite.headers.add("Route", "<sip:192.0.2.2;lr>")
    key = pair.caller.stack.send_request(invite, pair.callee.peer, pair.now)
    pair.settle()
    pair.caller.stack.cancel(key, pair.now)
    pair.settle()
    cancel = pair.callee.only(CancelReceived).request
    received = pair.callee.only(RequestReceived).request
    assert cancel.via.branch == received.via.branch
    assert cancel.headers.get_all("Route") == ["<sip:192.0.2.2;lr>"]
    assert (cancel.cseq.number, cancel.cseq.method) == (1, "CANCEL")
    assert cancel.uri == received.uri
