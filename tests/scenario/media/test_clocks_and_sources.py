"""Drifting clocks, clocks and numbers that jump, sources that change, ports that are learned late: no key lost, none made, none heard."""

import pytest

from tests.e2e.peers.wav import Sound, key_tone, keyed, noise, silence, speech_like
from tests.scenario.media.judge import assert_no_key_is_heard, beeps, events_call, tones_call
from tests.scenario.media.stage import (
    AGENT,
    AGENT_SOCKETS,
    CALL,
    CUSTOMER,
    EVENTS,
    START,
    Phone,
    Stage,
)
from tests.unit.cde.capture.presses import row_of
from tonevault.cde.media import Carrier

HOUR_S = 3600.0
PLAYED_S = 40.0


def both(phone: Phone, keys: str) -> Phone:
    """Each key as an event and as the tone beside it."""
    for key in keys:
        phone.keys(key, 0.1, beside=key_tone(key, 0.1)).says(noise(0.15, -60))
    return phone


def assert_keys(stage: Stage, keys: str, heard_from_s: float = 0.0) -> None:
    assert row_of(stage.tellings()) == keys
    during = stage.agent_heard.between(heard_from_s, float("inf"))
    assert beeps(during) == len(keys)
    assert_no_key_is_heard(during)
    stage.agent_heard.assert_one_stream()


@pytest.mark.parametrize("ppm", [-200, 200])
def test_an_hour_of_drift_within_a_capture(ppm: int) -> None:
    """The drift of an hour, 0.72 s, pressed into 40 s of one open capture: it is the sum that could throw event, tone and mask apart."""
    pace = 1 + ppm * 1e-6 * HOUR_S / PLAYED_S
    phone = Phone(pace=pace).says(noise(PLAYED_S - 3.0, -60))
    both(phone, "4411").says(noise(0.6, -60))
    stage = Stage().sends(phone).capture(0.2).play(phone.at)
    assert stage.keyed(Carrier.EVENT) == stage.keyed(Carrier.TONE) == "4411"
    assert_keys(stage, "4411", phone.at - 2.0)
    for event, tone in zip(stage.presses(Carrier.EVENT), stage.presses(Carrier.TONE), strict=True):
        assert tone.onset == pytest.approx(event.onset, abs=0.02)
    assert len(stage.agent_heard.packets) == pytest.approx(phone.at / pace * 50, abs=3)
    assert stage.customer_flow().masked is not None
    assert stage.concealed_ms() == 0


@pytest.mark.parametrize("ppm", [-200, 200])
def test_captures_an_hour_apart_on_a_drifting_clock(ppm: int) -> None:
    """Nothing is said for an hour, and the phone's clock is 0.72 s off by then."""
    pace = 1 + ppm * 1e-6
    phone = Phone(pace=pace).says(noise(0.5, -60)).pauses(HOUR_S).says(noise(0.3, -60))
    keyed_at = phone.at
    both(phone, "441").says(noise(0.3, -60))
    stage = Stage().sends(phone).capture(keyed_at - 0.15).play(phone.at + 0.2, quiet_until=keyed_at - 0.4)
    assert_keys(stage, "441", keyed_at - 0.1)
    assert stage.presses(Carrier.EVENT)[0].onset == pytest.approx(START + keyed_at - 0.02, abs=0.01)


@pytest.mark.parametrize("jump", [2_000_000_000, 100_000, 9_000, -9_000, -100_000, 3 << 30])
def test_a_clock_that_jumps_between_keys(jump: int) -> None:
    phone = both(Phone().says(noise(0.5, -60)), "44")
    phone._timestamp += jump
    both(phone.says(noise(0.1, -60)), "41").says(noise(0.4, -60))
    assert_keys(Stage().sends(phone).capture(0.3).play(phone.at + 0.2), "4441")


@pytest.mark.parametrize("jump", [100_000, -100_000])
def test_a_clock_that_jumps_within_a_tone(jump: int) -> None:
    phone = Phone().says(noise(0.5, -60)).says(key_tone("5", 0.06))
    phone._timestamp += jump
    phone.says(Sound(key_tone("5", 0.16).samples[480:])).says(noise(0.4, -60))
    assert_keys(Stage().sends(phone).capture(0.3).play(1.3), "5")


def test_numbers_that_start_anew() -> None:
    phone = both(Phone().says(noise(0.5, -60)), "44")
    phone.changes_source(1111, 500, phone._timestamp + 5_000_000)
    both(phone.says(noise(0.1, -60)), "4").says(noise(0.4, -60))
    assert_keys(Stage().sends(phone).capture(0.3).play(phone.at + 0.2), "444")


def test_another_source_between_keys() -> None:
    phone = both(Phone().says(noise(0.5, -60)), "44")
    phone.changes_source(777, 40000, 12345)
    both(phone.says(noise(0.1, -60)), "4").says(noise(0.4, -60))
    assert_keys(Stage().sends(phone).capture(0.3).play(phone.at + 0.2), "444")


