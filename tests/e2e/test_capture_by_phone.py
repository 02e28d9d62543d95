"""Cards keyed on real phones: captured whole, charged, and neither heard nor seen at the agent's phone."""

import pytest

from tests.e2e.house_calls import CARD, AgentsCall, CallStage
from tests.e2e.peers import listen
from tests.e2e.peers.baresip import KEY_UP, Transport
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.wav import speech_like

# The pitch that an agent hears for any key.
BEEP_HZ = 520.0

KEYS_PRESSED = sum(len(value) + 1 for value in CARD.values())
PCMU, PCMA = 0, 8


def assert_card_was_taken(call: AgentsCall, amount: int) -> None:
    session = call.house.complete()
    assert (session["state"], session["reason"]) == ("succeeded", None)
    assert session["token"]["state"] == "active"
    card = session["token"]["card"]
    assert (card["brand"], card["first6"], card["last4"], card["length"]) == (
        "mastercard",
        "555555",
        "4444",
        16,
    )
    assert (card["exp_month"], card["exp_year"]) == (12, 2039)
    charge = call.house.get(f"/v1/charges/{session['charge']['id']}")
    assert (charge["state"], charge["amount"], charge["token"]) == (
        "succeeded",
        amount,
        session["token"]["id"],
    )
    assert charge["security_code_check"] == "passed"
    assert [one["masked"] for one in session["fields"]] == ["**** **** **** 4444", "**/**", "***"]


def assert_nothing_was_heard_but_beeps(call: AgentsCall) -> None:
    heard = call.heard_in_capture()
    assert listen.key_fragments(heard) == []
    beeps = listen.beeps_heard(heard, BEEP_HZ)
    assert len(beeps) == KEYS_PRESSED
    assert max(one.length_s for one in beeps) - min(one.length_s for one in beeps) < 0.01
    assert max(one.level_dbm0 for one in beeps) - min(one.level_dbm0 for one in beeps) < 1.0


@pytest.mark.parametrize("transport", list(Transport))
def test_a_card_keyed_by_events(stage: CallStage, peers: PeerGroup, transport: Transport) -> None:
    call = stage.call(transport, wire=peers.wire())
    call.key_by_events("7")
    call.agent.wait_for(KEY_UP)
    call.house.start_session(call.id, 1250)
    call.capture_card(call.key_by_events)
    assert_card_was_taken(call, 1250)
    inside, outside = call.rtp_to_agent()
    assert {one.payload_type for one in inside} == {PCMU}, "no telephone-event during a capture"
    assert len({one.payload_type for one in outside}) == 2, "but before it"
    assert call.agent_keys() == "7"
    assert_nothing_was_heard_but_beeps(call)
    assert call.hang_up()["end_reason"] == "customer_hung_up"


@pytest.mark.parametrize(("codec", "payload_type"), [("pcmu", PCMU), ("pcma", PCMA)])
def test_a_card_keyed_by_audible_tones(
    stage: CallStage, peers: PeerGroup, codec: str, payload_type: int
) -> None:
    call = stage.call(codecs=(codec,), wire=peers.wire())
    call.house.start_session(call.id, 995)
    call.capture_card(call.key_by_tones)
    assert_card_was_taken(call, 995)
    inside, _ = call.rtp_to_agent()
    assert {one.payload_type for one in inside} == {payload_type}
    assert_nothing_was_heard_but_beeps(call)


def test_a_call_is_transparent_before_and_after_a_capture(stage: CallStage) -> None:
    call = stage.call()
    call.key_by_events("159")
    call.house.wait("three keys at the agent's phone", lambda: True if call.agent_keys() == "159" else None)
    call.house.start_session(call.id)
    call.house.capture("security_code")
    call.house.cancel()
    call.key_by_events("2")
    call.let_the_mask_close()
    assert call.agent_keys() == "159", "who keys on after the cancellation is still masked"
    call.key_by_events("48#")
    call.house.wait("three more", lambda: True if call.agent_keys() == "15948#" else None)
    start_s = call.heard_so_far_s()
    call.key_by_tones("852")
    assert listen.keys_text(call.agent.wait_heard(start_s + 0.8, 5.0).between(start_s, 1e6)) == "852"


def test_voices_go_on_during_a_capture(stage: CallStage) -> None:
    call = stage.call()
    customer_voice, agent_voice = speech_like(1.5, seed=11), speech_like(1.5, seed=12)
    call.house.start_session(call.id)
    call.house.capture("card_number")
    heard_by_agent, heard_by_customer = call.agent.recording(), call.customer.recording()
    call.customer.play(customer_voice)
    call.agent.play(agent_voice)
    at_agent = call.agent.wait_heard(heard_by_agent.length_s + 2.2, 5.0)
    at_customer = call.customer.wait_heard(heard_by_customer.length_s + 2.2, 5.0)
    assert listen.likeness(customer_voice, at_agent.between(heard_by_agent.length_s, 1e6)) > 0.9
    assert listen.likeness(agent_voice, at_customer.between(heard_by_customer.length_s, 1e6)) > 0.9

    call.house.post(f"/v1/calls/{call.id}/hush", {"on": True})
    start_s = call.agent.recording().length_s
    call.customer.play(customer_voice)
    muted = call.agent.wait_heard(start_s + 2.0, 5.0).between(start_s + 0.1, 1e6)
    assert listen.likeness(customer_voice, muted) < 0.1
    assert listen.level_dbm0(muted) < -45
    assert call.house.field("card_number") == {
        **call.house.field("card_number"),
        "state": "capturing",
        "dots": 0,
    }, "a voice presses no key"
    call.house.cancel()
    call.let_the_mask_close()
    start_s = call.agent.recording().length_s
    call.customer.play(customer_voice)
    again = call.agent.wait_heard(start_s + 2.2, 5.0).between(start_s, 1e6)
    assert listen.likeness(customer_voice, again) > 0.9
