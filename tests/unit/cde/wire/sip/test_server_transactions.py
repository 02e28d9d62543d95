"""Server transactions in simulated time: absorbed copies, repeated answers, ACKs, limits (RFC 3261 sections 8.2 and 17.2, RFC 6026)."""

import pytest
from tests.unit.cde.wire.sip.simulated_pair import SimulatedPair, make_request

from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import (
    AckReceived,
    AckTimedOut,
    RequestReceived,
    ResponseReceived,
    TransportFailed,
)
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.response import make_response


def deliver(pair: SimulatedPair, request: Request, via: str, source: Peer | None = None) -> None:
    """Hand the callee a request as if some other peer had sent it."""
    copy = request.copy()
    copy.headers.prepend("Via", via)
    pair.callee.stack.receive(copy.encode(), source or pair.caller.peer, pair.now)


def take_answers(pair: SimulatedPair) -> list[tuple[Peer, Response]]:
    """What the callee has sent, parsed."""
    taken: list[tuple[Peer, Response]] = []
    while (datagram := pair.callee.stack.next_datagram()) is not None:
        message = parse_message(datagram[1])
        assert isinstance(message, Response)
        taken.append((datagram[0], message))
    return taken


def ring_through(transport: Transport = Transport.UDP) -> tuple[SimulatedPair, Request, RequestReceived]:
    """An INVITE that has reached the callee."""
    pair = SimulatedPair(transport)
    invite = make_request()
    pair.caller.stack.send_request(invite, pair.callee.peer, pair.now)
    pair.settle()
    return pair, invite, pair.callee.only(RequestReceived)


def respond(pair: SimulatedPair, received: RequestReceived, status: int) -> Response:
    response = make_response(received.request, status, to_tag="callee")
    response.headers.add("Contact", "<sip:agent@192.0.2.2:5060>")
    pair.callee.stack.respond(received.key, response, pair.now)
    pair.settle()
    return response


VIA = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone;rport"


def test_an_invite_is_answered_100_at_once_and_other_requests_are_not() -> None:
    pair, _, _ = ring_through()
    assert pair.sent(pair.callee, "SIP/2.0 100") == [0]
    pair.caller.stack.send_request(make_request("INFO", cseq=2), pair.callee.peer, pair.now)
    pair.settle()
    assert len(pair.sent(pair.callee, "SIP/2.0")) == 1


def test_a_repeated_invite_gets_the_last_provisional_response_and_makes_no_event() -> None:
    pair = SimulatedPair()
    deliver(pair, make_request(), VIA)
    pair.settle()
    received = pair.callee.only(RequestReceived)
    respond(pair, received, 180)
    deliver(pair, make_request(), VIA)
    pair.settle()
    assert len(pair.callee.events) == 1
    assert [line for _, _, line in pair.log] == [
        "SIP/2.0 100 Trying",
        "SIP/2.0 180 Ringing",
        "SIP/2.0 180 Ringing",
    ]


def test_timer_g_repeats_a_failure_and_timer_h_reports_the_missing_ack() -> None:
    pair, _, received = ring_through()
    pair.lose = lambda line: line.startswith("ACK")
    respond(pair, received, 503)
    pair.run(60)
    assert pair.sent(pair.callee, "SIP/2.0 503") == [
        0,
        0.5,
        1.5,
        3.5,
        7.5,
        11.5,
        15.5,
        19.5,
        23.5,
        27.5,
        31.5,
    ]
    assert pair.callee.only(AckTimedOut) == AckTimedOut(received.key, 503)
    assert pair.callee.stack.open_transactions == 0


def test_timer_i_absorbs_copies_of_the_ack_for_t4() -> None:
    pair, _, received = ring_through()
    respond(pair, received, 486)
    assert pair.callee.stack.open_transactions == 1
    pair.run(4.9)
    assert pair.callee.stack.open_transactions == 1
    pair.run(0.2)
    assert pair.callee.stack.open_transactions == 0
    assert pair.callee.of(AckTimedOut) == []


@pytest.mark.parametrize("transport", list(Transport))
def test_a_2xx_is_repeated_on_every_transport_until_its_ack(transport: Transport) -> None:
    pair, invite, received = ring_through(transport)
    response = respond(pair, received, 200)
    pair.run(3)
    assert pair.sent(pair.callee, "SIP/2.0 200") == [0, 0.5, 1.5]
    pair.caller.stack.send_ack(Dialog.as_caller(invite, response).ack(invite), pair.callee.peer, pair.now)
    pair.run(60)
    assert pair.sent(pair.callee, "SIP/2.0 200") == [0, 0.5, 1.5]
    assert pair.callee.only(AckReceived).key == received.key
    assert pair.callee.of(AckTimedOut) == []
    assert pair.callee.stack.open_transactions == 0


