"""The gate: what is closed is wholly closed, what is open is untouched, and between them lies a fade."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tonevault.cde.wire.tone.gate import FADE, Gate

DELAY = 160


def gains(closings: dict[int, tuple[int, int]], length: int, chunk: int) -> np.ndarray:
    """Gain of each position when `closings[n]` is asked for once n samples have entered."""
    gate = Gate(DELAY)
    out = []
    for at in range(0, length, chunk):
        gate.enter(chunk)
        for when, (start, stop) in closings.items():
            if at < when <= at + chunk:
                gate.close(start, stop)
        gain = gate.gain(chunk)
        out.append(np.ones(chunk) if gain is None else gain)
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
    gate = Gate(DELAY)
    gate.enter(1000)
    before = gate.gain(1000)
    start = gate.earliest
    gate.close(start, start + 50)
    gate.enter(160)
    gain = gate.gain(160)
    assert before is None
    assert gain is not None
    assert gain[0] > 0.95  # The fade joins what has already left.
    assert not gain[FADE : FADE + 50].any()


def test_it_knows_what_it_kept_and_what_it_still_holds() -> None:
    gate = Gate(DELAY)
    gate.enter(400)
    gate.close(300, 500)
    assert gate.kept(300, 400)
    assert not gate.kept(290, 400)
    still = gate.holds
    gate.enter(100)
    assert gate.kept(300, 500)
    gate.enter(DELAY + FADE)
    assert gate.kept(300, 500)
    assert (still, gate.holds) == (True, False)
