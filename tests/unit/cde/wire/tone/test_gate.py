"""The gate: what is closed is wholly closed, what is open is untouched, and between them lies a fade."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cde.wire.tone.loops import Line

from tonevault.cde.wire.tone.gate import DELAY, FADE


def gains(closings: dict[int, tuple[int, int]], length: int, chunk: int) -> np.ndarray:
    """Gain of each position when `closings[n]` is asked for once n samples have entered."""
    line = Line()
    out = []
    for at in range(0, length, chunk):
        line.enter(chunk)
        for when, (start, stop) in closings.items():
            if at < when <= at + chunk:
                line.close(start, stop)
        out.append(line.gain(chunk))
    return np.concatenate(out)[DELAY:]


def test_closed_is_silent_open_is_whole_and_edges_fade() -> None:
    gain = gains({1000: (900, 1100)}, 2000, 40)
    assert not gain[900:1100].any()
    assert np.allclose(gain[: 900 - FADE], 1)
    assert np.allclose(gain[1100 + FADE : 1800], 1)
    assert (np.diff(gain[900 - FADE : 901]) <= 1e-6).all()
    assert np.abs(np.diff(gain)).max() < 0.15


@settings(max_examples=60, deadline=None)
@given(st.integers(260, 384), st.integers(1, 300), st.sampled_from([10, 40, 80, 100]))
def test_the_chunk_length_changes_nothing(start: int, span: int, chunk: int) -> None:
    reference = gains({400: (start, start + span)}, 1600, 20)
    assert not reference[start : start + span].any()
    assert np.allclose(gains({400: (start, start + span)}, 1600, chunk), reference, atol=1e-6)


def test_the_earliest_position_can_still_be_closed_whole() -> None:
    line = Line()
    for _ in range(6):
        line.enter(160)
    before = line.gain(160)
    start = line.earliest()
    line.close(start, start + 50)
    line.enter(160)
    gain = line.gain(160)
    assert (before == 1).all()
    assert gain[0] > 0.95  # The fade joins what has already left.
    assert not gain[FADE : FADE + 50].any()


def test_it_knows_what_it_kept_and_what_it_still_holds() -> None:
    line = Line()
    line.enter(400)
    line.close(300, 500)
    assert line.kept(300, 400)
    assert not line.kept(290, 400)
    still = line.holds()
    line.enter(100)
    assert line.kept(300, 500)
    line.enter(DELAY)
    line.enter(FADE)
    assert line.kept(300, 500)
    assert (still, line.holds()) == (True, False)


def test_what_was_closed_long_ago_is_not_remembered_as_closed() -> None:
    line = Line()
    line.enter(160)
    line.close(100, 160)
    for _ in range(20):
        line.enter(160)
    line.close(3350, 3360)
    assert not line.kept(3360 - 1115, 3360 - 1114)
    assert line.kept(3350, 3360)
