"""A call that rings on several phones, each with an early dialog and a description of its own (RFC 3261 section 13.2.2.4)."""

import pytest
from tests.scenario.calls.phone import SDP, sdp
from tests.scenario.calls.stage import AGENT, Stage

from tonevault.cde.media import Leg, LegMedia
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.reliable import make_reliable, rack_for
from tonevault.cde.wire.sip.response import make_response


class Forks:
    """The agent's side as two phones behind a proxy, which ring when told to."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._invite: tuple[ServerKey, Request] | None = None
        self._said: list[int] = []
        stage.agent.on_invite = self._arrived

    def _arrived(self, key: ServerKey, request: Request) -> None:
        self._invite = (key, request)

    def says(self, name: str, status: int, body: bytes = b"", *, rseq: int = 0) -> None:
        """One of the phones answers; reliably under a number."""
        assert self._invite is not None
        key, request = self._invite
        response = make_response(request, status, to_tag=name, body=body, content_type=SDP if body else "")
        response.headers.add("Contact", NameAddr(self._stage.agent.uri).text())
        if rseq:
            make_reliable(response, rseq)
        if status == 200 and self._stage.agent.dialog is None:
            self._stage.agent.dialog = Dialog.as_callee(request, response)
        if 200 not in self._said:
            self._stage.agent.node.respond(key, response)
        else:
            # One phone's stack answers once: the second answer is another phone's, of which only the proxy knows.
            self._stage.network.carry(self._stage.agent.node, self._stage.at_edge, response.encode())
        self._said.append(status)
        self._stage.run(1)


def media(stage: Stage, leg: Leg) -> LegMedia:
    return stage.media.calls[stage.call_id].legs[leg]


def ringing(*, headers: tuple[tuple[str, str], ...] = ()) -> tuple[Stage, Forks]:
    stage = Stage(answer_after=None)
    forks = Forks(stage)
    stage.customer.dial(stage.at_edge, headers=headers)
    stage.run(1)
    return stage, forks


def test_the_phone_that_answers_is_heard_whichever_was_heard_before() -> None:
    stage, forks = ringing()
    forks.says("one", 183, sdp(AGENT, port=7000, formats="8 101"))
    forks.says("two", 183, sdp(AGENT, port=7004, formats="0 101"))
    assert media(stage, Leg.AGENT).remote.port == 7004
    forks.says("one", 200, sdp(AGENT, port=7000, formats="8 101"))
    assert media(stage, Leg.AGENT).remote.port == 7000
    said = [parse(one.body) for one in stage.customer.responses if one.body]
    assert len(said) == 3
    assert len({(one.origin.version, one.media) for one in said}) == 1
    stage.customer.send("BYE")
    stage.nothing_is_left()


def test_an_answer_that_was_given_in_a_reliable_ring_is_that_phones() -> None:
    """RFC 3262 section 5: what a reliable ring has answered, the 2xx of that phone need not repeat."""
    stage, forks = ringing()
    forks.says("one", 183, sdp(AGENT, port=7000), rseq=1)
    forks.says("two", 183, sdp(AGENT, port=7004), rseq=9)
    assert stage.agent.methods().count("PRACK") == 2
    assert media(stage, Leg.AGENT).remote.port == 7004
    forks.says("one", 200)
    assert media(stage, Leg.AGENT).remote.port == 7000
    assert stage.customer.responses[-1].body
    stage.customer.send("BYE")
    stage.nothing_is_left()


@pytest.mark.parametrize("formats", ["0 101", "8 101"])
def test_a_caller_who_has_one_phones_answer_for_certain_hears_the_other(formats: str) -> None:
    stage, forks = ringing(headers=(("Require", "100rel"),))
    forks.says("one", 183, sdp(AGENT, port=7000, formats="0 101"))
    ring = stage.customer.responses[-1]
    stage.customer.dialog = Dialog.as_caller(next(iter(stage.customer.invites.values())), ring)
    prack = stage.customer.dialog.request("PRACK")
    prack.headers.add("RAck", rack_for(ring))
    stage.customer.node.send_request(prack, stage.at_edge)
    stage.run(1)
    forks.says("two", 200, sdp(AGENT, port=7004, formats=formats))
    answer = stage.customer.responses[-1]
    assert (answer.status, answer.body) == (200, b"")
    agent, customer = media(stage, Leg.AGENT), media(stage, Leg.CUSTOMER)
    assert (agent.remote.port, agent.codecs[0].payload_type) == (7004, int(formats[0]))
    assert customer.codecs[0].name == "PCMU"
    stage.customer.send("BYE")
    stage.nothing_is_left()


def test_a_second_phone_that_answers_is_hung_up() -> None:
    stage, forks = ringing()
    forks.says("one", 180)
    forks.says("two", 180)
    forks.says("two", 200, sdp(AGENT, port=7004))
    forks.says("one", 200, sdp(AGENT, port=7000))
    assert stage.agent.methods().count("BYE") == 1
    assert stage.agent.last("BYE").to.tag == "one"
    acks = [
        data for _, sender, _, data in stage.network.sent if sender == stage.at_edge and data[:4] == b"ACK "
    ]
    assert [b"tag=one" in ack for ack in acks] == [False, True]
    assert media(stage, Leg.AGENT).remote.port == 7004
    assert stage.customer.statuses() == [100, 180, 180, 200]
    stage.customer.send("BYE")
    stage.nothing_is_left()
