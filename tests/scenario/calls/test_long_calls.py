"""Session timers and reliable rings: a far end that died is noticed on its own leg, and a ring is confirmed on its own leg."""

import pytest
from tests.scenario.calls.phone import SDP, sdp
from tests.scenario.calls.stage import AGENT, CUSTOMER, Stage

from tonevault.cde.edge.observer import EndReason
from tonevault.cde.media import Leg
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.name_addr import NameAddr
from tonevault.cde.wire.sip.reliable import make_reliable, rack_for
from tonevault.cde.wire.sip.response import make_response
from tonevault.testing.network import Weather

HOUR = 3600.0


def test_each_leg_is_refreshed_by_the_edge_where_nobody_else_does() -> None:
    stage = Stage()
    stage.agent.extra = [("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")]
    stage.call()
    stage.run(HOUR)
    assert stage.agent.methods().count("UPDATE") >= 3
    refreshes = [request for request in stage.customer.requests if request.method == "INVITE"]
    assert len(refreshes) >= 3
    assert len({request.body for request in refreshes}) == 1
    assert stage.switch.calls()
    stage.customer.send("BYE")
    stage.nothing_is_left()


@pytest.mark.parametrize("dead", ["agent", "customer"])
def test_a_far_end_that_died_is_noticed(dead: str) -> None:
    stage = Stage()
    stage.call()
    stage.network.detach(getattr(stage, dead).node)
    stage.run(HOUR)
    other = stage.customer if dead == "agent" else stage.agent
    assert other.methods()[-1] == "BYE"
    assert stage.notes.infos[-1].end_reason is EndReason.LEG_LOST
    stage.nothing_is_left()


def test_a_caller_who_refreshes_itself_is_waited_for() -> None:
    stage = Stage()
    stage.call(headers=(("Supported", "timer"), ("Session-Expires", "600;refresher=uac")))
    granted = stage.customer.responses[-1].headers
    assert granted.get("Session-Expires") == "600;refresher=uac"
    stage.run(400)
    stage.customer.send("UPDATE", headers=(("Supported", "timer"), ("Session-Expires", "600;refresher=uac")))
    stage.run(500)
    assert stage.switch.calls()
    assert "INVITE" not in stage.customer.methods()
    stage.run(100)
    assert stage.notes.infos[-1].end_reason is EndReason.SESSION_TIMED_OUT
    assert stage.customer.methods() == ["BYE"]
    stage.nothing_is_left()


def test_an_agent_side_with_longer_intervals_is_asked_again() -> None:
    stage = Stage()

    def too_small(key: ServerKey, request: Request) -> None:
        if (request.headers.get("Session-Expires") or "") < "7200":
            stage.agent.accept(key, request, status=422, headers=(("Min-SE", "7200"),))
        else:
            stage.agent.ringing.append((key, request))
            stage.agent.pick_up()

    stage.agent.on_invite = too_small
    stage.call()
    assert stage.customer.statuses() == [100, 200]
    assert [request.cseq.number for request in stage.agent.requests] == [1, 2]
    stage.customer.send("BYE")
    stage.run(1)
    assert stage.agent.methods()[-1] == "BYE"
    stage.nothing_is_left()


def test_a_refresh_takes_a_moved_far_end_along() -> None:
    stage = Stage()
    stage.call()
    stage.agent.answer = sdp(AGENT, port=7700)
    stage.run(1000)
    assert stage.media.calls[stage.call_id].legs[Leg.AGENT].remote.port == 7700
    assert len(stage.agent.acks) == 2


@pytest.mark.parametrize("seed", range(5))
def test_a_reliable_ring_of_the_agent_is_confirmed(seed: int) -> None:
    stage = Stage(seed=seed, weather=Weather(loss=0.2, max_delay_s=0.2), answer_after=None)

    def ring(key: ServerKey, request: Request) -> None:
        assert request.headers.has_option("Supported", "100rel")
        response = make_response(request, 183, to_tag=stage.agent.tag, body=sdp(AGENT, port=7000))
        response.headers.add("Contact", NameAddr(stage.agent.uri).text())
        make_reliable(response, 17)
        stage.agent.dialog = Dialog.as_callee(request, response)
        stage.agent.node.respond(key, response)
        stage.agent.ringing.append((key, request))

    stage.agent.on_invite = ring
    stage.customer.dial(stage.at_edge)
    stage.run(20)
    prack = stage.agent.last("PRACK")
    assert prack.headers.get("RAck") == "17 1 INVITE"
    assert stage.agent.methods().count("PRACK") == 1
    stage.agent.answer = b""
    stage.agent.pick_up()
    stage.run(20)
    assert stage.customer.statuses()[-1] == 200
    assert stage.media.calls[stage.call_id].legs[Leg.AGENT].remote.port == 7000
    stage.agent.send("BYE")
    stage.nothing_is_left()


