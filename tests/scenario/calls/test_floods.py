"""Floods of signalling in simulated time: the tables stay within their named limits, and a caller who means it gets through."""

from collections.abc import Callable

import pytest
from tests.scenario.calls.phone import Phone, sdp
from tests.scenario.calls.stage import AGENT, CUSTOMER, EDGE, Stage, route

from tonevault.cde.wire.sip.peer import Peer, Transport

FLOODER = "192.0.2.66"
LIMIT, LIMIT_A_SOURCE, RESERVE = 400, 250, 50
FLOOD = 2_000


@pytest.fixture(autouse=True)
def small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tonevault.cde.wire.sip.server_side.MAX_SERVER_TRANSACTIONS", LIMIT)
    monkeypatch.setattr("tonevault.cde.wire.sip.server_side.MAX_SERVER_TRANSACTIONS_A_SOURCE", LIMIT_A_SOURCE)
    monkeypatch.setattr("tonevault.cde.wire.sip.server_side.RESERVED_FOR_DIALOGS", RESERVE)


def request(method: str, number: int, host: str = FLOODER, *, to_tag: str = "") -> bytes:
    body = sdp(host) if method == "INVITE" else b""
    head = (
        f"{method} sip:4420@{EDGE} SIP/2.0",
        f"Via: SIP/2.0/UDP {host};branch=z9hG4bKflood{number}",
        f"From: <sip:x@{host}>;tag={number}",
        f"To: <sip:4420@{EDGE}>{to_tag}",
        f"Call-ID: flood-{number}@{host}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:x@{host}>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*head, "", "")).encode() + body


class Flood(Stage):
    """A stage with room for few calls, and somebody who sends without waiting for an answer."""

    def __init__(self, max_calls: int = 20) -> None:
        super().__init__(routes=(route(max_calls=max_calls),), answer_after=60.0)
        self.most = 0

    def pour(self, make: Callable[[int], tuple[bytes, str]], count: int = FLOOD) -> None:
        for number in range(count):
            data, host = make(number)
            peer = Peer(Transport.UDP, host, 5060)
            if self.switch.admits(peer):
                self.edge.receive(data, peer)
            if number % 10 == 0:
                self.run(0.001)
            self.most = max(self.most, self.edge.stack.open_transactions)


def assert_a_call_gets_through(stage: Stage) -> None:
    caller = Phone(stage.network, CUSTOMER)
    callers_calls = len([info for info in stage.notes.infos if info.caller == "+441632960001"])
    key = caller.dial(stage.at_edge)
    stage.run(3)
    assert 180 in caller.statuses()
    assert len([info for info in stage.notes.infos if info.caller == "+441632960001"]) > callers_calls
    caller.node.cancel(key)
    stage.run(3)
    assert 487 in caller.statuses()


def test_invites_of_one_address() -> None:
    """It fills what one address may fill, of the transactions and of the route's calls."""
    stage = Flood()
    stage.pour(lambda number: (request("INVITE", number), FLOODER))
    # Each call has a transaction on the agent's side as well.
    assert stage.most <= LIMIT_A_SOURCE + 2 * 20
    assert len(stage.switch.calls()) == 18
    assert_a_call_gets_through(stage)
    stage.run(200)
    stage.nothing_is_left()


def test_invites_of_made_up_addresses() -> None:
    """Those that no route knows are not read at all; the one line a minute in the log is the driver's."""
    stage = Flood()
    stage.pour(lambda number: (request("INVITE", number), f"203.0.{number // 250}.{number % 250}"))
    assert stage.most == 0
    assert_a_call_gets_through(stage)


def test_invites_of_many_addresses_of_a_trunk() -> None:
    """Nobody can tell them from the trunk's own: the limits hold, and when the flood is over calls are taken again."""
    stage = Flood()
    stage.pour(
        lambda number: (
            request("INVITE", number, f"192.0.2.{100 + number % 100}"),
            f"192.0.2.{100 + number % 100}",
        )
    )
    assert stage.most <= LIMIT + 2 * 20
    assert len(stage.switch.calls()) == 20
    stage.run(220)
    assert stage.switch.calls() == []
    assert_a_call_gets_through(stage)


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "SUBSCRIBE", "NOISE"])
def test_other_requests(method: str) -> None:
    stage = Flood()
    stage.pour(lambda number: (request(method, number), FLOODER))
    assert stage.most == LIMIT_A_SOURCE
    assert_a_call_gets_through(stage)
    stage.run(200)
    stage.nothing_is_left()


@pytest.mark.parametrize("method", ["BYE", "INFO", "ACK", "CANCEL", "PRACK"])
def test_requests_of_dialogs_that_are_none(method: str) -> None:
    stage = Flood()
    stage.customer.dial(stage.at_edge)
    stage.run(2)
    stage.agent.pick_up()
    stage.run(2)
    stage.pour(lambda number: (request(method, number, to_tag=f";tag={number}"), FLOODER))
    assert stage.most <= LIMIT_A_SOURCE + RESERVE + 4
    assert len(stage.switch.calls()) == 1
    stage.customer.send("BYE")
    stage.run(2)
    assert stage.notes.said[-1] == "ended"


def test_who_is_in_a_call_can_end_it_while_its_own_trunk_is_flooded() -> None:
    stage = Flood()
    stage.customer.dial(stage.at_edge)
    stage.run(2)
    stage.agent.pick_up()
    stage.run(2)
    stage.pour(lambda number: (request("OPTIONS", number, CUSTOMER), CUSTOMER))
    assert stage.most >= LIMIT_A_SOURCE
    stage.customer.send("BYE")
    stage.run(1)
    assert stage.customer.statuses("BYE") == [200]
    assert stage.notes.said[-1] == "ended"


def test_answers_that_nobody_asked_for() -> None:
    stage = Flood()
    answer = f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {EDGE};branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n"
    stage.pour(
        lambda number: ((answer % number + f"Call-ID: {number}\r\nCSeq: 1 INVITE\r\n\r\n").encode(), AGENT)
    )
    assert stage.most == 0


def test_the_same_request_again_and_again() -> None:
    """Retransmissions cost an answer and no memory."""
    stage = Flood()
    stage.pour(lambda _: (request("INVITE", 1), FLOODER))
    assert stage.most == 2
    assert len(stage.switch.calls()) == 1


def test_messages_as_large_as_a_datagram() -> None:
    stage = Flood()
    padding = b"X-Padding: " + b"a" * 16_000 + b"\r\n"

    def huge(number: int) -> tuple[bytes, str]:
        data = request("OPTIONS", number).replace(b"Contact:", padding * 4 + b"Contact:")[:65_535]
        return data, FLOODER

    stage.pour(huge, 400)
    assert stage.most == LIMIT_A_SOURCE
    kept = sum(len(one.last_data) for one in stage.edge.stack._servers._transactions.values())
    assert kept < 1_000 * LIMIT_A_SOURCE, (
        "what is kept of a request is its answer, and an answer repeats little of it"
    )
    assert_a_call_gets_through(stage)
