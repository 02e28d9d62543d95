"""Captures played in simulated time and judged by listening: every key is counted once and beeps once, and none is heard."""

import pytest

from tests.e2e.peers.listen import beeps_heard, keys_heard, likeness
from tests.e2e.peers.wav import Sound, key_tone, keyed, noise, silence, speech_like, tone
from tests.scenario.media.judge import assert_no_key_is_heard, beeps, events_call, tones_call
from tests.scenario.media.stage import (
    AGENT,
    AGENT_SOCKETS,
    CALL,
    CUSTOMER,
    EVENTS,
    G729,
    PACKET_S,
    PCMA,
    PCMU,
    START,
    Heard,
    Network,
    Phone,
    Stage,
)
from tonevault.cde.edge.relay.held_keys import Held
from tonevault.cde.edge.relay.masked_flow import Pressed
from tonevault.cde.media import Carrier, Codec, Direction, Leg, LegMedia, MaskMode
from tonevault.cde.wire.rtp import RtpPacket
from tonevault.cde.wire.tone.beep import BEEP_HZ

SEEDS = range(4)


def test_events_are_counted_and_beep_and_go_no_further() -> None:
    stage = Stage().sends(events_call("4242#")).capture(0.3).play(2.5)
    assert stage.keyed(Carrier.EVENT) == "4242#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)
    stage.agent_heard.assert_one_stream()


def test_tones_are_counted_and_beep_and_are_not_heard() -> None:
    stage = Stage().sends(tones_call("4929#")).capture(0.3).play(2.2)
    assert stage.keyed(Carrier.TONE) == "4929#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)


def test_without_a_capture_the_same_keys_are_heard() -> None:
    heard = Stage().sends(tones_call("4929#")).play(2.2).agent_heard
    assert "".join(one.key for one in keys_heard(heard.audio())) == "4929#"
    assert 96 in Stage().sends(events_call("42")).play(2.0).agent_heard.types


def test_a_law_of_its_own_on_either_leg() -> None:
    sound = silence(0.5).then(keyed("44", 0.08, 0.12), silence(0.5)).mixed_with(noise(1.4, -60))
    stage = Stage(customer=(PCMA,), agent=(PCMU,)).sends(Phone(8).says(sound)).capture(0.3).play(1.5)
    assert stage.keyed(Carrier.TONE) == "44"
    assert beeps(stage.agent_heard) == 2
    assert_no_key_is_heard(stage.agent_heard)


def test_event_and_tone_of_one_press_are_one_beep() -> None:
    phone = Phone().says(noise(0.5, -60))
    for key in "441":
        phone.keys(key, 0.1, beside=key_tone(key, 0.1)).says(noise(0.2, -60))
    stage = Stage().sends(phone).capture(0.3).play(1.8)
    assert stage.keyed(Carrier.EVENT) == "441"
    assert beeps(stage.agent_heard) == 3
    assert_no_key_is_heard(stage.agent_heard)


def test_a_tone_that_leads_its_event_is_one_beep() -> None:
    phone = Phone().says(noise(0.5, -60))
    for key in "77":
        phone.says(key_tone(key, 0.06)).keys(key, 0.1).says(noise(0.2, -60))
    stage = Stage().sends(phone).capture(0.3).play(1.8)
    assert stage.keyed(Carrier.EVENT) == "77"
    assert beeps(stage.agent_heard) == 2
    assert_no_key_is_heard(stage.agent_heard)


def test_info_beeps_once_for_a_press_however_it_came_besides() -> None:
    stage = Stage().sends(events_call("44")).capture(0.3)
    stage.info(0.62, "4").info(0.93, "4").info(1.4, "5").play(2.2)
    assert beeps(stage.agent_heard) == 3


