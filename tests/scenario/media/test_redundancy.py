"""Redundancy (RFC 2198) fills in what the network lost, voice and keys, and carries no key past the mask."""

from dataclasses import replace

import pytest

from tests.e2e.peers.listen import keys_heard, likeness
from tests.e2e.peers.wav import key_tone, keyed, noise, silence, speech_like
from tests.scenario.media.judge import assert_no_key_is_heard, beeps, events_call, tones_call
from tests.scenario.media.stage import CALL, EVENTS, Network, Phone, Stage
from tests.unit.cde.capture.presses import row_of
from tonevault.cde.media import Carrier, Codec, Leg
from tonevault.cde.wire.redundancy import fold
from tonevault.cde.wire.rtp import RtpPacket

RED = Codec(98, "RED", 8000, fmtp="0/0/101")


def stage_with_red(**how: object) -> Stage:
    """Both legs may send redundancy; the agent's must never be sent any."""
    stage = Stage(**how)  # type: ignore[arg-type]
    stage.customer_media = replace(stage.customer_media, redundancy=(RED,))
    stage.agent_media = replace(stage.agent_media, redundancy=(RED,))
    stage.engine.configure(CALL, Leg.CUSTOMER, stage.customer_media)
    stage.engine.configure(CALL, Leg.AGENT, stage.agent_media)
    return stage


def folded(phone: Phone, depth: int = 2) -> Phone:
    """The same call, each packet with `depth` of those before it."""
    packets = [packet for _, packet in phone.sent]
    phone.sent = [
        (at, fold(packet, RED.payload_type, packets[max(0, n - depth) : n]))
        for n, (at, packet) in enumerate(phone.sent)
    ]
    return phone


def without(phone: Phone, start: float, end: float) -> Phone:
    """The network lost all that was sent in a span of time."""
    phone.sent = [(at, packet) for at, packet in phone.sent if not start <= at < end]
    return phone


def remembering_events(phone: Phone) -> Phone:
    """Audio after a key repeats that key's event for a while, as RFC 4733 section 2.5.1.4 has it."""
    ends: list[tuple[float, RtpPacket]] = []
    for n, (at, packet) in enumerate(phone.sent):
        if packet.payload_type == EVENTS.payload_type:
            ends = [one for one in ends if one[1].timestamp != packet.timestamp] + [(at, packet)]
        else:
            former = [one for since, one in ends if at - since < 0.4]
            phone.sent[n] = (at, fold(packet, RED.payload_type, former))
    return phone


def test_lost_voice_is_heard_and_the_agent_gets_plain_packets() -> None:
    voice = speech_like(2.0)
    phone = folded(Phone().says(voice))
    phone.sent = [one for n, one in enumerate(phone.sent) if n % 3 != 1]
    stage = stage_with_red().sends(phone).play(2.2)
    assert stage.agent_heard.types == {0}
    assert likeness(voice, stage.agent_heard.audio()) > 0.99
    assert stage.engine.counters(CALL).recovered == 33
    assert sorted((p.sequence for _, p in stage.agent_heard.packets)) == list(
        range(stage.agent_heard.packets[0][1].sequence, stage.agent_heard.packets[0][1].sequence + 100)
    )


@pytest.mark.parametrize("seed", range(3))
def test_tones_under_heavy_loss_are_counted(seed: int) -> None:
    stage = stage_with_red(seed=seed, network=Network(loss=0.1, jitter_s=0.005))
    stage.sends(folded(tones_call("4411#"), 3)).capture(0.3).play(2.5)
    assert stage.keyed(Carrier.TONE) == "4411#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)