def test_a_2xx_that_nobody_acknowledges_is_reported_after_32_s() -> None:
    pair, _, received = ring_through()
    respond(pair, received, 200)
    pair.run(60)
    assert pair.sent(pair.callee, "SIP/2.0 200") == [
        0,
        0.5,
        1.5,
        3.5,
        7.5,
        11.5,
        15.5,
        19.5,
        23.5,
        27.5,
        31.5,
    ]
    assert pair.callee.only(AckTimedOut) == AckTimedOut(received.key, 200)


def test_an_ack_to_a_2xx_is_reported_once_and_a_stray_one_not_at_all() -> None:
    pair, invite, received = ring_through()
    response = respond(pair, received, 200)
    ack = Dialog.as_caller(invite, response).ack(invite)
    for _ in range(3):
        pair.caller.stack.send_ack(ack, pair.callee.peer, pair.now)
    ack.headers.set("To", "<sip:agent@192.0.2.2>;tag=another")
    pair.caller.stack.send_ack(ack, pair.callee.peer, pair.now)
    pair.settle()
    assert len(pair.callee.of(AckReceived)) == 1


def test_an_invite_repeated_after_its_2xx_is_absorbed() -> None:
    pair = SimulatedPair()
    deliver(pair, make_request(), VIA)
    pair.settle()
    respond(pair, pair.callee.only(RequestReceived), 200)
    before = len(pair.log)
    deliver(pair, make_request(), VIA)
    pair.settle()
    assert len(pair.log) == before
    assert len(pair.callee.events) == 1


def test_timer_j_repeats_the_answer_to_copies_for_32_s_over_udp() -> None:
    pair = SimulatedPair()
    deliver(pair, make_request("INFO"), VIA)
    pair.settle()
    respond(pair, pair.callee.only(RequestReceived), 200)
    deliver(pair, make_request("INFO"), VIA)
    pair.settle()
    assert len(pair.sent(pair.callee, "SIP/2.0 200")) == 2
    assert len(pair.callee.events) == 1
    pair.run(31.9)
    assert pair.callee.stack.open_transactions == 1
    pair.run(0.2)
    assert pair.callee.stack.open_transactions == 0


def test_a_copy_of_an_unanswered_request_is_met_with_silence() -> None:
    pair = SimulatedPair()
    deliver(pair, make_request("INFO"), VIA)
    deliver(pair, make_request("INFO"), VIA)
    pair.settle()
    assert pair.log == []
    assert len(pair.callee.events) == 1


def test_only_the_first_final_response_is_sent() -> None:
    pair, _, received = ring_through()
    respond(pair, received, 486)
    respond(pair, received, 200)
    respond(pair, received, 180)
    assert [line for _, side, line in pair.log if side is pair.callee] == [
        "SIP/2.0 100 Trying",
        "SIP/2.0 486 Busy Here",
    ]


def test_a_response_after_the_end_is_ignored() -> None:
    pair, _, received = ring_through(Transport.TCP)
    respond(pair, received, 486)
    before = len(pair.log)
    respond(pair, received, 486)
    assert len(pair.log) == before