def test_info_beeps_though_the_customers_phone_sends_nothing() -> None:
    stage = Stage().capture(0.3).info(0.6, "1").info(1.0, "2").play(1.6)
    assert beeps(stage.agent_heard) == 2
    audio = stage.agent_heard.audio()
    assert audio.length_s == pytest.approx(1.3, abs=0.05)


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_disorder_and_doubles_do_not_miscount_events(seed: int) -> None:
    network = Network(loss=0.05, twice=0.1, jitter_s=0.03)
    stage = Stage(seed=seed, network=network).sends(events_call("4444114#")).capture(0.3).play(3.5)
    assert sorted(stage.keyed(Carrier.EVENT)) == sorted("4444114#")
    assert beeps(stage.agent_heard) == 8
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize("seed", SEEDS)
def test_jitter_does_not_miscount_tones(seed: int) -> None:
    network = Network(twice=0.05, jitter_s=0.025)
    stage = Stage(seed=seed, network=network).sends(tones_call("44441#")).capture(0.3).play(2.5)
    assert stage.keyed(Carrier.TONE) == "44441#"
    assert beeps(stage.agent_heard) == 6
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_burst_of_lateness_inside_a_tone_does_not_cut_it_in_two(seed: int) -> None:
    stage, phone = (
        Stage(seed=seed),
        Phone().says(noise(0.5, -60)).says(key_tone("9", 0.2)).says(noise(0.5, -60)),
    )
    late_from = 0.54 + 0.02 * seed
    for index, (at, packet) in enumerate(phone.sent):
        if late_from <= at < late_from + 0.09:
            phone.sent[index] = (late_from + 0.09, packet)
    stage.sends(phone).capture(0.3).play(1.5)
    assert stage.keyed(Carrier.TONE) == "9"
    assert beeps(stage.agent_heard) == 1
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize(("ends", "starts"), [(0, True), (1, False), (0, False), (3, False)])
def test_presses_whose_start_or_ends_were_lost_are_one_each(ends: int, starts: bool) -> None:
    stage = Stage().sends(events_call("445", ends=ends, starts=starts)).capture(0.3).play(2.0)
    assert stage.keyed(Carrier.EVENT) == "445"
    assert beeps(stage.agent_heard) == 3
    assert_no_key_is_heard(stage.agent_heard)


def test_the_beep_begins_at_key_down() -> None:
    stage = Stage().sends(Phone().says(noise(0.5, -60)).keys("8", 2.0)).capture(0.3).play(2.6)
    packets = stage.agent_heard.packets
    (beep,) = beeps_heard(stage.agent_heard.audio(), BEEP_HZ)
    sent_at = packets[int(beep.start_s / PACKET_S)][0]
    assert sent_at <= 0.5 + 0.06


def test_audio_beside_an_event_is_muted_whatever_it_is() -> None:
    phone = Phone().says(noise(0.5, -60)).keys("1", 0.5, beside=tone(900, 0.5, -12)).says(noise(0.3, -60))
    stage = Stage().sends(phone).capture(0.3).play(1.4)
    assert beeps_heard(stage.agent_heard.audio(), 900) == []
    assert beeps(stage.agent_heard) == 1


def test_a_scrap_of_tone_before_its_event_is_not_heard() -> None:
    phone = Phone().says(noise(0.5, -60))
    for key in "123":
        phone.says(noise(0.012, -60).then(key_tone(key, 0.008))).keys(key, 0.1).says(noise(0.2, -60))
    stage = Stage().sends(phone).capture(0.3).play(1.8)
    assert stage.keyed(Carrier.EVENT) == "123"
    assert_no_key_is_heard(stage.agent_heard)


def test_voice_goes_on_both_ways_in_talk() -> None:
    voice, agent_voice = speech_like(2.0), speech_like(2.0, seed=2)
    agent = Phone(ssrc=9).says(agent_voice)
    stage = (
        Stage()
        .sends(Phone().says(voice))
        .sends(agent, socket=AGENT_SOCKETS.rtp, source=AGENT)
        .capture(0.0)
        .play(2.1)
    )
    assert likeness(voice.between(0.5, 1.5), stage.agent_heard.audio()) > 0.98
    assert [p.payload for _, p in stage.customer_heard.packets] == [p.payload for _, p in agent.sent]


