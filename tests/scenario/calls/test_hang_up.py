"""Hang-up in every state, by everyone; CANCEL racing the answer; BYEs that cross; far ends that fall silent."""

import pytest
from tests.scenario.calls.stage import EDGE, Stage

from tonevault.cde.edge.observer import EndReason
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Request
from tonevault.cde.wire.sip.peer import Transport
from tonevault.testing.network import Weather


def ended(stage: Stage, reason: EndReason) -> None:
    assert stage.notes.said.count("ended") == 1
    assert stage.notes.infos[-1].end_reason is reason
    stage.nothing_is_left()


def test_cancel_while_ringing() -> None:
    stage = Stage(answer_after=None)
    key = stage.customer.dial(stage.at_edge)
    stage.run(3)
    stage.customer.node.cancel(key)
    stage.run(1)
    assert stage.customer.statuses() == [100, 180, 487]
    assert stage.agent.cancelled
    ended(stage, EndReason.CANCELED)


def test_cancel_before_the_agent_says_anything() -> None:
    stage = Stage()
    stage.agent.on_invite = lambda _key, _request: None
    key = stage.customer.dial(stage.at_edge)
    stage.run(0.04)
    stage.customer.node.cancel(key)
    stage.run(2)
    assert stage.customer.statuses()[-1] == 487
    assert stage.agent.cancelled
    ended(stage, EndReason.CANCELED)


@pytest.mark.parametrize("lead_ms", range(-40, 45, 5))
def test_cancel_and_answer_race(lead_ms: int) -> None:
    """Whichever wins, both sides agree in the end, and no dialog is left standing on one of them."""
    stage = Stage(seed=lead_ms + 100, answer_after=2.0)
    key = stage.customer.dial(stage.at_edge)
    stage.network.at(2.05 + lead_ms / 1000, lambda: stage.customer.node.cancel(key))
    stage.run(6)
    last = stage.customer.statuses()[-1]
    assert last in {200, 487}
    if last == 200:
        stage.customer.send("BYE")
        stage.run(1)
    agent_was_answered = not stage.agent.cancelled
    if agent_was_answered:
        assert "BYE" in stage.agent.methods()
        assert len(stage.agent.acks) == 1
    stage.nothing_is_left()


def test_the_caller_may_send_bye_in_place_of_cancel() -> None:
    stage = Stage(answer_after=None)
    stage.customer.dial(stage.at_edge)
    stage.run(2)
    ringing = stage.customer.responses[-1]
    assert ringing.status == 180
    invite = next(iter(stage.customer.invites.values()))
    stage.customer.dialog = Dialog.as_caller(invite, ringing)
    stage.customer.send("BYE")
    stage.run(1)
    assert stage.customer.statuses("BYE") == [200]
    assert stage.customer.statuses()[-1] == 487
    assert stage.agent.cancelled
    ended(stage, EndReason.CUSTOMER_HUNG_UP)


def test_byes_that_cross() -> None:
    stage = Stage()
    stage.call()
    stage.customer.send("BYE")
    stage.agent.send("BYE")
    stage.run(2)
    assert stage.customer.statuses("BYE") == [200]
    assert stage.agent.statuses("BYE") == [200]
    assert stage.notes.said.count("ended") == 1
    stage.nothing_is_left()


def test_the_agent_hangs_up_before_the_callers_ack() -> None:
    """RFC 3261 section 15: the BYE towards the caller waits for its ACK."""
    stage = Stage()
    stage.customer.hold_ack = True
    stage.customer.dial(stage.at_edge)
    stage.run(2)
    stage.agent.send("BYE")
    stage.run(2)
    assert "BYE" not in stage.customer.methods()
    customer, invite = stage.customer, next(iter(stage.customer.invites.values()))
    assert customer.dialog is not None
    customer.node.send_ack(customer.dialog.ack(invite), customer.hop())
    stage.run(1)
    assert customer.methods() == ["BYE"]
    ended(stage, EndReason.AGENT_HUNG_UP)


def test_a_caller_who_never_acknowledges() -> None:
    stage = Stage()
    stage.customer.hold_ack = True
    stage.customer.dial(stage.at_edge)
    stage.run(60)
    assert "BYE" in stage.agent.methods()
    assert "BYE" in stage.customer.methods()
    ended(stage, EndReason.LEG_LOST)


@pytest.mark.parametrize(
    ("status", "told", "reason"),
    [
        (486, 486, EndReason.BUSY),
        (600, 600, EndReason.BUSY),
        (480, 480, EndReason.NO_ANSWER),
        (603, 603, EndReason.REFUSED),
        (488, 488, EndReason.NO_COMMON_CODEC),
        (302, 480, EndReason.NO_ANSWER),
        (407, 502, EndReason.UNREACHABLE),
    ],
)
def test_a_refusal_is_passed_with_its_reason(status: int, told: int, reason: EndReason) -> None:
    stage = Stage()
    stage.agent.on_invite = lambda key, request: stage.agent.accept(
        key, request, status=status, headers=(("X-Why", "so"), ("Contact", "<sip:elsewhere@example.invalid>"))
    )
    stage.call()
    assert stage.customer.statuses() == [100, told]
    final = stage.customer.responses[-1]
    assert final.headers.get("X-Why") == ("so" if told == status else None)
    assert final.contacts == []
    ended(stage, reason)


