"""Opus and G.722: voice in a capture, keys heard in either and never let through, events at every clock; untouched outside."""

from itertools import pairwise

import pytest

from tests.e2e.peers.listen import beeps_heard, key_fragments, likeness
from tests.e2e.peers.wav import key_tone, keyed, noise, silence, speech_like
from tests.scenario.media.stage import (
    AGENT,
    AGENT_SOCKETS,
    CALL,
    EVENTS,
    G722,
    PCMA,
    PCMU,
    START,
    Heard,
    Network,
    Phone,
    Stage,
)
from tests.unit.cde.capture.presses import row_of
from tonevault.cde.media import Carrier, Codec, MaskMode
from tonevault.cde.wire import g722, opus
from tonevault.cde.wire.tone.beep import BEEP_HZ

OPUS = Codec(107, "OPUS", 48000, 2)
THEIR_OPUS = Codec(96, "OPUS", 48000, 2)
FAST_EVENTS = Codec(110, "TELEPHONE-EVENT", 48000)
AGENT_FAST_EVENTS = Codec(97, "TELEPHONE-EVENT", 48000)
L16 = Codec(99, "L16", 16000)
WIDE_EVENTS = Codec(111, "TELEPHONE-EVENT", 16000)
WIDE = ((G722, EVENTS), (OPUS, FAST_EVENTS))
PAIRS = [
    pytest.param(G722, G722, id="g722"),
    pytest.param(OPUS, THEIR_OPUS, id="opus"),
    pytest.param(G722, PCMA, id="g722-to-pcma"),
    pytest.param(OPUS, PCMU, id="opus-to-pcmu"),
    pytest.param(PCMU, THEIR_OPUS, id="pcmu-to-opus"),
]


def stage_of(customer: Codec, agent: Codec, **how: object) -> Stage:
    return Stage(
        customer=(customer,),
        agent=(agent,),
        events=(EVENTS, FAST_EVENTS),
        agent_events=(Codec(101, "TELEPHONE-EVENT", 8000), AGENT_FAST_EVENTS),
        **how,  # type: ignore[arg-type]
    )


def beeps(heard: Heard, codec: Codec) -> int:
    return len(beeps_heard(heard.decoded(codec), BEEP_HZ))


def assert_no_key(heard: Heard, codec: Codec) -> None:
    assert heard.types <= {codec.payload_type}
    assert key_fragments(heard.decoded(codec)) == []