def test_a_key_whose_every_packet_was_lost_is_told_by_the_voice_after_it() -> None:
    phone = without(remembering_events(events_call("445")), 0.79, 0.91)
    stage = stage_with_red().sends(phone).capture(0.3).play(2.2)
    assert row_of(stage.tellings()) == "445"
    assert beeps(stage.agent_heard) == 3
    first, second, third = stage.presses(Carrier.EVENT)
    assert second.onset - first.onset == pytest.approx(0.3, abs=0.01)
    assert third.onset - second.onset == pytest.approx(0.3, abs=0.01)
    assert_no_key_is_heard(stage.agent_heard)


def test_a_key_that_was_recovered_and_heard_is_one() -> None:
    """The events of the second key are lost, its tone is not."""
    phone = Phone().says(noise(0.5, -60))
    for key in "44":
        phone.keys(key, 0.1, beside=key_tone(key, 0.1)).says(noise(0.2, -60))
    remembering_events(phone.says(noise(0.4, -60)))
    phone.sent = [
        (at, p) for at, p in phone.sent if not (at > 0.79 and p.payload_type == EVENTS.payload_type)
    ]
    stage = stage_with_red().sends(phone).capture(0.3).play(2.0)
    assert row_of(stage.tellings()) == "44"
    assert beeps(stage.agent_heard) == 2
    assert_no_key_is_heard(stage.agent_heard)


def test_a_repeated_key_mutes_nobody() -> None:
    phone = remembering_events(
        Phone().says(noise(0.5, -60)).keys("4", 0.1).says(silence(0.1).then(speech_like(0.3)))
    )
    stage = stage_with_red().sends(phone).capture(0.3).play(1.4)
    assert likeness(speech_like(0.3).between(0.05, 0.25), stage.agent_heard.audio()) > 0.95


def test_events_within_redundancy_pass_no_mask() -> None:
    stage = stage_with_red().sends(folded(events_call("4242#"))).capture(0.3).play(2.5)
    assert stage.keyed(Carrier.EVENT) == "4242#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize("close_at", [0.55, 0.61, 0.65, 0.75])
def test_events_within_redundancy_do_not_come_out_after_the_close(close_at: float) -> None:
    """The key went down in the capture; its own packets were lost, and only the repeats come, after the close."""
    phone = without(remembering_events(events_call("8")), 0.49, 0.7)
    stage = stage_with_red().sends(phone).capture(0.3, close_at).play(1.6)
    assert stage.agent_heard.types == {0}
    assert_no_key_is_heard(stage.agent_heard)


def test_outside_a_capture_events_pass_once() -> None:
    stage = stage_with_red().sends(folded(events_call("42"))).play(2.0)
    events = [packet for _, packet in stage.agent_heard.packets if packet.payload_type == 96]
    assert len(events) == 2 * 8
    assert RED.payload_type not in stage.agent_heard.types


def test_what_redundancy_may_not_hold_is_dropped() -> None:
    """Redundancy in redundancy, and payload types that nobody agreed on."""
    phone = Phone().says(noise(0.5, -60))
    voice = [packet for _, packet in phone.sent]
    phone.sent = [
        (at, fold(replace(packet, payload_type=kind), 98, [replace(voice[n - 1], payload_type=98)]))
        for n, (at, packet) in enumerate(phone.sent)
        for kind in (98, 77)
    ]
    stage = stage_with_red().sends(phone).play(0.6)
    assert stage.agent_heard.packets == []
    phone.sent = [(at, replace(packet, payload=b"\x80")) for at, packet in phone.sent]
    stage = stage_with_red().sends(phone).capture(0.0).play(0.6)
    assert stage.engine.counters(CALL).malformed == 50
    assert stage.mask_changes() == []


def test_recovered_audio_from_before_the_close_does_not_come_out_after_it() -> None:
    sound = noise(0.5, -60).then(keyed("8", 0.1, 0.1), noise(0.6, -60))
    phone = without(folded(Phone().says(sound), 6), 0.49, 0.605)
    stage = stage_with_red().sends(phone).capture(0.3, 0.595).play(1.2)
    assert keys_heard(stage.agent_heard.audio()) == []
    assert_no_key_is_heard(stage.agent_heard)
