"""What never came is made up or left silent, in step with time; pauses that were told sound as they were told; no key grows by it."""

from itertools import pairwise

import numpy as np
import pytest

from tests.e2e.peers.listen import beeps_heard, key_fragments, keys_heard, level_dbm0
from tests.e2e.peers.wav import Sound, key_tone, keyed, noise, silence, speech_like, tone
from tests.scenario.media.judge import assert_no_key_is_heard, beeps, events_call, tones_call
from tests.scenario.media.stage import CALL, PACKET_S, PCMU, START, Network, Phone, Stage
from tonevault.cde.media import Carrier, Codec
from tonevault.cde.wire.tone.beep import BEEP_HZ

CN = Codec(13, "CN", 8000)
VOWEL_HZ = 160.0


def lost(phone: Phone, *numbers: int) -> Phone:
    phone.sent = [one for n, one in enumerate(phone.sent) if n not in numbers]
    return phone


def dips(heard: Sound) -> int:
    """Stretches of 5 ms in which a steady voice is not there."""
    return sum(level_dbm0(heard.between(at, at + 0.005)) < -30 for at in np.arange(0.1, 0.9, 0.005))


def test_a_lost_packet_of_a_voice_is_no_gap() -> None:
    phone = lost(Phone().says(tone(VOWEL_HZ, 1.0, -15)), 15, 25, 36)
    heard = Stage().sends(phone).capture(0.0).play(1.2).agent_heard.audio()
    assert dips(heard) == 0


def test_a_long_loss_fades_and_does_not_buzz() -> None:
    phone = lost(Phone().says(tone(VOWEL_HZ, 1.0, -15)), *range(20, 30))
    heard = Stage().sends(phone).capture(0.0).play(1.2).agent_heard.audio()
    assert 24 <= dips(heard) <= 36


@pytest.mark.parametrize("gone", [(28, 29), (29,), (30,), (27, 30), (24,), (31, 32, 33)])
def test_a_key_is_not_made_longer_by_what_was_lost_in_it(gone: tuple[int, ...]) -> None:
    """The key goes down within packet 25, in a voice that stopped just before."""
    sound = speech_like(0.49).then(silence(0.012), key_tone("6", 0.14), noise(0.5, -60))
    stage = Stage().sends(lost(Phone().says(sound), *gone)).capture(0.1).play(1.4)
    assert stage.keyed(Carrier.TONE) == "6"
    assert key_fragments(stage.agent_heard.between(0.53, 9).audio()) == []
    assert keys_heard(stage.agent_heard.audio(), window_s=0.01, shortest_s=0.01) == []


@pytest.mark.parametrize("seed", range(3))
def test_random_loss_neither_leaks_nor_makes_keys(seed: int) -> None:
    stage = Stage(seed=seed, network=Network(loss=0.03, twice=0.03, jitter_s=0.02))
    stage.sends(tones_call("4411#")).capture(0.3).play(2.4)
    assert stage.keyed(Carrier.TONE) == "4411#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize("seed", range(2))
def test_bursts_of_loss(seed: int) -> None:
    """Whole stretches of 60 ms are gone, in keys of 200 ms told both ways."""
    phone = Phone().says(noise(0.5, -60))
    for key in "4471":
        phone.keys(key, 0.2, beside=key_tone(key, 0.2)).says(noise(0.2, -60))
    stage = Stage(seed=seed)
    for start in (0.52, 0.94, 1.36, 1.62, 1.78):
        at = start + stage.chance.uniform(0, 0.06)
        phone.sent = [one for one in phone.sent if not at <= one[0] < at + 0.06]
    stage.sends(phone).capture(0.3).play(2.6)
    assert stage.keyed(Carrier.EVENT) == "4471"
    assert beeps(stage.agent_heard) == 4
    assert_no_key_is_heard(stage.agent_heard)


def cn_call(level: int, pause_s: float = 0.6) -> Phone:
    phone = Phone().says(noise(0.5, -60))
    phone._send(phone.at, CN.payload_type, phone._timestamp, bytes((level,)))
    return phone.pauses(pause_s).says(key_tone("5", 0.1)).says(noise(0.3, -60))


@pytest.mark.parametrize("level", [50, 60])
def test_a_pause_sounds_as_it_was_told(level: int) -> None:
    stage = Stage(customer=(PCMU, CN)).sends(cn_call(level)).capture(0.3).play(1.7)
    pause = stage.agent_heard.between(0.55, 1.05).audio()
    assert level_dbm0(pause) == pytest.approx(6.18 - level, abs=1.5)
    assert stage.keyed(Carrier.TONE) == "5"
    assert stage.mask_changes() == []
    assert_no_key_is_heard(stage.agent_heard)