def tones(keys: str, codec: Codec, **how: object) -> Phone:
    sound = silence(0.5).then(keyed(keys, 0.08, 0.12), silence(0.5))
    return Phone(codec=codec, **how).says(sound.mixed_with(noise(sound.length_s, -60)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("customer", "agent"), PAIRS)
def test_keys_are_heard_and_masked(customer: Codec, agent: Codec) -> None:
    stage = stage_of(customer, agent).sends(tones("4929#", customer)).capture(0.3).play(2.2)
    assert stage.keyed(Carrier.TONE) == "4929#"
    assert stage.mask_changes() == []
    during = stage.agent_heard.between(0.301, 9)
    assert beeps(during, agent) == 5
    assert_no_key(during, agent)
    stage.agent_heard.assert_one_stream()


@pytest.mark.parametrize(("customer", "agent"), PAIRS)
def test_the_customer_is_heard_in_talk(customer: Codec, agent: Codec) -> None:
    voice = speech_like(2.0)
    stage = stage_of(customer, agent).sends(Phone(codec=customer).says(voice)).capture(0.0).play(2.2)
    assert likeness(voice.between(0.3, 1.7), stage.agent_heard.decoded(agent)) > 0.9


@pytest.mark.parametrize(("codec", "events"), WIDE)
def test_events_keep_the_clock_of_their_voice(codec: Codec, events: Codec) -> None:
    phone = Phone(codec=codec, events=events).says(noise(0.5, -60))
    for key in "4421":
        phone.keys(key, 0.1).says(noise(0.2, -60))
    stage = stage_of(codec, codec).sends(phone).capture(0.3).play(2.2)
    assert stage.keyed(Carrier.EVENT) == "4421"
    onsets = [press.onset for press in stage.presses(Carrier.EVENT)]
    assert onsets[0] == pytest.approx(START + 0.48, abs=0.01)
    assert [after - before for before, after in pairwise(onsets)] == pytest.approx([0.3] * 3, abs=0.005)
    assert beeps(stage.agent_heard.between(0.301, 9), codec) == 4
    assert_no_key(stage.agent_heard.between(0.301, 9), codec)


@pytest.mark.parametrize(("codec", "events"), [*WIDE, (OPUS, EVENTS)])
def test_event_and_tone_of_a_press_are_one(codec: Codec, events: Codec) -> None:
    """Also through a stall; and with the events of a phone that has none at the clock of its Opus."""
    phone = Phone(codec=codec, events=events).says(noise(0.5, -60))
    if events.clock_rate != codec.clock_rate:
        phone.event_units = 1
    for key in "44":
        phone.keys(key, 0.1, beside=key_tone(key, 0.1)).says(noise(0.2, -60))
    stage = stage_of(codec, codec).sends(phone).capture(0.3)
    if events.clock_rate == codec.clock_rate:
        stage.stalls(0.53, 0.9)
    stage.play(2.0)
    assert stage.keyed(Carrier.EVENT) == "44"
    assert row_of(stage.tellings()) == "44"
    assert beeps(stage.agent_heard.between(0.301, 9), codec) == 2
    assert_no_key(stage.agent_heard.between(0.301, 9), codec)


@pytest.mark.parametrize("units", [1, 6])
def test_events_beside_opus_that_were_agreed_at_8_khz(units: int) -> None:
    """baresip offers Opus and events at 8 kHz alone, and then numbers both, and counts how long a key is down, at 48: what fits the audio's
    clock is read by it. The first key goes down 50 ms after the opening."""
    phone = Phone(codec=OPUS).says(noise(0.5, -60))
    phone.event_units = units
    for key in "5544":
        phone.keys(key, 0.1).says(noise(0.1, -60))
    stage = stage_of(OPUS, THEIR_OPUS).sends(phone).capture(0.43).play(1.8)
    assert stage.keyed(Carrier.EVENT) == "5544"
    onsets = [press.onset - START for press in stage.presses(Carrier.EVENT)]
    assert onsets == pytest.approx([0.48, 0.68, 0.88, 1.08], abs=0.01)
    assert beeps(stage.agent_heard.between(0.44, 9), THEIR_OPUS) == 4


def test_a_key_held_long_at_48_khz_has_segments_and_is_one() -> None:
    """RFC 4733 section 2.5.1.3: 65,535 units are 1.37 s."""
    phone = Phone(codec=OPUS, events=FAST_EVENTS).says(noise(0.5, -60)).keys("8", 4.0).says(noise(0.4, -60))
    stage = stage_of(OPUS, THEIR_OPUS).sends(phone).capture(0.3).play(5.2)
    assert stage.keyed(Carrier.EVENT) == "8"
    assert beeps(stage.agent_heard.between(0.301, 9), THEIR_OPUS) == 1


def test_events_at_16_khz_beside_a_voice_that_is_not_spoken_here() -> None:
    phone = Phone(codec=L16, events=WIDE_EVENTS)
    phone.event_units = 2
    for key in "12":
        phone.pauses(0.2).keys(key, 0.1)
    stage = Stage(customer=(L16, PCMU), agent=(L16, PCMU), events=(WIDE_EVENTS,)).sends(phone)
    stage.capture(0.1).play(1.0)
    first, second = stage.presses(Carrier.EVENT)
    assert second.onset - first.onset == pytest.approx(0.3, abs=0.005)
    assert stage.keyed(Carrier.EVENT) == "12"


@pytest.mark.parametrize(("customer", "agent"), [(G722, Codec(9, "G722", 8000)), (OPUS, THEIR_OPUS)])
def test_outside_a_capture_nothing_is_touched_and_the_stream_goes_on(customer: Codec, agent: Codec) -> None:
    phone = Phone(codec=customer).says(speech_like(2.0))
    stage = stage_of(customer, agent).sends(phone).capture(0.701, 1.301).play(2.2)
    sent = [packet.payload for _, packet in phone.sent]
    passed = [packet.payload for at, packet in stage.agent_heard.packets if at < 0.7]
    assert passed == sent[: len(passed)]
    assert stage.agent_heard.packets[-1][1].payload == sent[-1]
    stage.agent_heard.assert_one_stream()
    units = customer.clock_rate // 50
    steps = [
        (after.timestamp - before.timestamp) & 0xFFFFFFFF
        for (_, before), (_, after) in pairwise(stage.agent_heard.packets)
    ]
    assert set(steps) == {units}


@pytest.mark.parametrize(("ptime_ms", "sent_ms"), [(10, 10), (30, 20), (40, 40), (50, 40), (60, 60)])
def test_opus_is_sent_in_packets_that_it_has(ptime_ms: int, sent_ms: int) -> None:
    stage = stage_of(OPUS, THEIR_OPUS, ptime_ms=ptime_ms).sends(tones("42", OPUS)).capture(0.3).play(1.5)
    packets = [packet for _, packet in stage.agent_heard.between(0.4, 1.3).packets]
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(packets)} == {sent_ms * 48}
    assert stage.keyed(Carrier.TONE) == "42"


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("codec", [G722, OPUS], ids=lambda codec: codec.name)
def test_loss_and_disorder(codec: Codec, seed: int) -> None:
    stage = stage_of(codec, codec, seed=seed, network=Network(loss=0.02, twice=0.05, jitter_s=0.02))
    stage.sends(tones("4411#", codec)).capture(0.3).play(2.4)
    assert stage.keyed(Carrier.TONE) == "4411#"
    assert beeps(stage.agent_heard.between(0.301, 9), codec) == 5
    assert_no_key(stage.agent_heard.between(0.301, 9), codec)