def test_an_agent_that_is_not_there() -> None:
    stage = Stage()
    stage.network.detach(stage.agent.node)
    stage.customer.dial(stage.at_edge)
    stage.run(40)
    assert stage.customer.statuses() == [100, 408]
    ended(stage, EndReason.NO_ANSWER)


def test_ringing_for_ever_ends_after_three_minutes() -> None:
    stage = Stage(answer_after=None)
    stage.customer.dial(stage.at_edge)
    stage.run(170)
    assert stage.customer.statuses() == [100, 180]
    stage.run(20)
    assert stage.customer.statuses()[-1] == 408
    assert stage.agent.cancelled
    ended(stage, EndReason.NO_ANSWER)


@pytest.mark.parametrize("method", ["INFO", "MESSAGE", "INVITE"])
def test_a_dead_leg_ends_both(method: str) -> None:
    stage = Stage()
    stage.call()
    stage.network.detach(stage.agent.node)
    body = stage.customer.offer if method == "INVITE" else b"x"
    stage.customer.send(
        method, body=body, content_type="application/sdp" if method == "INVITE" else "text/plain"
    )
    stage.run(80)
    if method == "INVITE":
        assert stage.customer.statuses(method)[-1] == 408
    else:
        assert stage.customer.timeouts == 1
    assert "BYE" in stage.customer.methods()
    ended(stage, EndReason.LEG_LOST)


def test_a_leg_that_has_forgotten_the_call_ends_both() -> None:
    stage = Stage()
    stage.call()

    def forgot(key: ServerKey, request: Request) -> bool:
        stage.agent.accept(key, request, status=481)
        return True

    stage.agent.on_request = forgot
    stage.customer.send("INFO", body=b"x", content_type="text/plain")
    stage.run(2)
    assert stage.customer.statuses("INFO") == [481]
    assert stage.customer.methods() == ["BYE"]
    assert "BYE" not in stage.agent.methods()
    ended(stage, EndReason.LEG_LOST)


def test_the_edge_hangs_up() -> None:
    stage = Stage()
    stage.call()
    stage.switch.hang_up(stage.call_id)
    stage.switch.hang_up(stage.call_id)
    stage.run(1)
    assert stage.customer.methods() == ["BYE"]
    assert stage.agent.methods()[-1] == "BYE"
    ended(stage, EndReason.HUNG_UP_BY_EDGE)


def test_a_relay_that_dies_ends_the_call() -> None:
    stage = Stage()
    stage.call()
    stage.media.lose(stage.call_id)
    stage.run(1)
    assert stage.customer.methods() == ["BYE"]
    ended(stage, EndReason.MEDIA_LOST)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("moment", [0.01, 0.5, 1.0, 1.04, 1.3])
def test_hang_up_at_any_moment_in_bad_weather(seed: int, moment: float) -> None:
    """A quarter of all datagrams is lost, others overtake each other: nothing stays behind, and the observer is told once."""
    weather = Weather(loss=0.25, min_delay_s=0.005, max_delay_s=0.4)
    stage = Stage(seed=seed, weather=weather)
    key = stage.customer.dial(stage.at_edge)

    def give_up() -> None:
        if stage.customer.dialog is not None:
            stage.customer.send("BYE")
        else:
            stage.customer.node.cancel(key)

    stage.network.at(moment, give_up)
    stage.run(90)
    if stage.customer.dialog is not None and stage.switch.calls():
        # The answer won against the CANCEL: the customer now hangs up in earnest.
        stage.customer.send("BYE")
    stage.run(60)
    assert stage.switch.calls() == []
    stage.nothing_is_left()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_a_whole_call_in_bad_weather(seed: int, transport: Transport) -> None:
    weather = Weather(loss=0.2, min_delay_s=0.005, max_delay_s=0.3)
    stage = Stage(seed=seed, weather=weather, transport=transport)
    stage.customer.dial(stage.at_edge)
    stage.run(30)
    assert stage.customer.statuses()[-1] == 200
    assert stage.notes.said == ["arrived", "ringing", "answered"]
    assert len(stage.agent.acks) == 1
    assert all(peer.host != EDGE or data for _, peer, _, data in stage.network.sent)
    stage.agent.send("BYE")
    stage.run(40)
    assert stage.customer.methods() == ["BYE"]
    ended(stage, EndReason.AGENT_HUNG_UP)
