"""The gate: what is closed is wholly closed, what is open is untouched, and between them lies a fade."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tonevault.cde.wire.tone.gate import FADE, Gate

DELAY = 160
ONE = np.zeros(1, np.intp)


def gain_of(gate: Gate, count: int) -> np.ndarray:
    """Gain of what left the only line last."""
    places, gain = gate.gain(ONE, count)
    return gain[0] if len(places) else np.ones(count)


def gains(closings: dict[int, tuple[int, int]], length: int, chunk: int) -> np.ndarray:
    """Gain of each position when `closings[n]` is asked for once n samples have entered."""
    gate = Gate(1, DELAY)
    out = []
    for at in range(0, length, chunk):
        gate.enter(ONE, chunk)
        for when, (start, stop) in closings.items():
            if at < when <= at + chunk:
                gate.close(0, start, stop)
        out.append(gain_of(gate, chunk))
    return np.concatenate(out)[DELAY:]


def test_closed_is_silent_open_is_whole_and_edges_fade() -> None:
    gain = gains({1000: (900, 1100)}, 2000, 40)
    assert not gain[900:1100].any()
    assert np.allclose(gain[: 900 - FADE], 1)
    assert np.allclose(gain[1100 + FADE : 1800], 1)
    assert (np.diff(gain[900 - FADE : 901]) <= 1e-6).all()
    assert np.abs(np.diff(gain)).max() < 0.15


@settings(max_examples=60, deadline=None)
@given(st.integers(260, 384), st.integers(1, 300), st.sampled_from([40, 80, 100, 200, 400]))
def test_the_chunk_length_changes_nothing(start: int, span: int, chunk: int) -> None:
    reference = gains({400: (start, start + span)}, 1600, 20)
    assert not reference[start : start + span].any()
    assert np.allclose(gains({400: (start, start + span)}, 1600, chunk), reference, atol=1e-6)


def test_the_earliest_position_can_still_be_closed_whole() -> None:
    gate = Gate(1, DELAY)
    gate.enter(ONE, 960)
    before = gain_of(gate, 960)
    start = gate.earliest(0)
    gate.close(0, start, start + 50)
    gate.enter(ONE, 160)
    gain = gain_of(gate, 160)
    assert (before == 1).all()
    assert gain[0] > 0.95  # The fade joins what has already left.
    assert not gain[FADE : FADE + 50].any()


def test_it_knows_what_it_kept_and_what_it_still_holds() -> None:
    gate = Gate(1, DELAY)
    gate.enter(ONE, 400)
    gate.close(0, 300, 500)
    assert gate.kept(0, 300, 400)
    assert not gate.kept(0, 290, 400)
    still = gate.holds(0)
    gate.enter(ONE, 100)
    assert gate.kept(0, 300, 500)
    gate.enter(ONE, DELAY + FADE)
    assert gate.kept(0, 300, 500)
    assert (still, gate.holds(0)) == (True, False)


def test_lines_do_not_know_of_each_other() -> None:
    gate = Gate(3, DELAY)
    all_three = np.arange(3)
    for _ in range(10):
        gate.enter(all_three, 160)
    gate.close(1, 1450, 1500)
    gate.enter(all_three[1:], 160)
    places, gain = gate.gain(all_three, 160)
    assert places.tolist() == [1]
    assert not gain[0, 10:60].any()
    assert [gate.holds(line) for line in range(3)] == [False, False, False]
    assert gate.kept(1, 1450, 1500)
    assert not gate.kept(2, 1450, 1500)


def test_what_was_closed_long_ago_is_not_remembered_as_closed() -> None:
    gate = Gate(1, DELAY)
    gate.enter(ONE, 160)
    gate.close(0, 100, 160)
    for _ in range(20):
        gate.enter(ONE, 160)
    gate.close(0, 3350, 3360)
    assert not gate.is_closed(0, 3360 - 1115)
    assert gate.kept(0, 3350, 3360)
