"""Hundreds of calls over a bad network, from one seed: each ends, the two sides agree, and nothing of them is kept."""

import random

import pytest
from tests.unit.cde.wire.sip.simulated_pair import Side, SimulatedPair, make_request

from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import (
    AckReceived,
    AckTimedOut,
    CancelReceived,
    RequestReceived,
    ResponseReceived,
    SipEvent,
    TransactionTimedOut,
)
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Transport
from tonevault.cde.wire.sip.response import make_response

CALLS = 120


class Phones:
    """A caller that hangs up what is answered, and a callee that answers, refuses or lets ring by its dice."""

    def __init__(self, pair: SimulatedPair, rng: random.Random) -> None:
        self.pair = pair
        self.rng = rng
        self.invites: dict[str, Request] = {}
        self.outcomes: dict[str, str] = {}

    def dial(self, number: int) -> None:
        invite = make_request(call_id=f"call-{number}")
        self.invites[invite.call_id] = invite
        key = self.pair.caller.stack.send_request(invite, self.pair.callee.peer, self.pair.now)
        if self.rng.random() < 0.2:
            self.pair.caller.stack.cancel(key, self.pair.now)

    def react(self, side: Side, event: SipEvent) -> None:
        if side is self.pair.caller:
            self.react_as_caller(event)
        else:
            self.react_as_callee(event)

    def react_as_caller(self, event: SipEvent) -> None:
        if not isinstance(event, ResponseReceived) or event.response.cseq.method != "INVITE":
            return
        call_id = event.response.call_id
        if event.response.is_success:
            dialog = Dialog.as_caller(self.invites[call_id], event.response)
            self.pair.caller.stack.send_ack(
                dialog.ack(self.invites[call_id]), self.pair.callee.peer, self.pair.now
            )
            self.pair.caller.stack.send_request(dialog.request("BYE"), self.pair.callee.peer, self.pair.now)
        if event.response.is_final:
            self.outcomes[call_id] = str(event.response.status)

    def react_as_callee(self, event: SipEvent) -> None:
        stack = self.pair.callee.stack
        match event:
            case RequestReceived(key, request, _) if request.method == "INVITE":
                roll = self.rng.random()
                if roll < 0.8:
                    response = make_response(request, 200 if roll < 0.5 else 486, to_tag=stack.new_tag())
                    response.headers.add("Contact", "<sip:agent@192.0.2.2>")
                    stack.respond(key, response, self.pair.now)
            case RequestReceived(key, request, _):
                stack.respond(key, make_response(request, 200), self.pair.now)
            case CancelReceived(key, request):
                (invite,) = [known for known in self.pair.callee.of(RequestReceived) if known.key == key]
                stack.respond(key, make_response(invite.request, 487, to_tag=stack.new_tag()), self.pair.now)
            case _:
                pass


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_call_ends_and_nothing_is_kept(seed: int, transport: Transport) -> None:
    rng = random.Random(seed)
    pair = SimulatedPair(transport, seed)
    pair.lose = lambda _: transport is Transport.UDP and rng.random() < 0.15
    phones = Phones(pair, rng)
    pair.react = phones.react
    for number in range(CALLS):
        phones.dial(number)
        pair.run(0.3)
    # Calls that were left ringing are refused by their callee in the end.
    for received in pair.callee.of(RequestReceived):
        if received.request.method == "INVITE":
            pair.callee.stack.respond(
                received.key, make_response(received.request, 480, to_tag="late"), pair.now
            )
    pair.run(120)
    timed_out = len(pair.caller.of(TransactionTimedOut))
    assert len(phones.outcomes) + timed_out >= CALLS, seed
    assert set(phones.outcomes.values()) <= {"200", "480", "486", "487"}
    accepted = sum(outcome == "200" for outcome in phones.outcomes.values())
    assert len(pair.callee.of(AckReceived)) + len(pair.callee.of(AckTimedOut)) >= accepted > CALLS // 4
    for side in (pair.caller, pair.callee):
        assert side.stack.open_transactions == 0
        assert side.stack.next_timer() is None
        clients, servers = side.stack._clients, side.stack._servers
        kept = (
            clients._transactions,
            clients._invites,
            servers._transactions,
            servers._merges,
            servers._replies,
        )
        assert not any(kept), seed