def test_the_agents_events_pass_during_a_capture() -> None:
    agent = Phone(ssrc=9).says(noise(0.5))
    agent.sent += [(0.5, RtpPacket(96, agent._sequence, agent._timestamp, 9, b"\x01\x0a\x00\xa0", True))]
    stage = Stage().sends(agent, socket=AGENT_SOCKETS.rtp, source=AGENT).capture(0.0).play(1.0)
    assert EVENTS.payload_type in stage.customer_heard.types


def test_in_hush_the_customer_is_not_heard_and_keys_still_beep() -> None:
    sound = speech_like(1.0).then(keyed("12", 0.08, 0.12), speech_like(1.0, seed=3))
    stage = Stage().sends(Phone().says(sound)).capture(0.2, mode=MaskMode.HUSH).play(2.5)
    heard = stage.agent_heard.between(0.25, 9).audio()
    assert stage.keyed(Carrier.TONE) == "12"
    assert len(beeps_heard(heard, BEEP_HZ)) == 2
    first = beeps_heard(heard, BEEP_HZ)[0]
    assert not heard.between(0.1, first.start_s - 0.02).samples.any()


def test_the_mask_can_be_changed_while_open() -> None:
    stage = Stage().sends(Phone().says(speech_like(2.0))).capture(0.2)
    stage.at(1.0, lambda: stage.engine.set_mask(CALL, MaskMode.HUSH)).play(2.0)
    assert stage.agent_heard.between(0.3, 0.9).audio().samples.any()
    assert not stage.agent_heard.between(1.1, 2.0).audio().samples.any()
    assert stage.mask_changes() == []


def test_comfort_noise_is_a_pause_and_no_unknown_codec() -> None:
    stage = Stage(customer=(PCMU, Codec(13, "CN", 8000)))
    phone = Phone().says(noise(0.5, -60))
    phone._send(0.5, 13, phone._timestamp, b"\x40")
    phone.pauses(0.5).says(key_tone("5", 0.1)).says(noise(0.3, -60))
    stage.sends(phone).capture(0.3).play(1.6)
    assert stage.mask_changes() == []
    assert stage.keyed(Carrier.TONE) == "5"
    assert_no_key_is_heard(stage.agent_heard)


def test_a_change_of_source_in_a_capture_is_no_key_and_no_break() -> None:
    phone = Phone().says(noise(0.5, -60)).keys("5", 0.1).says(noise(0.3, -60))
    phone.changes_source(777, 40000, 12345).says(noise(0.3, -60)).keys("5", 0.1).says(noise(0.5, -60))
    stage = Stage().sends(phone).capture(0.3).play(2.0)
    assert stage.keyed(Carrier.EVENT) == "55"
    assert beeps(stage.agent_heard) == 2
    stage.agent_heard.assert_one_stream()


def test_a_stranger_can_neither_key_nor_speak_in_a_capture() -> None:
    stage = Stage().sends(events_call("1")).sends(events_call("9999"), source=("203.0.113.5", 40000))
    stage.sends(tones_call("888"), source=(CUSTOMER[0], 4444)).capture(0.3).play(2.0)
    assert stage.keyed(Carrier.EVENT) == "1"
    assert stage.presses(Carrier.TONE) == []
    assert beeps(stage.agent_heard) == 1


def test_a_codec_that_is_not_decoded_is_hushed_and_events_still_count() -> None:
    stage = Stage(customer=(G729, PCMU), agent=(G729, PCMU))
    phone = Phone()
    for n in range(50):
        phone._send(0.02 * n, 18, 160 * n, bytes(20))
    phone.at, phone._timestamp = 1.0, 8000
    phone.keys("5", 0.1)
    stage.sends(phone).capture(0.3).play(1.5)
    assert stage.mask_changes() == [MaskMode.HUSH]
    assert stage.keyed(Carrier.EVENT) == "5"
    during = stage.agent_heard.between(0.32, 9)
    assert during.types == {0}
    assert beeps(during) == 1


