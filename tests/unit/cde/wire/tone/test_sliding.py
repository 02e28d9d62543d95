"""Windows over a line are those of numpy's own, slower view."""

import numpy as np
import pytest

from tonevault.cde.wire.tone.sliding import sliding


@pytest.mark.parametrize(
    ("length", "width", "step"), [(100, 10, 3), (10, 10, 1), (264, 104, 20), (88, 81, 1)]
)
def test_they_are_the_same(length: int, width: int, step: int) -> None:
    line = np.arange(length, dtype=np.float32)
    assert np.array_equal(
        sliding(line, width, step), np.lib.stride_tricks.sliding_window_view(line, width)[::step]
    )
    assert np.array_equal(
        sliding(line[3:], width - 3, step),
        np.lib.stride_tricks.sliding_window_view(line[3:], width - 3)[::step],
    )


def test_a_line_too_short_has_none() -> None:
    assert sliding(np.zeros(5, np.float32), 10, 2).shape == (0, 10)
