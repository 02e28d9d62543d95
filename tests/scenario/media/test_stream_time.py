"""Events and tones are dated by the stream that holds both: no stall and no lateness makes two presses of one, or one of two."""

import pytest

from tests.e2e.peers.wav import key_tone, noise, silence
from tests.scenario.media.judge import assert_no_key_is_heard, beeps
from tests.scenario.media.stage import CALL, EVENTS, START, Network, Phone, Stage, moved
from tests.unit.cde.capture.presses import row_of
from tonevault.cde.media import Carrier


def both(keys: str, *, length_s: float = 0.1, gap_s: float = 0.1, lead_s: float = 0.0) -> Phone:
    """Each key as an event and as the tone beside it; the tone may sound `lead_s` before its event."""
    phone = Phone().says(noise(0.5, -60))
    for key in keys:
        if lead_s:
            phone.says(key_tone(key, lead_s))
        phone.keys(key, length_s, beside=key_tone(key, length_s)).says(noise(gap_s, -60))
    return phone.says(noise(0.5, -60))


def assert_one_row(stage: Stage, keys: str) -> None:
    """What the capture makes of all that was told is what was keyed, each with its beep, and none was heard."""
    assert stage.keyed(Carrier.EVENT) == stage.keyed(Carrier.TONE) == keys
    assert row_of(stage.tellings()) == keys
    assert beeps(stage.agent_heard) == len(keys)
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize("at", [0.51, 0.53, 0.55, 0.61, 0.65, 0.71])
@pytest.mark.parametrize("length_s", [0.3, 0.8])
def test_a_machine_that_stands_still_in_mid_press(at: float, length_s: float) -> None:
    stage = Stage().sends(both("44")).capture(0.3).stalls(at, at + length_s).play(2.5)
    assert_one_row(stage, "44")
    for event, tone in zip(stage.presses(Carrier.EVENT), stage.presses(Carrier.TONE), strict=True):
        assert tone.onset == pytest.approx(event.onset, abs=0.01)


@pytest.mark.parametrize("seed", range(2))
def test_stalls_again_and_again(seed: int) -> None:
    stage = Stage(seed=seed, network=Network(jitter_s=0.01)).sends(both("4411447", gap_s=0.12)).capture(0.3)
    at = 0.45
    while at < 2.2:
        length_s = stage.chance.uniform(0.02, 0.35)
        stage.stalls(at, at + length_s)
        at += length_s + stage.chance.uniform(0.02, 0.2)
    stage.play(3.6)
    assert_one_row(stage, "4411447")


def test_a_network_that_stands_still_between_an_event_and_its_tone() -> None:
    """The event's first packets come, then nothing for 0.4 s; the line is filled meanwhile, and the tone is heard late."""
    phone = both("7", length_s=0.2)
    phone.sent = [(0.96 if 0.55 < at < 0.96 else at, packet) for at, packet in phone.sent]
    stage = Stage().sends(phone).capture(0.3).play(2.0)
    assert_one_row(stage, "7")


def test_a_tone_that_leads_its_event_through_a_stall() -> None:
    stage = Stage().sends(both("77", lead_s=0.06)).capture(0.3).stalls(0.55, 0.95).play(2.5)
    assert_one_row(stage, "77")


@pytest.mark.parametrize("gap_s", [0.06, 0.1, 0.3])
def test_the_same_key_twice_stays_twice(gap_s: float) -> None:
    assert_one_row(Stage().sends(both("4444", gap_s=gap_s)).capture(0.3).play(3.0), "4444")


@pytest.mark.parametrize("off_s", [-30.0, -1.0, 1.0, 4000.0])
def test_events_numbered_by_a_clock_of_their_own_are_dated_by_their_arrival(off_s: float) -> None:
    phone = Phone().says(noise(0.5, -60))
    for key in "44":
        first = len(phone.sent)
        phone.keys(key, 0.1, beside=key_tone(key, 0.1)).says(noise(0.2, -60))
        for index in range(first, len(phone.sent)):
            at, packet = phone.sent[index]
            if packet.payload_type == EVENTS.payload_type:
                phone.sent[index] = (at, moved(packet, round(off_s * 8000)))
    stage = Stage().sends(phone).capture(0.3).play(2.0)
    assert_one_row(stage, "44")


@pytest.mark.parametrize("carrier", [Carrier.EVENT, Carrier.TONE])
@pytest.mark.parametrize("held_s", [2.6, 4.5])
def test_info_at_the_release_of_a_long_hold_is_no_second_beep(carrier: Carrier, held_s: float) -> None:
    phone = Phone().says(noise(0.5, -60))
    if carrier is Carrier.EVENT:
        phone.keys("9", held_s)
    else:
        phone.says(key_tone("9", held_s))
    phone.says(noise(3.0, -60))
    stage = Stage().sends(phone).capture(0.3)
    stage.info(0.5 + held_s + 0.15, "9").play(held_s + 2.0)
    assert beeps(stage.agent_heard) == 1
    assert_no_key_is_heard(stage.agent_heard)


def test_a_phone_that_sends_nothing_but_events_is_dated_by_them() -> None:
    phone = Phone()
    for key in "55":
        phone.keys(key, 0.1).pauses(0.2)
    stage = Stage().sends(phone.delayed(0.4)).capture(0.2).stalls(0.42, 0.66).play(1.6)
    first, second = stage.presses(Carrier.EVENT)
    assert second.onset - first.onset == pytest.approx(0.3, abs=0.02)


def test_a_late_start_of_an_event_is_dated_from_its_beginning() -> None:
    phone = (
        Phone().says(noise(0.5, -60)).keys("6", 0.4, starts=False, beside=silence(0.4)).says(noise(0.3, -60))
    )
    stage = Stage().sends(phone).capture(0.3).play(1.5)
    (press,) = stage.presses(Carrier.EVENT)
    assert press.onset == pytest.approx(START + 0.48, abs=0.01)
    assert stage.engine.counters(CALL).presses == 1


@pytest.mark.parametrize("muted_s", [0.6, 2.0, 4.0, 9.0])
def test_a_phone_whose_clock_stands_still_while_it_is_mute(muted_s: float) -> None:
    """It sends nothing, and goes on where it stopped: its keys are dated by when they come, from the first one on."""
    phone = Phone().says(noise(0.5, -60)).delayed(0.0)
    spoken = len(phone.sent)
    for key in "4411":
        phone.keys(key, 0.1).says(noise(0.1, -60))
    phone.sent[spoken:] = [(at + muted_s, packet) for at, packet in phone.sent[spoken:]]
    stage = Stage().sends(phone).capture(0.4 + muted_s).play(2.0 + muted_s)
    assert stage.keyed(Carrier.EVENT) == "4411"
    for press in stage.presses(Carrier.EVENT)[:1] + stage.presses(Carrier.EVENT)[3:]:
        assert press.onset >= START + 0.4 + muted_s
    assert beeps(stage.agent_heard) == 4
