"""The ear's thresholds: an ideal key passes, and each measure alone can deny it."""

import pytest

from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.verdict import Sight, Verdict, judge, sureness

IDEAL = Sight(
    onset=400,
    end=640,
    sounding=240,
    row_offset=0,
    column_offset=0,
    twist_db=0,
    purity=1,
    steadiness=1,
    glide=0,
    attack=1,
    apart=0,
    power=power_of(-9),
)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"purity": 0.55},
        {"purity": 0.8, "attack": 0.3, "steadiness": 0.92},
        {"row_offset": 0.018, "column_offset": 0.018},
        {"row_offset": 0.015, "column_offset": -0.015},
        {"twist_db": 14.0},
        {"onset": 320, "sounding": 210},
        {"onset": 0, "sounding": 640, "attack": -1.0},
        {"power": power_of(-42)},
        {"purity": 0.65, "attack": 0.5, "steadiness": 0.8, "sounding": 330, "onset": 310},
        {"purity": 0.85, "attack": 0.0, "steadiness": 0.9, "sounding": 370, "onset": 270, "apart": 100.0},
        {"row_offset": 0.021, "column_offset": 0.021},
    ],
)
def test_a_key(change: dict[str, float]) -> None:
    assert judge(IDEAL._replace(**change)) is Verdict.KEY


@pytest.mark.parametrize(
    "change",
    [
        {"purity": 0.5},
        {"purity": 0.6, "attack": 0.5},
        {"purity": 0.75, "attack": 0.3},
        {"purity": 0.85, "apart": 40.0},
        {"steadiness": 0.8},
        {"glide": 600.0},
        {"row_offset": 0.023},
        {"row_offset": 0.0205, "column_offset": -0.0205},
        {"twist_db": -16.0},
        {"sounding": 220},
        {"onset": 0, "sounding": 300, "attack": -1.0},
        {"onset": 0, "sounding": 640, "attack": -1.0, "purity": 0.94},
        {"purity": 0.85, "row_offset": 0.019},
        {"purity": 0.75, "row_offset": 0.012, "column_offset": -0.012},
        {
            "purity": 0.65,
            "attack": 0.5,
            "steadiness": 0.8,
            "sounding": 330,
            "onset": 310,
            "row_offset": 0.007,
        },
        {"purity": 0.65, "attack": 0.5, "steadiness": 0.8, "sounding": 330, "onset": 310, "glide": 250.0},
        {"power": power_of(-46)},
    ],
)
def test_not_a_key(change: dict[str, float]) -> None:
    assert judge(IDEAL._replace(**change)) is Verdict.UNSURE


def test_the_less_within_the_limits_the_less_sure() -> None:
    assert sureness(IDEAL) == 1
    assert sureness(IDEAL._replace(purity=0.75)) == pytest.approx(0.76, abs=0.02)
    assert sureness(IDEAL._replace(row_offset=0.0215)) == 0.5
    assert sureness(IDEAL._replace(purity=0.1)) == 0.5
