"""RFC 4475 and RFC 5118 through the whole edge in simulated time: answered as they say, sound INVITEs become calls, nothing is left."""

import pytest
from tests.conformance.torture import ipv6, malformed, meaning, well_formed
from tests.scenario.calls.stage import AGENT, CUSTOMER, EDGE, Stage, route

from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.testing.media import FakeMediaPlane

SIX = "2001:db8::20"

CALLS = {"esc01", "longreq", "inv2543", "baddate"} | set(ipv6.INVITES)
"""Those that open a call. (wsinv names a dialog that is not, and dblreq's INVITE lies behind the end of its message.)"""

STATUSES = {
    **{name: status for name, (_, status) in (malformed.REFUSED | meaning.ANSWERED).items()},
    **dict.fromkeys(CALLS, 200),
    **dict.fromkeys(["lwsdisp", "semiuri", "transports", "badaspec", "baddn"], 200),
    **dict.fromkeys(["escnull", "dblreq"], 405),
    **dict.fromkeys(["intmeth", "esc02"], 501),
    "wsinv": 481,
    "mpart01": 405,
    "ipv6-bad": 400,
    # It offers one voice codec, which the other phone has not.
    "ipv6-in-sdp": 488,
    **dict.fromkeys(ipv6.GOOD.keys() - CALLS, 405),
}
MESSAGES = {
    **well_formed.REQUESTS,
    **malformed.FORGIVEN,
    **{name: data for name, (data, _) in (malformed.REFUSED | meaning.ANSWERED).items()},
    **ipv6.GOOD,
    **ipv6.BAD,
    **ipv6.INVITES,
}


class Ordeal(Stage):
    """A stage whose customer says what it is told to, byte by byte."""

    def __init__(self, *, voice_over_ip6: bool = False) -> None:
        super().__init__(
            routes=(route(peers="192.0.2.0/24"),), media=FakeMediaPlane(host=SIX) if voice_over_ip6 else None
        )
        if voice_over_ip6:
            self.agent.answer = self.agent.answer.replace(
                f"c=IN IP4 {AGENT}".encode(), f"c=IN IP6 {SIX}".encode()
            )
        self.run(0)

    def say(self, data: bytes, transport: Transport = Transport.UDP) -> None:
        self.edge.receive(data, Peer(transport, CUSTOMER, 5060))
        self.run(5)

    def heard(self) -> list[Response]:
        """The answers that the edge gave to the customer, provisional ones left out."""
        told = [
            parse_message(data)
            for _, source, to, data in self.network.sent
            if (source.host, to.host) == (EDGE, CUSTOMER)
        ]
        return [one for one in told if isinstance(one, Response) and one.is_final]

    def passed_on(self) -> list[Request]:
        """The INVITEs that reached the agent."""
        return [one for one in self.agent.requests if one.method == "INVITE"]


@pytest.mark.parametrize("name", MESSAGES)
def test_each_is_answered_as_it_should_be(name: str) -> None:
    play = Ordeal(voice_over_ip6=name in ipv6.INVITES)
    play.say(MESSAGES[name])
    answers = play.heard()
    assert {answer.status for answer in answers} == {STATUSES[name]}
    assert len(play.passed_on()) == (name in CALLS)
    play.nothing_is_left()


@pytest.mark.parametrize("name", ipv6.INVITES)
def test_voice_over_ip6_is_refused_where_the_edge_has_none(name: str) -> None:
    play = Ordeal()
    play.say(MESSAGES[name])
    assert {answer.status for answer in play.heard()} == {488}
    assert play.passed_on() == []
    play.nothing_is_left()


def test_what_an_answer_names() -> None:
    def answer(data: bytes) -> Response:
        play = Ordeal()
        play.say(data)
        return play.heard()[0]

    assert answer(meaning.BEXT01).headers.get_list("Unsupported") == [
        "nothingSupportsThis",
        "nothingSupportsThisEither",
    ]
    assert answer(meaning.INVUT).headers.get("Accept") == "application/sdp"
    assert "INVITE" in answer(meaning.UNKSM2).headers.get_list("Allow")
    assert answer(malformed.BADVERS).headers.get("Via") == "SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw"
    assert answer(meaning.INSUF).headers.get("CSeq") == "193942 INVITE"


def test_a_bare_cookie_is_no_branch() -> None:
    """Section 3.2.1: two requests with it are two transactions."""
    play = Ordeal()
    play.say(meaning.BADBRANCH)
    play.say(meaning.BADBRANCH.replace(b"badbranch.sad", b"badbranch.glad"))
    assert [answer.status for answer in play.heard()] == [200, 200]
    assert len({answer.to.tag for answer in play.heard()}) == 2


@pytest.mark.parametrize("name", malformed.DROPPED | meaning.DROPPED | well_formed.RESPONSES)
def test_a_strangers_response_is_not_heard(name: str) -> None:
    play = Ordeal()
    play.call()
    play.say((malformed.DROPPED | meaning.DROPPED | well_formed.RESPONSES)[name])
    assert play.notes.said == ["arrived", "ringing", "answered"]
    assert len(play.switch.calls()) == 1


@pytest.mark.parametrize("name", MESSAGES)
def test_none_disturbs_a_call_that_is_up(name: str) -> None:
    play = Ordeal()
    play.call()
    before = play.switch.calls()[0].call_id
    play.say(MESSAGES[name])
    assert before in [call.call_id for call in play.switch.calls()]
    assert play.agent.dialog is not None