@pytest.mark.parametrize("confirms", [True, False])
def test_a_caller_who_requires_reliable_rings(confirms: bool) -> None:
    stage = Stage(answer_after=None)

    def early(key: ServerKey, request: Request) -> None:
        stage.agent.accept(key, request, status=183)
        stage.agent.ringing.append((key, request))

    stage.agent.on_invite = early
    stage.customer.dial(stage.at_edge, headers=(("Require", "100rel"),))
    stage.run(1)
    ring = stage.customer.responses[-1]
    assert (ring.status, ring.headers.get("RSeq")) == (183, "1")
    assert ring.body
    stage.agent.pick_up()
    stage.run(1)
    assert 200 not in stage.customer.statuses()
    if confirms:
        invite = next(iter(stage.customer.invites.values()))
        stage.customer.dialog = dialog = Dialog.as_caller(invite, ring)
        prack = dialog.request("PRACK")
        prack.headers.add("RAck", rack_for(ring))
        stage.customer.node.send_request(prack, stage.at_edge)
        stage.run(1)
        assert stage.customer.statuses("PRACK") == [200]
        assert stage.customer.statuses()[-1] == 200
        assert stage.customer.responses[-1].body == b""
        stage.customer.node.send_request(dialog.again(prack), stage.at_edge)
        stage.run(1)
        assert stage.customer.statuses("PRACK") == [200, 481]
        stage.customer.send("BYE")
    else:
        stage.run(40)
        assert stage.customer.statuses()[-1] == 504
        assert stage.agent.methods()[-1] == "BYE"
    stage.nothing_is_left()


def refuses(stage: Stage, status: int) -> None:
    """The agent takes no further offer."""

    def refuse(key: ServerKey, request: Request) -> bool:
        if request.method == "INVITE":
            stage.agent.accept(key, request, status=status)
        return request.method == "INVITE"

    stage.agent.on_request = refuse


def test_a_refresh_repeats_nothing_that_was_refused() -> None:
    stage = Stage()
    stage.call()
    refuses(stage, 488)
    stage.customer.send(
        "INVITE", body=sdp(CUSTOMER, formats="8 101", direction="sendonly", version=2), content_type=SDP
    )
    stage.run(2)
    assert stage.customer.statuses()[-1] == 488
    refused = parse(stage.agent.requests[-1].body)
    stage.agent.on_request = lambda _key, _request: False
    stage.run(905)
    refresh = parse(stage.agent.last("INVITE").body)
    assert (refresh.media[0].formats[0], refresh.media[0].attributes("sendrecv")) == ("0", ("",))
    assert int(refresh.origin.version) > int(refused.origin.version)
    stage.customer.send("BYE")
    stage.nothing_is_left()


def test_an_offer_for_a_leg_that_is_being_refreshed_is_glare() -> None:
    """RFC 3261 section 14.1: no second INVITE goes out while one of ours has no answer."""
    stage = Stage()
    stage.call()
    waiting: list[tuple[ServerKey, Request]] = []

    def wait(key: ServerKey, request: Request) -> bool:
        waiting.append((key, request))
        return True

    stage.agent.on_request = wait
    stage.run(900)
    assert [request.method for _, request in waiting] == ["INVITE"]
    stage.customer.send("INVITE", body=sdp(CUSTOMER, direction="sendonly", version=2), content_type=SDP)
    stage.run(1)
    assert stage.customer.statuses()[-1] == 491
    assert len(waiting) == 1
    stage.agent.on_request = lambda _key, _request: False
    stage.agent.accept(*waiting[0])
    stage.run(1)
    stage.customer.send("INVITE", body=sdp(CUSTOMER, direction="sendonly", version=3), content_type=SDP)
    stage.run(1)
    assert stage.customer.statuses()[-1] == 200
    stage.customer.send("BYE")
    stage.nothing_is_left()