def test_a_leg_whose_codecs_nobody_speaks_gets_nothing_and_keys_still_count() -> None:
    stage = Stage(customer=(G729,), agent=(G729,))
    phone = Phone().pauses(0.1).keys("5", 0.1)
    stage.sends(phone).capture(0.0).play(0.6)
    assert stage.keyed(Carrier.EVENT) == "5"
    assert stage.agent_heard.packets == []


@pytest.mark.parametrize(("ptime_ms", "packet_s"), [(10, 0.02), (30, 0.02), (20, 0.03), (60, 0.01)])
def test_the_agents_packets_have_the_length_it_asked_for(ptime_ms: int, packet_s: float) -> None:
    sound = noise(0.6, -60).then(keyed("42", 0.08, 0.12), noise(0.6, -60))
    stage = Stage(ptime_ms=ptime_ms).sends(Phone().says(sound, packet_s)).capture(0.3).play(1.8)
    during = stage.agent_heard.between(0.4, 1.4)
    assert {len(packet.payload) for _, packet in during.packets} == {ptime_ms * 8}
    assert stage.keyed(Carrier.TONE) == "42"
    assert_no_key_is_heard(during)


def test_a_reinvite_in_mid_capture_changes_nothing_that_is_masked() -> None:
    stage = Stage(agent=(PCMU, PCMA)).sends(events_call("4141")).capture(0.3)
    moved = LegMedia(stage.agent_media.remote, (PCMA,), stage.agent_media.telephone_events)
    stage.at(0.95, lambda: stage.engine.configure(CALL, Leg.AGENT, moved)).play(2.2)
    assert stage.keyed(Carrier.EVENT) == "4141"
    assert stage.agent_heard.types == {0, 8}
    assert beeps(Heard([one for one in stage.agent_heard.packets if one[1].payload_type == 0])) == 2
    assert beeps(Heard([one for one in stage.agent_heard.packets if one[1].payload_type == 8]), 8) == 2
    stage.agent_heard.assert_one_stream()


def test_keys_are_counted_while_the_agent_is_on_hold() -> None:
    stage = Stage().sends(events_call("4141")).capture(0.3)
    held = LegMedia(stage.agent_media.remote, (PCMU,), (), 20, Direction.INACTIVE)
    stage.at(0.2, lambda: stage.engine.configure(CALL, Leg.AGENT, held)).play(2.2)
    assert stage.keyed(Carrier.EVENT) == "4141"
    assert stage.agent_heard.between(0.21, 9).packets == []


def test_a_press_is_told_at_once_with_the_time_it_began() -> None:
    stage = Stage().sends(events_call("7")).capture(0.3).play(1.0)
    (at, report), (_, held) = stage.reports
    assert at == pytest.approx(0.5, abs=0.001)
    assert isinstance(report, Pressed)
    assert report.onset == pytest.approx(START + 0.48, abs=0.001)
    assert isinstance(held, Held)
    assert held.carrier is Carrier.EVENT
    assert held.until == pytest.approx(START + 0.6, abs=0.03)
    tones = Stage().sends(tones_call("7")).capture(0.3).play(1.0)
    (at, report), (_, held) = tones.reports
    assert at <= 0.58
    assert isinstance(report, Pressed)
    assert report.onset == pytest.approx(START + 0.5, abs=0.03)
    assert isinstance(held, Held)
    assert held.carrier is Carrier.TONE
    assert held.until == pytest.approx(START + 0.58, abs=0.03)


def test_a_call_that_ends_in_a_capture_forgets_its_keys() -> None:
    stage = Stage().sends(events_call("7")).capture(0.3).play(0.55)
    flow = stage.engine._calls[CALL].customer_flow
    stage.engine.close(CALL, START + 0.55)
    assert flow._events._codes == bytes(16)
    assert flow.masked is None
    stage.engine.tick(START + 1)


def test_silence_that_was_filled_in_is_counted() -> None:
    stage = Stage().sends(Phone().says(noise(0.5, -60))).capture(0.3, 2.0).play(2.5)
    assert stage.engine.counters(CALL).concealed_ms == pytest.approx(1500, abs=200)
    assert Sound(stage.agent_heard.audio().samples).length_s == pytest.approx(2.0, abs=0.15)
