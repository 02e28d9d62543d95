"""Client transactions in simulated time: retransmission, time-outs, acknowledgement (RFC 3261 section 17.1, RFC 6026)."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import SimulatedPair, make_request

from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.errors import SipLimitError, SipParseError
from tonevault.cde.wire.sip.events import (
    RequestReceived,
    ResponseReceived,
    TransactionTimedOut,
    TransportFailed,
)
from tonevault.cde.wire.sip.message import Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.peer import Transport
from tonevault.cde.wire.sip.response import make_response


def answer(pair: SimulatedPair, status: int, tag: str = "callee") -> Response:
    """The callee answers the one request it has."""
    received = pair.callee.of(RequestReceived)[-1]
    response = make_response(received.request, status, to_tag=tag)
    response.headers.add("Contact", "<sip:agent@192.0.2.2:5060>")
    pair.callee.stack.respond(received.key, response, pair.now)
    pair.settle()
    return response


def statuses(pair: SimulatedPair) -> list[int]:
    return [event.response.status for event in pair.caller.of(ResponseReceived)]


def test_timer_a_doubles_and_timer_b_gives_up_after_32_s() -> None:
    pair = SimulatedPair()
    pair.lose = lambda line: line.startswith("INVITE")
    key = pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    pair.run(60)
    assert pair.sent(pair.caller, "INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert pair.caller.events == [TransactionTimedOut(key)]
    assert pair.caller.stack.open_transactions == 0
    assert pair.caller.stack.next_timer() is None


def test_timer_e_stops_growing_at_t2_and_timer_f_gives_up() -> None:
    pair = SimulatedPair()
    pair.lose = lambda line: line.startswith("OPTIONS")
    key = pair.caller.stack.send_request(make_request("OPTIONS"), pair.callee.peer, pair.now)
    pair.run(60)
    assert pair.sent(pair.caller, "OPTIONS") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert pair.caller.events == [TransactionTimedOut(key)]


def test_timer_e_runs_at_t2_once_a_provisional_response_is_in() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request("OPTIONS"), pair.callee.peer, pair.now)
    pair.settle()
    answer(pair, 100)
    pair.run(10)
    assert pair.sent(pair.caller, "OPTIONS") == [0, 0.5, 4.5, 8.5]
    assert pair.sent(pair.callee, "SIP/2.0 100") == [0, 0.5, 4.5, 8.5]


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_nothing_is_retransmitted_over_a_stream_and_the_time_out_stays(
    transport: Transport, method: str
) -> None:
    pair = SimulatedPair(transport)
    pair.lose = lambda line: line.startswith(method)
    key = pair.caller.stack.send_request(make_request(method), pair.callee.peer, pair.now)
    pair.run(31.9)
    assert pair.caller.events == []
    pair.run(0.2)
    assert pair.sent(pair.caller, method) == [0]
    assert pair.caller.events == [TransactionTimedOut(key)]


def test_a_provisional_response_stops_timers_a_and_b() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    pair.run(300)
    assert pair.sent(pair.caller, "INVITE") == [0]
    assert statuses(pair) == [100]
    answer(pair, 180)
    assert statuses(pair) == [100, 180]


def test_a_failure_is_acknowledged_each_time_and_reported_once() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    pair.settle()
    lost = iter([True, True, False])
    pair.lose = lambda line: line.startswith("ACK") and next(lost)
    answer(pair, 486)
    pair.run(60)
    assert pair.sent(pair.callee, "SIP/2.0 486") == [0, 0.5, 1.5]
    assert pair.sent(pair.caller, "ACK") == [0, 0.5, 1.5]
    assert statuses(pair) == [100, 486]
    assert pair.caller.stack.open_transactions == pair.callee.stack.open_transactions == 0


def test_timer_d_keeps_a_failed_invite_for_32_s_over_udp_and_not_at_all_over_tcp() -> None:
    for transport, kept in ((Transport.UDP, 1), (Transport.TCP, 0)):
        pair = SimulatedPair(transport)
        pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
        pair.settle()
        answer(pair, 404)
        pair.run(31.9)
        assert pair.caller.stack.open_transactions == kept
        pair.run(0.2)
        assert pair.caller.stack.open_transactions == 0


def test_timer_k_absorbs_late_copies_for_t4() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request("OPTIONS"), pair.callee.peer, pair.now)
    pair.settle()
    response = answer(pair, 200)
    assert pair.caller.stack.open_transactions == 1
    pair.caller.stack.receive(response.encode(), pair.callee.peer, pair.now)
    pair.settle()
    assert statuses(pair) == [200]
    pair.run(5.1)
    assert pair.caller.stack.open_transactions == 0


def test_a_repeated_2xx_is_met_with_the_kept_ack() -> None:
    pair = SimulatedPair()
    invite = make_request()
    pair.caller.stack.send_request(invite, pair.callee.peer, pair.now)
    pair.settle()
    pair.lose = lambda line: line.startswith("ACK")
    response = answer(pair, 200)
    dialog = Dialog.as_caller(invite, response)
    pair.caller.stack.send_ack(dialog.ack(invite), pair.callee.peer, pair.now)
    pair.run(0.9)
    assert pair.sent(pair.caller, "ACK") == [0, 0.5]
    pair.lose = lambda _: False
    pair.run(40)
    assert pair.sent(pair.callee, "SIP/2.0 200") == [0, 0.5, 1.5]
    assert pair.sent(pair.caller, "ACK") == [0, 0.5, 1.5]
    assert statuses(pair) == [100, 200]
    assert pair.caller.stack.open_transactions == 0


def test_a_repeated_2xx_before_the_ack_is_absorbed() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    pair.settle()
    answer(pair, 200)
    pair.run(4)
    assert len(pair.sent(pair.callee, "SIP/2.0 200")) > 2
    assert statuses(pair) == [100, 200]


def test_two_phones_that_answer_a_forked_invite_are_both_reported() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    pair.settle()
    received = pair.callee.only(RequestReceived)
    for tag in ("first", "second", "first"):
        response = make_response(received.request, 200, to_tag=tag)
        pair.caller.stack.receive(response.encode(), pair.callee.peer, pair.now)
    pair.settle()
    heard = [
        event.response.to.tag for event in pair.caller.of(ResponseReceived) if event.response.status == 200
    ]
    assert heard == ["first", "second"]


def test_timer_m_ends_an_accepted_invite_after_32_s_on_every_transport() -> None:
    for transport in Transport:
        pair = SimulatedPair(transport)
        pair.lose = lambda line: line.startswith("ACK")
        pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
        pair.settle()
        answer(pair, 200)
        pair.run(31.9)
        assert pair.caller.stack.open_transactions == 1
        pair.run(0.2)
        assert pair.caller.stack.open_transactions == 0


def test_a_response_to_nothing_is_dropped() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request("OPTIONS"), pair.callee.peer, pair.now)
    pair.settle()
    received = pair.callee.only(RequestReceived)
    response = make_response(received.request, 200, to_tag="x")
    response.headers.set("CSeq", "1 INFO")
    pair.caller.stack.receive(response.encode(), pair.callee.peer, pair.now)
    pair.settle()
    assert statuses(pair) == []


def test_a_response_with_two_vias_is_dropped() -> None:
    pair = SimulatedPair()
    pair.caller.stack.send_request(make_request("OPTIONS"), pair.callee.peer, pair.now)
    pair.settle()
    response = make_response(pair.callee.only(RequestReceived).request, 200, to_tag="x")
    response.headers.add("Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKother")
    pair.caller.stack.receive(response.encode(), pair.callee.peer, pair.now)
    pair.settle()
    assert statuses(pair) == []


def test_a_failed_transport_ends_requests_that_wait_for_an_answer() -> None:
    pair = SimulatedPair(Transport.TCP)
    pair.lose = lambda _: True
    invite = pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    options = pair.caller.stack.send_request(make_request("OPTIONS", call_id="2"), pair.callee.peer, pair.now)
    pair.caller.stack.transport_failed(pair.callee.peer, pair.now)
    pair.settle()
    assert pair.caller.events == [TransportFailed(invite), TransportFailed(options)]
    assert pair.caller.stack.open_transactions == 0


def test_a_failed_transport_leaves_an_invite_that_rings() -> None:
    pair = SimulatedPair(Transport.TCP)
    pair.caller.stack.send_request(make_request(), pair.callee.peer, pair.now)
    pair.settle()
    pair.caller.stack.transport_failed(pair.callee.peer, pair.now)
    pair.settle()
    assert pair.caller.of(TransportFailed) == []
    answer(pair, 200)
    assert statuses(pair) == [100, 200]


def test_branches_differ_and_the_owners_request_is_not_touched() -> None:
    pair = SimulatedPair()
    request = make_request("OPTIONS")
    keys = {pair.caller.stack.send_request(request, pair.callee.peer, pair.now) for _ in range(20)}
    assert len(keys) == 20
    assert "Via" not in request.headers


def test_max_forwards_is_added_where_it_is_missing_and_kept_where_it_is_not() -> None:
    pair = SimulatedPair()
    request = make_request("OPTIONS")
    pair.caller.stack.send_request(request, pair.callee.peer, pair.now)
    request.headers.add("Max-Forwards", "12")
    pair.caller.stack.send_request(request, pair.callee.peer, pair.now)
    pair.caller.stack.send_ack(make_request("ACK"), pair.callee.peer, pair.now)
    sent = [parse_message(datagram[1]) for _ in range(3) if (datagram := pair.caller.stack.next_datagram())]
    assert [message.max_forwards for message in sent] == [70, 12, 70]


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_ack_and_cancel_have_verbs_of_their_own(method: str) -> None:
    pair = SimulatedPair()
    with pytest.raises(ValueError, match="send_ack and cancel"):
        pair.caller.stack.send_request(make_request(method), pair.callee.peer, pair.now)


@pytest.mark.parametrize("missing", ["From", "Call-ID", "CSeq"])
def test_a_request_without_its_identity_is_refused_and_leaves_nothing_behind(missing: str) -> None:
    pair = SimulatedPair()
    request = make_request()
    request.headers.remove(missing)
    with pytest.raises(SipParseError, match=missing):
        pair.caller.stack.send_request(request, pair.callee.peer, pair.now)
    assert pair.caller.stack.open_transactions == 0
    assert pair.caller.stack.next_datagram() is None


def test_a_request_beyond_the_size_of_a_datagram_is_refused() -> None:
    pair = SimulatedPair()
    with pytest.raises(SipLimitError, match="65535 bytes"):
        pair.caller.stack.send_request(make_request(body=b"x" * 66_000), pair.callee.peer, pair.now)
    assert pair.caller.stack.open_transactions == 0


def test_too_many_open_requests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tonevault.cde.wire.sip.client_side.MAX_CLIENT_TRANSACTIONS", 2)
    pair = SimulatedPair()
    for number in range(2):
        pair.caller.stack.send_request(make_request("OPTIONS", cseq=number), pair.callee.peer, pair.now)
    with pytest.raises(SipLimitError, match="await their answers"):
        pair.caller.stack.send_request(make_request("OPTIONS", cseq=9), pair.callee.peer, pair.now)
