"""The edges of a capture: keys held across its opening and its close, what comes late, and a stream that never breaks."""

from itertools import pairwise

import pytest

from tests.e2e.peers.listen import key_fragments
from tests.e2e.peers.wav import key_tone, noise, speech_like
from tests.scenario.media.judge import assert_no_key_is_heard, beeps, events_call, tones_call
from tests.scenario.media.stage import (
    CALL,
    Phone,
    Stage,
)
from tonevault.cde.media import Carrier
from tonevault.cde.wire.rtp import RtpPacket


def test_a_key_held_for_ten_seconds_is_one_beep_and_the_stream_goes_on() -> None:
    phone = Phone().says(noise(0.5, -60)).keys("8", 10.0).says(noise(0.5, -60))
    stage = Stage().sends(phone).capture(0.3).play(11.5)
    assert stage.keyed(Carrier.EVENT) == "8"
    assert beeps(stage.agent_heard) == 1
    during = stage.agent_heard.between(1.0, 10.0).packets
    assert 445 <= len(during) <= 455
    stage.agent_heard.assert_one_stream()


def test_the_stream_is_steady_through_the_opening_and_the_close() -> None:
    stage = Stage().sends(Phone().says(speech_like(3.0))).capture(1.003, 2.003).play(3.1)
    stage.agent_heard.assert_one_stream()
    packets = stage.agent_heard.packets
    assert len(packets) == 150
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for (_, a), (_, b) in pairwise(packets)]
    assert set(steps) == {160}


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.03, 0.05])
def test_an_event_held_across_the_close_is_masked_to_its_last_repeat(offset: float) -> None:
    phone = (
        Phone()
        .says(noise(0.5, -60))
        .keys("8", 0.4, ends=3)
        .says(noise(0.5, -60))
        .keys("3", 0.1)
        .says(noise(0.3))
    )
    stage = Stage().sends(phone).capture(0.3, 0.7 + offset).play(2.2)
    assert stage.keyed(Carrier.EVENT) == "8"
    passed = {p.payload[0] for _, p in stage.agent_heard.packets if p.payload_type == 96}
    assert passed == {3}


@pytest.mark.parametrize("offset", [0.0, 0.007, 0.013, 0.02])
def test_a_tone_held_across_the_close_is_masked_to_its_end(offset: float) -> None:
    sound = noise(0.5, -60).then(key_tone("8", 0.4), noise(0.6, -60))
    stage = Stage().sends(Phone().says(sound)).capture(0.3, 0.7 + offset).play(1.6)
    assert stage.keyed(Carrier.TONE) == "8"
    assert_no_key_is_heard(stage.agent_heard)
    stage.agent_heard.assert_one_stream()


def test_an_event_that_began_before_the_opening_is_cut_and_not_told() -> None:
    phone = (
        Phone()
        .says(noise(0.5, -60))
        .keys("8", 0.4)
        .says(noise(0.3, -60))
        .keys("3", 0.1)
        .says(noise(0.2, -60))
    )
    stage = Stage().sends(phone).capture(0.7).play(1.8)
    assert stage.keyed(Carrier.EVENT) == "3"
    assert 96 not in stage.agent_heard.between(0.71, 9).types
    assert beeps(stage.agent_heard) == 1


def test_a_tone_that_began_before_the_opening_is_cut_and_not_told() -> None:
    sound = noise(0.5, -60).then(key_tone("8", 0.4), noise(0.3, -60), key_tone("3", 0.1), noise(0.3, -60))
    stage = Stage().sends(Phone().says(sound)).capture(0.701).play(1.8)
    assert stage.keyed(Carrier.TONE) == "3"
    assert key_fragments(stage.agent_heard.between(0.71, 9).audio()) == []


def test_a_key_held_from_before_whose_tone_runs_behind_is_not_told() -> None:
    phone = Phone().says(noise(0.5, -60))
    late_tone = noise(0.06, -60).then(key_tone("8", 0.3), noise(0.04, -60))
    phone.keys("8", 0.4, beside=late_tone).says(noise(0.3, -60)).keys("3", 0.1).says(noise(0.2, -60))
    stage = Stage().sends(phone).capture(0.53).play(1.8)
    assert stage.keyed(Carrier.TONE) == ""
    assert stage.keyed(Carrier.EVENT) == "3"
    assert_no_key_is_heard(stage.agent_heard.between(0.54, 9))


@pytest.mark.parametrize("numbered_anew", [False, True])
def test_a_late_repeat_of_a_captured_key_never_passes(numbered_anew: bool) -> None:
    phone = Phone().says(noise(0.5, -60)).keys("8", 0.1, ends=1)
    _, end = phone.sent[-1]
    phone.says(noise(0.6, -60))
    if numbered_anew:
        phone._send(phone.at, end.payload_type, end.timestamp, end.payload)
    else:
        phone.sent.append((phone.at, end))
    phone.says(noise(0.4, -60))
    stage = Stage().sends(phone).capture(0.3, 0.8).play(1.7)
    assert stage.agent_heard.types == {0}
    stage.agent_heard.assert_one_stream()


def test_a_tone_held_from_before_that_the_network_delayed_is_not_told() -> None:
    phone = Phone().says(noise(0.5, -60)).says(key_tone("8", 0.4)).says(noise(0.5, -60))
    phone.sent = [(0.745 if 0.69 < at < 0.745 else at, packet) for at, packet in phone.sent]
    stage = Stage().sends(phone).capture(0.681).play(1.4)
    assert stage.presses() == []


def test_audio_that_comes_after_the_close_from_before_it_is_dropped() -> None:
    phone = tones_call("9")
    loud = [index for index, (_, packet) in enumerate(phone.sent) if len(set(packet.payload)) > 60]
    phone.sent[loud[1]] = (1.001, phone.sent[loud[1]][1])
    stage = Stage().sends(phone).capture(0.3, 0.8).play(1.6)
    assert_no_key_is_heard(stage.agent_heard)
    assert stage.engine.counters(CALL).late == 1


def test_a_key_held_while_the_source_changes_is_one() -> None:
    phone = Phone().says(noise(0.5, -60)).keys("5", 0.2, ends=0)
    held = len(phone.sent)
    phone.changes_source(777, 40000, 12345).keys("5", 0.2).says(noise(0.5, -60))
    phone.sent[held:] = [(at, _unmarked(packet)) for at, packet in phone.sent[held:]]
    stage = Stage().sends(phone).capture(0.3).play(1.6)
    assert stage.keyed(Carrier.EVENT) == "5"
    assert beeps(stage.agent_heard) == 1


def _unmarked(packet: RtpPacket) -> RtpPacket:
    return RtpPacket(packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, packet.payload)


def test_captures_follow_one_another() -> None:
    stage = Stage().sends(events_call("123456")).capture(0.3, 1.0).capture(1.2, 1.5).capture(1.51).play(3.0)
    passed = [p.payload[0] for _, p in stage.agent_heard.packets if p.payload_type == 96]
    assert set(passed) <= {3}
    assert stage.keyed(Carrier.EVENT).startswith("12")
    assert stage.keyed(Carrier.EVENT).endswith("456")
