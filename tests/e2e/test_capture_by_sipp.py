"""What a trunk and a contact centre do to a call while a card is taken: INFO, headers, hold, transfer, hang-up, refusals."""

from dataclasses import dataclass

import pytest

from tests.e2e.house import House, Json
from tests.e2e.house_calls import CARD, NOBODY_NUMBER, SIPP_NUMBERS, CallStage
from tests.e2e.peers import listen, rtp
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.rtp_endpoint import RtpEndpoint
from tests.e2e.peers.sip_message import requests
from tests.e2e.peers.sipp import DEFAULT_AUDIO, InfoType, SippCallee, SippCaller, SippSettings, SippTransport
from tests.e2e.peers.wav import silence

BEEP_HZ = 520.0
EVENT_TYPE = 101


@dataclass
class SippCall:
    """One call between two sipps through the house, with the sound of both."""

    house: House
    caller: SippCaller
    callee: SippCallee
    customer: RtpEndpoint
    agent: RtpEndpoint
    call: Json
    is_over: bool = False

    def end(self) -> None:
        """The customer hangs up, if nobody has."""
        if not self.is_over:
            self.is_over = True
            self.caller.hangup()
            self.house.wait_call_ended(self.id)

    @property
    def id(self) -> str:
        return str(self.call["id"])

    def agent_infos(self) -> int:
        """How many INFO requests the agent's side has got."""
        return len(requests(self.callee.messages(), "INFO", sent=False))

    def agent_events(self) -> int:
        """How many telephone-event packets the agent's side has got."""
        return sum(one.payload_type == EVENT_TYPE for one in self.agent.received())


def ring(
    stage: CallStage,
    peers: PeerGroup,
    transport: SippTransport = SippTransport.UDP,
    *,
    caller: SippSettings | None = None,
    callee: SippSettings | None = None,
) -> tuple[SippCaller, SippCallee]:
    """A caller that dials, and the callee that its call is for; not answered."""
    house = stage.house
    called = peers.callee(callee or SippSettings(transport), block=stage.sipp_block(transport))
    calling = peers.caller(caller or SippSettings(transport))
    calling.dial(SIPP_NUMBERS[transport], house.ports.sip, wait=False)
    return calling, called


def connect(
    stage: CallStage,
    peers: PeerGroup,
    transport: SippTransport = SippTransport.UDP,
    *,
    caller: SippSettings | None = None,
    callee: SippSettings | None = None,
) -> SippCall:
    """A call that is up, with both sides sending silence."""
    calling, called = ring(stage, peers, transport, caller=caller, callee=callee)
    called.answer()
    calling.wait_for("established")
    customer, agent = peers.sound_of(calling, seed=1), peers.sound_of(called, seed=2)
    customer.start(calling.remote_audio_port())
    agent.start(called.remote_audio_port())
    call = SippCall(stage.house, calling, called, customer, agent, stage.house.wait_call())
    stage.add(call)
    return call


@pytest.mark.parametrize("transport", list(SippTransport))
@pytest.mark.parametrize("info_type", list(InfoType))
def test_a_card_keyed_by_info(
    stage: CallStage, peers: PeerGroup, transport: SippTransport, info_type: InfoType
) -> None:
    call = connect(stage, peers, transport)
    house = call.house
    assert call.caller.key("7", info_type) == 200
    assert call.agent_infos() == 1, "outside a capture INFO passes"
    house.start_session(call.id, 4200)
    first = len(call.agent.received())
    for name, value in CARD.items():
        house.capture(name)
        assert call.caller.keys(f"{value}#", info_type) == [200] * (len(value) + 1)
        house.wait_field(name)
    session = house.complete()
    assert (session["state"], session["charge"]["state"]) == ("succeeded", "succeeded")
    assert session["token"]["card"]["last4"] == "4444"
    assert call.agent_infos() == 1, "in a capture none passes"
    heard = rtp.sound(call.agent.wait_received(len(call.agent.received()) + 25)[first:])
    assert listen.beeps_heard(heard, BEEP_HZ)
    assert listen.key_fragments(heard) == []


def test_an_event_and_its_residual_tone_are_one_press(stage: CallStage, peers: PeerGroup) -> None:
    call = connect(stage, peers)
    house = call.house
    house.start_session(call.id)
    first = len(call.agent.received())
    for name, value in CARD.items():
        house.capture(name)
        call.customer.say(silence(0.1))
        call.customer.press(f"{value}#", with_tone=True)
        house.wait_field(name)
    assert house.complete()["token"]["card"]["last4"] == "4444"
    got = call.agent.wait_received(len(call.agent.received()) + 25)[first:]
    assert {one.payload_type for one in got} == {0}
    heard = rtp.sound(got)
    assert len(listen.beeps_heard(heard, BEEP_HZ)) == sum(len(value) + 1 for value in CARD.values())
    assert listen.key_fragments(heard) == []


def test_headers_pass_both_ways_and_name_the_customer(stage: CallStage, peers: PeerGroup) -> None:
    house = stage.house
    customer = house.post("/v1/customers", {"name": "Ada Sample", "reference": "CUST-A"})
    asked = {
        "X-Customer": "CUST-A",
        "X-Campaign": "spring; offer=two",
        "User-to-User": "56a390f3d2b7310023a2;encoding=hex",
    }
    told = {"X-Agent": "desk four", "X-Queue-Time": "12"}
    call = connect(stage, peers, caller=SippSettings(headers=asked), callee=SippSettings(headers=told))
    invite = call.callee.wait_message("INVITE")
    assert {name: invite.header(name) for name in asked} == asked
    answer = call.caller.wait_message("INVITE", status=200)
    assert {name: answer.header(name) for name in told} == told
    assert call.call["customer"]["id"] == customer["id"]
    assert call.call["customer"]["reference"] == "CUST-A"
    assert call.call["route"] == "sipp-udp"