def test_opus_that_falls_silent_keeps_its_time() -> None:
    phone = Phone(codec=OPUS).says(noise(0.5, -60)).pauses(0.4)
    phone.says(key_tone("5", 0.1).then(noise(0.1, -60))).pauses(0.4).says(
        key_tone("5", 0.1).then(noise(0.3, -60))
    )
    stage = stage_of(OPUS, THEIR_OPUS).sends(phone).capture(0.3).play(2.2)
    first, second = stage.presses(Carrier.TONE)
    assert second.onset - first.onset == pytest.approx(0.6, abs=0.01)
    assert_no_key(stage.agent_heard.between(0.301, 9), THEIR_OPUS)


def test_a_phone_that_changes_its_codec_in_mid_capture() -> None:
    """RFC 7160: the payload types have clocks of their own."""
    stage = Stage(customer=(PCMU, OPUS), agent=(PCMU,))
    first = tones("42", PCMU)
    second = tones("7#", OPUS, sequence=first._sequence, timestamp=7).delayed(first.at)
    stage.sends(first).sends(second).capture(0.3).play(first.at + second.at)
    assert stage.keyed(Carrier.TONE) == "427#"
    assert len(beeps_heard(stage.agent_heard.between(0.301, 9).audio(), BEEP_HZ)) == 4
    assert key_fragments(stage.agent_heard.between(0.301, 9).audio()) == []
    stage.agent_heard.assert_one_stream()


@pytest.mark.parametrize(("codec", "events"), WIDE)
def test_without_its_library_a_codec_is_hushed_and_keys_still_count(
    monkeypatch: pytest.MonkeyPatch, codec: Codec, events: Codec
) -> None:
    monkeypatch.setattr(g722, "G722", None)
    monkeypatch.setattr(opus, "_library", lambda: None)
    phone = Phone(events=events)
    phone.event_units = codec.clock_rate // 8000
    for n in range(20):
        phone._send(0.02 * n, codec.payload_type, n * codec.clock_rate // 50, bytes(60))
    phone.at, phone._timestamp = 0.4, 20 * codec.clock_rate // 50
    stage = Stage(customer=(codec, PCMU), agent=(codec, PCMU), events=(events,))
    stage.sends(phone.keys("5", 0.1)).capture(0.1).play(1.0)
    assert stage.mask_changes() == [MaskMode.HUSH]
    assert stage.keyed(Carrier.EVENT) == "5"
    during = stage.agent_heard.between(0.101, 9)
    assert during.types == {0}
    assert len(beeps_heard(during.audio(), BEEP_HZ)) == 1


@pytest.mark.parametrize("codec", [G722, OPUS], ids=lambda codec: codec.name)
def test_the_agents_voice_is_untouched(codec: Codec) -> None:
    agent = Phone(codec=codec, ssrc=9).says(speech_like(1.0))
    stage = stage_of(codec, codec).sends(tones("4", codec))
    stage.sends(agent, socket=AGENT_SOCKETS.rtp, source=AGENT).capture(0.1).play(1.5)
    assert [p.payload for _, p in stage.customer_heard.packets] == [p.payload for _, p in agent.sent]


def test_damaged_opus_is_silence_and_no_fault() -> None:
    phone = tones("4", OPUS)
    for n in range(0, len(phone.sent), 7):
        at, packet = phone.sent[n]
        phone._sequence = packet.sequence
        phone._send(at, OPUS.payload_type, packet.timestamp, packet.payload[:1] + bytes(3))
        phone.sent[n] = phone.sent.pop()
    stage = stage_of(OPUS, THEIR_OPUS).sends(phone).capture(0.1).play(1.5)
    assert stage.engine.counters(CALL).malformed == 0
    assert stage.keyed(Carrier.TONE) in ("4", "")
    assert_no_key(stage.agent_heard.between(0.101, 9), THEIR_OPUS)
    stage.agent_heard.assert_one_stream()