def test_a_pause_that_was_told_makes_the_agent_wait_for_nothing() -> None:
    """Nobody waits for what was said not to come: the agent's packets go on every 20 ms."""
    stage = Stage(customer=(PCMU, CN)).sends(cn_call(60)).capture(0.3).play(1.3)
    times = [at for at, _ in stage.agent_heard.between(0.4, 1.0).packets]
    assert max(after - before for before, after in pairwise(times)) <= PACKET_S + 0.006
    stage.agent_heard.assert_one_stream()
    steps = [
        (after.timestamp - before.timestamp) & 0xFFFFFFFF
        for (_, before), (_, after) in pairwise(stage.agent_heard.between(0.4, 1.5).packets)
    ]
    assert set(steps) == {160}


def test_no_pause_is_made_loud() -> None:
    stage = Stage(customer=(PCMU, CN)).sends(cn_call(0)).capture(0.3).play(1.7)
    assert level_dbm0(stage.agent_heard.between(0.55, 1.05).audio()) < -34
    assert stage.mask_changes() == []


def test_noise_is_told_more_than_once() -> None:
    """RFC 3389 section 4: the level may be told anew at any time."""
    phone = Phone().says(noise(0.3, -60))
    for level in (45, 65):
        phone._send(phone.at, CN.payload_type, phone._timestamp, bytes((level,)))
        phone.pauses(0.4)
    stage = Stage(customer=(PCMU, CN)).sends(phone.says(noise(0.3, -60))).capture(0.1).play(1.4)
    louder, quieter = (
        stage.agent_heard.between(0.4, 0.68).audio(),
        stage.agent_heard.between(0.8, 1.0).audio(),
    )
    assert level_dbm0(louder) - level_dbm0(quieter) == pytest.approx(20, abs=2)


@pytest.mark.parametrize("pause_s", [0.04, 0.1, 0.36, 2.0])
def test_a_phone_that_falls_silent_by_itself_keeps_its_time(pause_s: float) -> None:
    """Discontinuous transmission without a word: neither voice nor key is moved by it."""
    phone = Phone().says(noise(0.5, -60)).pauses(pause_s)
    phone.says(key_tone("5", 0.1).then(noise(0.1, -60))).pauses(pause_s)
    phone.says(key_tone("5", 0.1).then(noise(0.3, -60)))
    stage = Stage().sends(phone).capture(0.3).play(1.3 + 2 * pause_s)
    assert stage.keyed(Carrier.TONE) == "55"
    first, second = stage.presses(Carrier.TONE)
    assert first.onset == pytest.approx(START + 0.48 + pause_s, abs=0.01)
    assert second.onset - first.onset == pytest.approx(0.2 + pause_s, abs=0.01)
    one, two = beeps_heard(stage.agent_heard.audio(), BEEP_HZ)
    assert two.start_s - one.start_s == pytest.approx(0.2 + pause_s, abs=0.06)
    assert_no_key_is_heard(stage.agent_heard)


def test_events_in_a_pause_of_the_voice() -> None:
    """A phone with voice activity detection: comfort noise, keys, comfort noise."""
    phone = Phone().says(speech_like(0.5))
    for key in "42#":
        phone._send(phone.at, CN.payload_type, phone._timestamp, b"\x41")
        phone.pauses(0.2).keys(key, 0.1)
    phone._send(phone.at, CN.payload_type, phone._timestamp, b"\x41")
    stage = Stage(customer=(PCMU, CN)).sends(phone.pauses(0.3).says(speech_like(0.3))).capture(0.3).play(2.2)
    assert stage.keyed(Carrier.EVENT) == "42#"
    assert beeps(stage.agent_heard) == 3


@pytest.mark.parametrize("customer_ms", [10, 20, 30, 60])
@pytest.mark.parametrize("agent_ms", [10, 60])
def test_packets_of_any_length_with_loss(customer_ms: int, agent_ms: int) -> None:
    sound = noise(0.6, -60).then(keyed("42", 0.12, 0.12), noise(0.6, -60))
    phone = Phone().says(sound, customer_ms / 1000)
    phone.sent = [one for n, one in enumerate(phone.sent) if n % 9 != 4 or 0.55 < one[0] < 1.1]
    stage = Stage(ptime_ms=agent_ms).sends(phone).capture(0.3).play(1.9)
    assert stage.keyed(Carrier.TONE) == "42"
    assert {len(p.payload) for _, p in stage.agent_heard.between(0.4, 1.5).packets} == {agent_ms * 8}
    assert_no_key_is_heard(stage.agent_heard)
    assert stage.engine.counters(CALL).concealed_ms == 0, "the capture is still open"


def test_lost_events_beside_a_voice() -> None:
    stage = Stage(seed=5, network=Network(loss=0.2)).sends(events_call("4471#")).capture(0.3).play(2.5)
    assert stage.keyed(Carrier.EVENT) == "4471#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)