@pytest.mark.parametrize("who", ["customer", "agent"])
def test_hanging_up_in_mid_capture(stage: CallStage, peers: PeerGroup, who: str) -> None:
    call = connect(stage, peers)
    house = call.house
    house.start_session(call.id, 1000)
    house.capture("card_number")
    call.caller.keys("42424")
    house.wait_dots("card_number", 5)
    leaving, staying = (call.caller, call.callee) if who == "customer" else (call.callee, call.caller)
    call.is_over = True
    leaving.hangup()
    assert staying.wait_for("closed").detail == "peer"
    session = house.wait_session("canceled")
    assert session["reason"] == "call_ended"
    assert session["charge"] is None
    assert session["token"] is None
    assert all(field["state"] != "capturing" and not field["masked"] for field in session["fields"])
    assert house.wait_call_ended(call.id)["end_reason"] == f"{who}_hung_up"


@pytest.mark.parametrize("who", ["customer", "agent"])
def test_hold_and_resume_in_mid_capture(stage: CallStage, peers: PeerGroup, who: str) -> None:
    call = connect(stage, peers)
    house = call.house
    house.start_session(call.id)
    house.capture("card_number")
    first = len(call.agent.received())
    call.caller.keys("5555")
    holding, held = (call.caller, call.callee) if who == "customer" else (call.callee, call.caller)
    assert holding.hold() == 200
    held.wait_for("reinvited")
    call.caller.keys("5555")
    house.wait_dots("card_number", 8)
    assert holding.resume() == 200
    held.wait_for("reinvited")
    call.caller.keys("5555")
    # None of the keys by INFO: the same key by the other carrier a moment later is the same press.
    call.customer.press("4444#")
    assert house.wait_field("card_number")["masked"] == "**** **** **** 4444"
    assert (call.agent_infos(), call.agent_events()) == (0, 0)
    heard = rtp.sound(call.agent.wait_received(len(call.agent.received()) + 25)[first:])
    assert listen.key_fragments(heard) == []


def test_giving_up_before_the_answer(stage: CallStage, peers: PeerGroup) -> None:
    caller, callee = ring(stage, peers)
    callee.wait_for("incoming")
    call = stage.house.wait_call("ringing")
    caller.cancel()
    callee.wait_for("cancelled")
    assert stage.house.wait_call_ended(call["id"])["end_reason"] == "canceled"


def test_a_busy_agent(stage: CallStage, peers: PeerGroup) -> None:
    caller, callee = ring(stage, peers)
    call = stage.house.wait_call("ringing")
    callee.reject()
    assert caller.wait_for("refused").detail == "486"
    assert stage.house.wait_call_ended(call["id"])["end_reason"] == "busy"


def test_the_agent_transfers_the_customer(stage: CallStage, peers: PeerGroup) -> None:
    call = connect(stage, peers)
    target = "sip:payments@192.0.2.7"
    assert call.callee.refer(target) == 202
    call.caller.wait_for("referred")
    (refer,) = requests(call.caller.messages(), "REFER", sent=False)
    assert target in refer.header("Refer-To")


def test_codecs_that_nobody_shares(stage: CallStage, peers: PeerGroup) -> None:
    wideband = SippSettings(audio=("9 101", "a=rtpmap:9 G722/8000", *DEFAULT_AUDIO[3:]))
    caller, callee = ring(stage, peers, caller=wideband)
    callee.answer()
    assert caller.wait_for("refused").detail == "488"
    refusal = caller.wait_message("INVITE", status=488)
    assert "codec" in refusal.header("Warning").lower()


def test_an_offer_that_cannot_be_relayed(stage: CallStage, peers: PeerGroup) -> None:
    only_events = SippSettings(audio=("101", *DEFAULT_AUDIO[3:]))
    caller = peers.caller(only_events).dial(
        SIPP_NUMBERS[SippTransport.UDP], stage.house.ports.sip, wait=False
    )
    assert caller.wait_for("refused").detail == "488"
    assert "tonevault" in caller.wait_message("INVITE", status=488).header("Warning")


def test_a_number_without_a_route(stage: CallStage, peers: PeerGroup) -> None:
    caller = peers.caller().dial("442079469999", stage.house.ports.sip, wait=False)
    assert caller.wait_for("refused").detail == "404"
    assert caller.wait_message("INVITE", status=404).start_line.endswith("No Route For This Number")


def test_a_contact_centre_that_is_not_there(stage: CallStage, peers: PeerGroup) -> None:
    caller = peers.caller().dial(NOBODY_NUMBER, stage.house.ports.sip, wait=False)
    assert caller.wait_for("refused").detail == "503"

    def told() -> str | None:
        calls = stage.house.get("/v1/calls")["data"]
        return next((str(one["id"]) for one in calls if one["route"] == "nobody"), None)

    call_id = stage.house.wait("call that the desk was told of", told)
    assert stage.house.wait_call_ended(call_id)["end_reason"] == "unreachable"
