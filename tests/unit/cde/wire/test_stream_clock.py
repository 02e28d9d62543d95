"""The clock of a stream: stalls do not move it, longer routes and drifting clocks are followed."""

import random

import pytest

from tonevault.cde.wire.line_time import MARKS, LineTime
from tonevault.cde.wire.stream_clock import BACKWARDS_S, MEMORY_S, StreamClock


def clock(rate: int = 8000, start: int = 0) -> StreamClock:
    return StreamClock(rate, start, 10.0)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_a_late_packet_is_dated_as_if_it_had_come_in_time(rate: int) -> None:
    one = clock(rate)
    for n in range(1, 50):
        one.heard(n * rate // 50, 10.0 + n / 50 + (0.4 if 20 <= n < 40 else 0.0))
    for n in (10, 25, 49):
        assert one.when(n * rate // 50) == pytest.approx(10.0 + n / 50)


def test_the_quickest_packet_counts() -> None:
    one = StreamClock(8000, 0, 10.3)
    one.heard(160, 10.02)
    assert one.when(0) == pytest.approx(10.0)


def test_timestamps_wrap() -> None:
    one = StreamClock(8000, 0xFFFFFF60, 10.0)
    one.heard(0, 10.02)
    one.heard(160, 10.04)
    assert one.when(160) == pytest.approx(10.04)
    assert one.when(0xFFFFFF60) == pytest.approx(10.0)


def test_a_route_that_became_longer_is_learned() -> None:
    one = clock()
    for n in range(1, 1500):
        one.heard(160 * n, 10.0 + n / 50 + (0.2 if n > 250 else 0.0))
    assert one.when(160 * 1499) == pytest.approx(10.2 + 1499 / 50)


@pytest.mark.parametrize("ppm", [-200, 200])
def test_an_hour_of_drift_leaves_a_fraction_of_a_millisecond(ppm: int) -> None:
    one = clock()
    for n in range(1, 50 * 3600):
        one.heard(160 * n, 10.0 + n / 50 * (1 + ppm * 1e-6))
    told = one.when(160 * n)
    assert told == pytest.approx(10.0 + n / 50 * (1 + ppm * 1e-6), abs=2 * MEMORY_S * 200e-6 + 1e-5)


@pytest.mark.parametrize("to", [80_000_000, 0x90000000, 0])
def test_a_clock_that_was_set_anew_is_taken_up(to: int) -> None:
    one = StreamClock(8000, 1_000_000, 10.0)
    one.heard(to, 10.02)
    one.heard(to + 160, 10.04)
    assert one.when(to + 160) == pytest.approx(10.04)


def test_what_is_numbered_otherwise_does_not_fit() -> None:
    one = StreamClock(8000, 80_000, 10.0)
    assert one.fits(80_160, 10.02, 0.25)
    assert one.fits(80_160, 14.0, 0.25), "a stall"
    assert one.fits(79_000, 10.02, 0.25), "dated back"
    assert not one.fits(75_000, 10.02, 0.25)
    assert not one.fits(84_000, 10.02, 0.25), "not spoken yet"
    assert not one.fits(80_160, 10.1 + BACKWARDS_S, 0.25)


def test_a_line_knows_when_its_samples_were_spoken() -> None:
    time = LineTime(5.0)
    time.mark(0, 5.0)
    time.mark(160, 7.0)
    time.mark(320, 6.0)
    assert time.when(80) == pytest.approx(5.01)
    assert time.when(159) == pytest.approx(5.0 + 159 / 8000)
    assert time.when(319) == pytest.approx(6.0 - 1 / 8000), "the packet's, which came late"
    assert time.when(160) == 7.0
    assert time.when(400) == pytest.approx(6.01)


def test_a_line_forgets_what_was_long_ago() -> None:
    time = LineTime(0.0)
    for n in range(2 * MARKS):
        time.mark(80 * n, n / 100)
    assert time.when(80 * (2 * MARKS) - 1) == pytest.approx(2 * MARKS / 100, abs=0.001)
    assert len(time._marks) == MARKS


@pytest.mark.parametrize("seed", range(6))
def test_the_short_way_of_what_goes_on_is_the_long_way(seed: int) -> None:
    chance = random.Random(seed)
    short, long = clock(start=0xFFFF0000), clock(start=0xFFFF0000)
    at, now = 0xFFFF0000, 10.0
    for _ in range(800):
        now += chance.choice((0.02, 0.02, 0.001, 0.04, 0.3, 7.0) if chance.random() < 0.1 else (0.02,))
        at += chance.choice((0, 0, 0, 160, 8000, -160) if chance.random() < 0.1 else (0,))
        start = at & 0xFFFFFFFF
        long.heard((start + 160) & 0xFFFFFFFF, now)
        assert short.heard_next(start, 160, now) == pytest.approx(long.when(start), abs=1e-9)
        at += 160
