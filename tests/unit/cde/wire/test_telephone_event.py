"""Telephone-events: one press is one event however its packets come, and two presses are two."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.telephone_event import EventError, EventReceiver, build_event


def packets_of(
    code: int, start: int, packets: int, ends: int = 3, step: int = 160
) -> list[tuple[bytes, int, bool]]:
    """Payload, timestamp and marker of one press."""
    told = [(build_event(code, step * (n + 1)), start, n == 0) for n in range(packets)]
    last = build_event(code, step * packets, end=True)
    return told + [(last, start, False)] * ends


def presses(receiver: EventReceiver, packets: list[tuple[bytes, int, bool]], start: float = 0.0) -> list[Key]:
    keys = []
    for index, (payload, timestamp, marker) in enumerate(packets):
        update = receiver.receive(payload, timestamp, marker, 8000, start + 0.02 * index)
        if update.key is not None:
            keys.append(update.key)
    return keys


def test_a_press_is_told_by_its_first_packet_only() -> None:
    receiver = EventReceiver()
    (first, *rest) = packets_of(5, 1000, 4)
    assert len(presses(receiver, [first])) == 1
    assert presses(receiver, rest) == []


def test_two_presses_of_one_key_are_two() -> None:
    keys = presses(EventReceiver(), packets_of(4, 1000, 3) + packets_of(4, 2280, 3))
    assert len(keys) == 2
    assert keys[0].matches(Key.from_event(4))


def test_a_press_whose_start_and_end_were_lost_is_one() -> None:
    assert len(presses(EventReceiver(), packets_of(4, 1000, 6)[3:5])) == 1


def test_a_press_of_which_only_an_end_arrived_is_one() -> None:
    assert len(presses(EventReceiver(), packets_of(4, 1000, 3)[-2:])) == 1


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_loss_reordering_and_duplicates_change_nothing(chance: random.Random, lost_percent: int) -> None:
    told: list[tuple[bytes, int, bool]] = []
    expected = 0
    for number in range(6):
        press = packets_of(number // 2, 1000 + 1600 * number, 5)
        arrived = [
            packet
            for packet in press
            for _ in range(chance.choice((1, 1, 2)))
            if chance.random() * 100 >= lost_percent
        ]
        expected += bool(arrived)
        told += arrived
    places = sorted(range(len(told)), key=lambda index: index + chance.uniform(0, 3))
    assert len(presses(EventReceiver(), [told[index] for index in places])) == expected


def test_a_long_press_goes_on_in_segments_and_is_one() -> None:
    receiver, code, start = EventReceiver(), 9, 0xFFFFFF00
    segments = []
    for segment in range(3):
        timestamp = (start + segment * 0xFFFF) & 0xFFFFFFFF
        segments += [
            (build_event(code, duration), timestamp, segment == 0 and not duration)
            for duration in (0, 30000, 0xFFFF)
        ]
    assert len(presses(receiver, segments)) == 1


def test_a_long_press_is_one_though_a_whole_segment_was_lost() -> None:
    told = [(build_event(9, 160), 1000, True), (build_event(9, 160), 1000 + 2 * 0xFFFF, False)]
    assert len(presses(EventReceiver(), told)) == 1


@pytest.mark.parametrize(("step", "told"), [(65280, 65280), (66240, 65280), (66240, 0xFFFF)])
def test_a_long_press_is_one_though_its_segments_are_cut_where_packets_end(step: int, told: int) -> None:
    """At 48 kHz, packets of 960 units: a browser tells 65535 and begins the next segment at 66240; others begin it at 65280."""
    receiver, keys, start = EventReceiver(), [], 1000
    for packet in range(200):
        since = 960 * packet
        timestamp = start + since // step * step
        duration = min(since % step, told)
        update = receiver.receive(build_event(7, duration), timestamp, packet == 0, 48000, 0.02 * packet)
        keys += [update.key] if update.key is not None else []
    assert len(keys) == 1


def test_what_comes_late_of_a_former_segment_is_no_press() -> None:
    receiver, start = EventReceiver(), 0xFFFFFF00
    first, second = (start, False), ((start + 0xFFFF) & 0xFFFFFFFF, False)
    told = [
        (build_event(9, 0xFF00), start, True),
        (build_event(9, 160), *second),
        (build_event(9, 0xFFFF), *first),
        (build_event(9, 320), *second),
        (build_event(9, 0xFFF0), *first),
        (build_event(9, 480, end=True), *second),
        (build_event(9, 0xFFFF), *first),
    ]
    assert len(presses(receiver, told)) == 1
    assert not receiver.in_progress(0.14)


def test_a_press_that_ended_is_not_continued_by_a_segment() -> None:
    told = [*packets_of(9, 1000, 2), (build_event(9, 160), 1000 + 0xFFFF, False)]
    assert len(presses(EventReceiver(), told)) == 2


def test_a_key_held_while_the_source_changes_is_one() -> None:
    receiver = EventReceiver()
    assert len(presses(receiver, packets_of(5, 1000, 4, ends=0))) == 1
    receiver.source_changed()
    assert presses(receiver, [(build_event(5, 900), 77777, False)], start=0.1) == []
    assert len(presses(receiver, [(build_event(5, 160), 99999, True)], start=0.2)) == 1


def test_timestamps_of_another_source_do_not_hide_a_press() -> None:
    receiver = EventReceiver()
    presses(receiver, packets_of(5, 1000, 2))
    receiver.source_changed()
    assert len(presses(receiver, packets_of(5, 1000, 2), start=1.0)) == 1


def test_the_onset_is_the_arrival_less_the_duration() -> None:
    update = EventReceiver().receive(build_event(1, 1600), 1000, False, 8000, 10.0)
    assert update.onset == pytest.approx(9.8)
    wide = EventReceiver().receive(build_event(1, 4800), 1000, False, 48000, 10.0)
    assert wide.onset == pytest.approx(9.9)


def test_a_key_is_down_until_its_end_is_told_or_lost() -> None:
    receiver = EventReceiver()
    assert not receiver.in_progress(0.0)
    receiver.receive(build_event(1, 160), 1000, True, 8000, 1.0)
    assert receiver.in_progress(1.1)
    assert not receiver.in_progress(1.3)
    receiver.receive(build_event(1, 320, end=True), 1000, False, 8000, 1.31)
    assert not receiver.in_progress(1.32)


def test_an_event_that_is_no_key_is_no_press() -> None:
    update = EventReceiver().receive(build_event(16, 160), 1000, True, 8000, 1.0)
    assert update.key is None


def test_what_is_withheld_stays_withheld_for_late_repeats() -> None:
    receiver = EventReceiver()
    payload = build_event(3, 160)
    receiver.receive(payload, 1000, True, 8000, 1.0).event.withheld = True
    assert receiver.receive(build_event(3, 800, end=True), 1000, False, 8000, 1.2).event.withheld
    assert not receiver.receive(payload, 5000, True, 8000, 1.3).event.withheld


def test_a_wiped_receiver_remembers_nothing() -> None:
    receiver = EventReceiver()
    presses(receiver, packets_of(5, 1000, 2))
    receiver.wipe()
    assert receiver._codes == bytes(16)
    assert not receiver._events


def test_octets_that_are_no_event_are_refused_without_being_repeated() -> None:
    with pytest.raises(EventError) as refusal:
        EventReceiver().receive(b"\x07\x0a\x00", 1000, True, 8000, 1.0)
    assert "7" not in str(refusal.value)


@pytest.mark.parametrize(("code", "duration", "volume"), [(256, 160, 10), (1, 0x10000, 10), (1, 160, 64)])
def test_an_event_that_cannot_be_told_is_not_built(code: int, duration: int, volume: int) -> None:
    with pytest.raises(EventError):
        build_event(code, duration, volume=volume)
