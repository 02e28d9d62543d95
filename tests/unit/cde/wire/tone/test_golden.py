"""The compiled loops measure, hear and mask as the numpy arithmetic did that they were written after: golden.json holds what that told."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.cde.wire.tone.lines import Samples
from tests.unit.cde.wire.tone.test_ear import KINDS, LENGTH, heard, line

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.tone.look import STRETCH, Look, look
from tonevault.cde.wire.tone.masking_line import MaskingLine

GOLDEN: dict[str, list[Any]] = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="ascii"))
TOLERANCE = np.array([0.01, 0.01, 0.01, 2e-5, 2e-5, 0.01, 1e-4, 1e-4, 1.0, 1e-3, 0.05, 1e-3])
"""Of each measure of a look, in its own unit; power relative to itself."""


def broken_line(kind: str) -> Samples:
    """A line of its kind with some packets that never came."""
    samples = line(kind, 11).copy()
    for frame in np.random.default_rng(KINDS.index(kind)).integers(0, LENGTH // 160, 3):
        samples[160 * frame : 160 * frame + 160] = 0
    return samples


@pytest.mark.parametrize("kind", KINDS)
def test_looks_see_what_they_saw(kind: str) -> None:
    samples = broken_line(kind)
    told = [each[1:] for each in GOLDEN["looks"] if each[0] == kind]
    stretches = np.stack([samples[end - STRETCH : end] for end, *_ in told]).astype(np.float32)
    found = look(
        stretches, np.array([key for _, key, *_ in told]), np.array([anchor for *_, anchor, _ in told])
    )
    measures = np.stack([getattr(found, each.name) for each in fields(Look)], axis=1)
    expected = np.array([each[-1] for each in told])
    measures[:, -1] /= expected[:, -1] + 1
    expected[:, -1] /= expected[:, -1] + 1
    assert np.all(np.abs(measures - expected) <= TOLERANCE)


@pytest.mark.parametrize("golden", GOLDEN["lines"], ids=lambda golden: golden[0])
def test_lines_are_heard_and_masked_as_they_were(golden: list[Any]) -> None:
    kind, _, told, windows, ends, levels = golden
    samples = broken_line(kind)
    reports, tonal = heard(samples, [160] * (LENGTH // 160))
    assert [list(map(str, each)) for each in reports] == told
    assert (len(tonal), sum(tonal)) == (windows, ends)
    mask = MaskingLine(MaskMode.TALK)
    masked = np.concatenate([mask.push(samples[at : at + 160]) for at in range(0, LENGTH, 160)])
    level = np.sqrt(np.mean(masked.reshape(-1, 160).astype(np.float64) ** 2, axis=1))
    assert np.allclose(level, levels, rtol=0.001, atol=0.5)
