"""New offers within a call: hold and resume, other codecs, offers that cross, offers left to the far side, UPDATE, and what fails."""

import pytest
from tests.scenario.calls.phone import SDP, Phone, sdp
from tests.scenario.calls.stage import AGENT, CUSTOMER, Stage

from tonevault.cde.edge.observer import EndReason
from tonevault.cde.media import Direction, Leg, LegMedia
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sdp.stream import audio_stream
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Request
from tonevault.testing.network import Weather


def media(stage: Stage, leg: Leg) -> LegMedia:
    return stage.media.calls[stage.call_id].legs[leg]


def answer_with(phone: Phone, body: bytes) -> None:
    phone.answer = body


@pytest.mark.parametrize("seed", range(6))
def test_hold_and_resume_by_the_agent(seed: int) -> None:
    stage = Stage(seed=seed, weather=Weather(loss=0.15, max_delay_s=0.2))
    stage.call()
    stage.run(20)
    answer_with(stage.customer, sdp(CUSTOMER, direction="recvonly", version=2))
    stage.agent.send("INVITE", body=sdp(AGENT, direction="sendonly", version=2), content_type=SDP)
    stage.run(20)
    assert stage.agent.statuses()[-1] == 200
    held = audio_stream(parse(stage.customer.last("INVITE").body))
    assert held.direction is Direction.SENDONLY
    assert media(stage, Leg.AGENT).direction is Direction.RECVONLY
    assert media(stage, Leg.CUSTOMER).direction is Direction.SENDONLY

    answer_with(stage.customer, sdp(CUSTOMER, version=3))
    stage.agent.send("INVITE", body=sdp(AGENT, version=3), content_type=SDP)
    stage.run(20)
    assert media(stage, Leg.CUSTOMER).direction is Direction.SENDRECV
    stage.customer.send("BYE")
    stage.nothing_is_left()


def test_the_customer_moves_and_changes_codec() -> None:
    stage = Stage()
    stage.call()
    answer_with(stage.agent, sdp(AGENT, formats="8 101", version=2))
    stage.customer.send("INVITE", body=sdp("192.0.2.77", port=4444, formats="8 9 101"), content_type=SDP)
    stage.run(2)
    customer = media(stage, Leg.CUSTOMER)
    assert (customer.remote.host, customer.remote.port) == ("192.0.2.77", 4444)
    assert [codec.name for codec in customer.codecs] == ["PCMA"]
    assert len(stage.agent.acks) == 2


def test_offers_that_cross_are_both_refused_and_may_be_tried_again() -> None:
    stage = Stage()
    stage.call()
    stage.customer.send("INVITE", body=sdp(CUSTOMER, version=2), content_type=SDP)
    stage.agent.send("INVITE", body=sdp(AGENT, version=2), content_type=SDP)
    before = media(stage, Leg.CUSTOMER)

    def glare(phone: Phone) -> None:
        def refuse(key: ServerKey, request: Request) -> bool:
            if request.method == "INVITE":
                phone.accept(key, request, status=491)
            return request.method == "INVITE"

        phone.on_request = refuse

    glare(stage.customer)
    glare(stage.agent)
    stage.run(3)
    assert stage.customer.statuses()[-1] == 491
    assert stage.agent.statuses()[-1] == 491
    assert media(stage, Leg.CUSTOMER) == before
    stage.agent.on_request = lambda _key, _request: False
    stage.customer.send("INVITE", body=sdp(CUSTOMER, port=4100, version=3), content_type=SDP)
    stage.run(3)
    assert stage.customer.statuses()[-1] == 200
    assert media(stage, Leg.CUSTOMER).remote.port == 4100
    stage.customer.send("BYE")
    stage.nothing_is_left()


def test_a_second_offer_of_one_side_is_told_to_wait() -> None:
    stage = Stage()
    stage.call()
    held: list[tuple[ServerKey, Request]] = []

    def hold(key: ServerKey, request: Request) -> bool:
        held.append((key, request))
        return True

    stage.agent.on_request = hold
    stage.customer.send("INVITE", body=sdp(CUSTOMER, version=2), content_type=SDP)
    stage.run(1)
    stage.customer.send("UPDATE", body=sdp(CUSTOMER, version=3), content_type=SDP)
    stage.run(1)
    answer = stage.customer.responses[-1]
    assert (answer.status, answer.headers.get("Retry-After")) == (500, "2")
    stage.agent.accept(*held[0])
    stage.run(1)
    assert stage.customer.statuses()[-1] == 200


def test_a_refused_offer_changes_nothing() -> None:
    stage = Stage()
    stage.call()
    before = dict(stage.media.calls[stage.call_id].legs)

    def refuse(key: ServerKey, request: Request) -> bool:
        stage.agent.accept(key, request, status=488, headers=(("Warning", '305 agent "no"'),))
        return True

    stage.agent.on_request = refuse
    stage.customer.send("INVITE", body=sdp(CUSTOMER, port=4100), content_type=SDP)
    stage.run(2)
    assert stage.customer.statuses()[-1] == 488
    assert stage.media.calls[stage.call_id].legs == before
    assert stage.switch.calls()


def test_an_offer_that_cannot_be_relayed_is_refused_at_the_edge() -> None:
    stage = Stage()
    stage.call()
    stage.customer.send("INVITE", body=sdp(CUSTOMER, formats="101"), content_type=SDP)
    stage.run(2)
    assert stage.customer.statuses()[-1] == 488
    assert len(stage.agent.requests) == 1


