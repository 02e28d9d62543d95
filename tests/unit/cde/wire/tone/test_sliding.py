"""Windows over a line are those of numpy's own, slower view."""

import numpy as np
import pytest

from tonevault.cde.wire.tone.sliding import sliding


@pytest.mark.parametrize(
    ("length", "width", "step"), [(100, 10, 3), (10, 10, 1), (264, 104, 20), (88, 81, 1)]
)
def test_they_are_the_same(length: int, width: int, step: int) -> None:
    lines = np.arange(3 * length, dtype=np.float32).reshape(3, length)
    view = np.lib.stride_tricks.sliding_window_view
    assert np.array_equal(sliding(lines, width, step), view(lines, width, axis=1)[:, ::step])
    assert np.array_equal(sliding(lines[1:2], width, step), view(lines[1:2], width, axis=1)[:, ::step])


def test_a_line_too_short_has_none() -> None:
    assert sliding(np.zeros((2, 5), np.float32), 10, 2).shape == (2, 0, 10)