def test_a_merged_request_is_answered_482_without_an_event() -> None:
    pair = SimulatedPair()
    deliver(pair, make_request(), VIA)
    deliver(pair, make_request(), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtwo;rport")
    answers = take_answers(pair)
    pair.settle()
    assert [response.status for _, response in answers] == [100, 482]
    assert len(pair.callee.events) == 1


def test_a_proxys_next_attempt_after_a_refusal_is_no_merged_request() -> None:
    pair = SimulatedPair()
    deliver(pair, make_request(), VIA)
    pair.settle()
    respond(pair, pair.callee.only(RequestReceived), 486)
    deliver(pair, make_request(), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKtwo;rport")
    pair.settle()
    assert len(pair.callee.of(RequestReceived)) == 2


def test_requests_beyond_the_limit_are_answered_503_without_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tonevault.cde.wire.sip.server_side.MAX_SERVER_TRANSACTIONS", 1)
    pair = SimulatedPair()
    deliver(pair, make_request("INFO", call_id="1"), VIA)
    deliver(pair, make_request("INFO", call_id="2"), "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtwo;rport")
    ((_, response),) = take_answers(pair)
    assert (response.status, response.headers.get("Retry-After")) == (503, "5")
    assert pair.callee.stack.open_transactions == 1


@pytest.mark.parametrize(
    ("via", "source_port", "target_port", "stamped"),
    [
        ("SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bK1;rport", 40000, 40000, ";rport=40000;received=192.0.2.1"),
        ("SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bK1", 40000, 5070, ";received=192.0.2.1"),
        ("SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1", 40000, 5060, ";received=192.0.2.1"),
        ("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1", 40000, 5070, ""),
        ("SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bK1;maddr=203.0.113.66", 40000, 5070, ";received=192.0.2.1"),
    ],
)
def test_responses_go_where_the_request_came_from(
    via: str, source_port: int, target_port: int, stamped: str
) -> None:
    pair = SimulatedPair()
    deliver(pair, make_request(), via, Peer(Transport.UDP, "192.0.2.1", source_port))
    ((peer, response),) = take_answers(pair)
    assert peer == Peer(Transport.UDP, "192.0.2.1", target_port)
    assert response.headers.get("Via") == via.replace(";rport", "") + stamped


def test_the_top_hop_alone_is_stamped_in_a_list_of_hops() -> None:
    pair = SimulatedPair()
    deliver(
        pair,
        make_request(),
        "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1;rport, SIP/2.0/TCP 10.0.0.8;branch=z9hG4bK0;rport",
        Peer(Transport.UDP, "192.0.2.1", 40000),
    )
    ((_, response),) = take_answers(pair)
    assert [via.text() for via in response.vias] == [
        "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1;rport=40000;received=192.0.2.1",
        "SIP/2.0/TCP 10.0.0.8;branch=z9hG4bK0;rport",
    ]


def test_a_broken_connection_sends_the_answer_to_the_port_of_the_via() -> None:
    pair = SimulatedPair(Transport.TCP)
    source = Peer(Transport.TCP, "192.0.2.1", 40000)
    deliver(pair, make_request("INFO"), "SIP/2.0/TCP 192.0.2.1:5062;branch=z9hG4bK1", source)
    pair.settle()
    received = pair.callee.only(RequestReceived)
    pair.callee.stack.transport_failed(source, pair.now)
    pair.callee.stack.respond(received.key, make_response(received.request, 200, to_tag="x"), pair.now)
    ((peer, _),) = take_answers(pair)
    assert peer == Peer(Transport.TCP, "192.0.2.1", 5062)
    assert pair.callee.of(TransportFailed) == []


def test_an_answer_that_finds_no_way_back_is_reported() -> None:
    pair = SimulatedPair(Transport.TCP)
    source = Peer(Transport.TCP, "192.0.2.1", 40000)
    deliver(pair, make_request(), "SIP/2.0/TCP 192.0.2.1:5062;branch=z9hG4bK1", source)
    pair.settle()
    pair.callee.stack.transport_failed(source, pair.now)
    pair.callee.stack.transport_failed(Peer(Transport.TCP, "192.0.2.1", 5062), pair.now)
    pair.settle()
    assert pair.callee.only(TransportFailed) == TransportFailed(pair.callee.only(RequestReceived).key)


def test_an_rfc_2543_peer_without_branches_is_served() -> None:
    pair = SimulatedPair()
    via = "SIP/2.0/UDP 192.0.2.1:5060"
    deliver(pair, make_request(), via)
    deliver(pair, make_request(), via)
    pair.settle()
    received = pair.callee.only(RequestReceived)
    respond(pair, received, 486)
    ack = make_request("ACK")
    ack.headers.set("To", "<sip:agent@192.0.2.2>;tag=callee")
    deliver(pair, ack, via)
    pair.run(40)
    assert pair.callee.of(AckTimedOut) == []
    assert pair.callee.stack.open_transactions == 0


def test_the_bare_cookie_is_no_branch() -> None:
    pair = SimulatedPair()
    via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"
    deliver(pair, make_request("INFO", call_id="1"), via)
    deliver(pair, make_request("INFO", call_id="2"), via)
    pair.settle()
    assert len(pair.callee.of(RequestReceived)) == 2


def test_two_peers_with_the_same_branch_are_told_apart() -> None:
    pair = SimulatedPair()
    deliver(pair, make_request("INFO", call_id="1"), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKsame")
    deliver(pair, make_request("INFO", call_id="2"), "SIP/2.0/UDP 192.0.2.3:5060;branch=z9hG4bKsame")
    pair.settle()
    assert len(pair.callee.of(RequestReceived)) == 2


def test_a_lossy_call_is_set_up_whatever_is_lost_first() -> None:
    pair = SimulatedPair()
    seen: set[str] = set()

    def lose_first_of_each(line: str) -> bool:
        kind = " ".join(line.split(" ", 2)[: 2 if line.startswith("SIP/2.0") else 1])
        first = kind not in seen
        seen.add(kind)
        return first

    pair.lose = lose_first_of_each
    invite = make_request()
    pair.caller.stack.send_request(invite, pair.callee.peer, pair.now)
    pair.run(0.6)
    respond(pair, pair.callee.only(RequestReceived), 200)
    pair.run(1)
    final = pair.caller.of(ResponseReceived)[-1].response
    pair.caller.stack.send_ack(Dialog.as_caller(invite, final).ack(invite), pair.callee.peer, pair.now)
    pair.run(5)
    assert final.status == 200
    assert len(pair.callee.of(AckReceived)) == 1