def test_an_answer_that_fits_no_longer_ends_the_call() -> None:
    stage = Stage()
    stage.call()
    answer_with(stage.agent, sdp(AGENT, formats="9"))
    stage.customer.send("INVITE", body=sdp(CUSTOMER, version=2), content_type=SDP)
    stage.run(2)
    assert stage.customer.statuses()[-1] == 488
    assert stage.notes.infos[-1].end_reason is EndReason.NO_COMMON_CODEC
    stage.nothing_is_left()


def test_a_far_side_that_never_answers_an_offer_is_lost() -> None:
    stage = Stage()
    stage.call()
    stage.agent.on_request = lambda _key, request: request.method == "INVITE"
    stage.customer.send("INVITE", body=sdp(CUSTOMER, version=2), content_type=SDP)
    stage.run(40)
    assert stage.customer.statuses()[-1] == 408
    assert stage.notes.infos[-1].end_reason is EndReason.LEG_LOST
    stage.nothing_is_left()


def test_a_cancelled_offer_ends_as_the_far_side_ends_it() -> None:
    stage = Stage()
    stage.call()
    stage.agent.on_request = lambda _key, request: request.method == "INVITE"
    key = stage.customer.send("INVITE", body=sdp(CUSTOMER, version=2), content_type=SDP)
    stage.run(1)
    stage.customer.node.cancel(key)
    stage.run(2)
    assert stage.agent.cancelled
    assert stage.customer.statuses()[-1] == 487
    assert stage.switch.calls()
    stage.customer.send("BYE")
    stage.nothing_is_left()


def test_hanging_up_under_an_open_offer() -> None:
    stage = Stage()
    stage.call()
    stage.agent.on_request = lambda _key, request: request.method == "INVITE"
    stage.customer.send("INVITE", body=sdp(CUSTOMER, version=2), content_type=SDP)
    stage.run(1)
    stage.customer.send("BYE")
    stage.run(2)
    assert stage.notes.infos[-1].end_reason is EndReason.CUSTOMER_HUNG_UP
    stage.nothing_is_left()


@pytest.mark.parametrize("seed", range(6))
def test_a_delayed_offer_opens_a_call(seed: int) -> None:
    """INVITE without a description: the agent offers in its 200, the customer answers in its ACK."""
    stage = Stage(seed=seed, weather=Weather(loss=0.15, max_delay_s=0.2))
    stage.customer.ack_body = sdp(CUSTOMER, formats="8 101")
    stage.customer.dial(stage.at_edge, body=b"")
    stage.run(20)
    assert stage.agent.requests[0].body == b""
    assert "100rel" not in stage.agent.requests[0].headers.get_list("Supported")
    offered = parse(stage.customer.responses[-1].body)
    assert offered.media[0].formats == ("0", "8", "101")
    (ack,) = stage.agent.acks
    assert parse(ack.body).media[0].formats == ("8", "101")
    assert [codec.name for codec in media(stage, Leg.AGENT).codecs] == ["PCMA"]
    stage.agent.send("BYE")
    stage.nothing_is_left()


def test_a_delayed_offer_that_is_never_answered() -> None:
    stage = Stage()
    stage.customer.dial(stage.at_edge, body=b"")
    stage.run(5)
    assert len(stage.agent.acks) == 1
    assert stage.agent.methods()[-1] == "BYE"
    assert stage.notes.infos[-1].end_reason is EndReason.NO_COMMON_CODEC
    stage.nothing_is_left()


def test_a_delayed_offer_within_a_call() -> None:
    stage = Stage()
    stage.call()
    stage.customer.ack_body = sdp(CUSTOMER, port=4200, formats="0")
    stage.customer.send("INVITE")
    stage.run(2)
    assert stage.agent.last("INVITE").body == b""
    # The agent's events are taken by the edge itself, whatever the customer's phone knows.
    assert parse(stage.agent.acks[-1].body).media[0].formats == ("0", "101")
    assert media(stage, Leg.CUSTOMER).remote.port == 4200
    stage.customer.send("BYE")
    stage.nothing_is_left()


@pytest.mark.parametrize("allowed", [True, False])
def test_update_goes_on_as_what_the_far_side_takes(allowed: bool) -> None:
    stage = Stage()
    if allowed:
        stage.agent.extra = [("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")]
    stage.call()
    stage.customer.send("UPDATE", body=sdp(CUSTOMER, port=4300), content_type=SDP)
    stage.run(2)
    assert stage.customer.statuses("UPDATE") == [200]
    assert stage.agent.methods()[-1] == ("UPDATE" if allowed else "INVITE")
    assert media(stage, Leg.CUSTOMER).remote.port == 4300


def test_update_without_an_offer_is_answered_here() -> None:
    stage = Stage()
    stage.call()
    stage.customer.send("UPDATE")
    stage.run(1)
    assert stage.customer.statuses("UPDATE") == [200]
    assert stage.agent.methods() == ["INVITE"]


def test_early_media_and_its_change() -> None:
    stage = Stage(answer_after=None)

    def progress(key: ServerKey, request: Request) -> None:
        stage.agent.accept(key, request, status=183, body=sdp(AGENT, port=7000))
        stage.agent.ringing.append((key, request))

    stage.agent.on_invite = progress
    stage.customer.dial(stage.at_edge)
    stage.run(1)
    early = stage.customer.responses[-1]
    assert early.status == 183
    assert parse(early.body).media[0].port == stage.media.calls[stage.call_id].ports.customer.port
    assert media(stage, Leg.AGENT).remote.port == 7000
    answer_with(stage.agent, sdp(AGENT, port=7002))
    stage.agent.pick_up()
    stage.run(1)
    assert stage.customer.statuses() == [100, 183, 200]
    assert media(stage, Leg.AGENT).remote.port == 7002