def test_another_source_within_a_tone() -> None:
    phone = Phone().says(noise(0.5, -60)).says(key_tone("5", 0.06))
    phone.changes_source(777, 40000, 12345)
    phone.says(Sound(key_tone("5", 0.16).samples[480:])).says(noise(0.4, -60))
    assert_keys(Stage().sends(phone).capture(0.3).play(1.3), "5")


@pytest.mark.parametrize("first", [25, 26, 27, 28])
def test_neighbours_that_change_places(first: int) -> None:
    phone = tones_call("44#")
    sent = phone.sent
    for n in range(first, len(sent) - 2, 3):
        (early, one), (late, other) = sent[n], sent[n + 1]
        sent[n], sent[n + 1] = (early + 0.012, other), (late - 0.004, one)
    stage = Stage().sends(phone).capture(0.3).play(1.8)
    assert stage.keyed(Carrier.TONE) == "44#"
    assert_keys(stage, "44#")


def test_everything_comes_twice() -> None:
    phone = both(Phone().says(noise(0.5, -60)), "4411").says(noise(0.4, -60))
    phone.sent = [one for at, packet in phone.sent for one in ((at, packet), (at + 0.007, packet))]
    assert_keys(Stage().sends(phone).capture(0.0).play(phone.at + 0.2), "4411")


TRANSLATED = (CUSTOMER[0], 61234)


def test_the_first_packet_of_a_call_is_a_key_from_another_port() -> None:
    """Behind a NAT, nothing said before: the port is learned from the key itself."""
    phone = Phone().pauses(0.3)
    for key in "44":
        phone.keys(key, 0.1).pauses(0.2)
    stage = Stage().sends(phone, source=TRANSLATED).capture(0.1).play(1.2)
    assert stage.keyed(Carrier.EVENT) == "44"
    assert_keys(stage, "44")


def test_a_port_that_moves_in_mid_capture() -> None:
    """The NAT forgot the binding; the old port has been silent for two seconds."""
    first = both(Phone().says(noise(0.5, -60)), "4")
    second = both(Phone(sequence=9000, timestamp=5).says(noise(0.2, -60)), "4").says(noise(0.3, -60))
    second.delayed(first.at + 2.2)
    stage = Stage().sends(first, source=TRANSLATED).sends(second, source=(CUSTOMER[0], 62000))
    stage.capture(0.3).play(second.at + 0.2)
    assert_keys(stage, "44")


def test_a_second_port_that_speaks_between_is_not_heard() -> None:
    stage = Stage().sends(events_call("12"))
    stage.sends(events_call("99"), source=(CUSTOMER[0], 62000)).capture(0.3).play(1.8)
    assert stage.keyed(Carrier.EVENT) == "12"
    assert_keys(stage, "12")


def test_a_customer_who_is_heard_late() -> None:
    """The capture opens on a call whose customer has not sent a packet."""
    phone = both(Phone().says(noise(0.2, -60)), "441").says(noise(0.3, -60)).delayed(1.0)
    stage = Stage().sends(phone, source=TRANSLATED).capture(0.2).play(phone.at + 0.2)
    assert_keys(stage, "441")


def test_the_agents_side_is_learned_late_too() -> None:
    """Until it speaks, the agent is sent its beeps where signalling says; then where it speaks from."""
    behind = (AGENT[0], 51515)
    stage = Stage().sends(both(Phone().says(noise(0.5, -60)), "44").says(noise(0.3, -60)))
    stage.agents = {AGENT, behind}
    stage.sends(Phone(ssrc=9).pauses(0.8).says(noise(0.6, -60)), socket=AGENT_SOCKETS.rtp, source=behind)
    stage.capture(0.3).play(1.5)
    assert_keys(stage, "44")
    assert {target for at, target in stage.targets if at < 0.79} == {AGENT}
    assert {target for at, target in stage.targets if at > 0.81} == {behind}


def test_many_faults_at_once() -> None:
    """Two sources, a jump, a wrap of the numbers, a stall, and the same key all along."""
    phone = both(Phone(sequence=65530).says(noise(0.5, -60)), "44")
    phone._timestamp += 1_000_000
    both(phone, "44").changes_source(9, 65530, 0xFFFFF000)
    both(phone.says(noise(0.06, -60)), "44").says(silence(0.06).then(speech_like(0.3)))
    stage = Stage().sends(phone).capture(0.3).stalls(1.0, 1.2).play(phone.at + 0.2)
    assert stage.keyed(Carrier.EVENT) == "444444"
    assert row_of(stage.tellings()) == "444444"
    assert beeps(stage.agent_heard) == 6
    assert EVENTS.payload_type not in stage.agent_heard.types
    assert keyed("4").length_s < 1
    assert stage.engine.counters(CALL).presses == len(stage.presses())
