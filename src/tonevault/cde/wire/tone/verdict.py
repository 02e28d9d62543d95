"""When a look is a key: the thresholds of the ear in one place. It refuses to look."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.look import STRETCH, Look

SHORTEST_TONE: Final = 240
"""30 ms. Q.24: operate from 40 ms, do not at 20 ms; edges are measured to 1 ms, so the middle parts them safely."""

SHORTEST_BROKEN_SPAN: Final = 304
SHORTEST_BROKEN_TONE: Final = 208
"""A digit of 40 ms with a hole of 10 ms in it (Q.24) sounds for 30 ms in a span of 40; both with 2 to 4 ms for the error of four edges."""

WIDEST_OFFSET: Final = 0.025
"""Q.24: operate within ±1.5 %, do not beyond ±3.5 %, each tone alone; the error of measurement is below 0.5 %."""

WIDEST_TWIST_DB: Final = 13.0
"""Q.24 asks for 8 dB (row louder) and 4 dB (column louder); 10 dB is the aim either way and noise may add 3."""

FAINTEST_POWER: Final = power_of(-43.0)
"""Of the pair. Q.24: operate at −25 dBm a tone and more by some administrations, nothing at −55."""

LEAST_STEADINESS: Final = 0.85
"""Of the weaker tone. Noise at 8 dB leaves 0.97 without twist and 0.87 with 10 dB of it; vowels glide."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How long a tone must have sounded, in samples, for a given purity to make it a key, and what else is then asked of it."""

    purity: float
    sounding: int
    widest_offset: float
    widest_twist_db: float


EVIDENCE: Final = (
    Evidence(0.90, SHORTEST_TONE, WIDEST_OFFSET, WIDEST_TWIST_DB),
    Evidence(0.80, 300, WIDEST_OFFSET, WIDEST_TWIST_DB),
    Evidence(0.72, 350, 0.020, 9.0),
)
"""Clean tones are believed at 30 ms, tones in noise of 8 to 10 dB at 37.5 ms, those in noise of 5 to 8 dB or under speech at 44 ms and only
well inside the other limits: of an hour of speech nothing was then taken for a key that was at 30 ms."""


_CERTAIN: Final = ((0.95, 0.72), (0.95, LEAST_STEADINESS))
"""Purity and steadiness of a tone with noise 20 dB below, each with the least that is taken."""

_CERTAIN_OFFSET: Final = 0.015
_CERTAIN_TWIST_DB: Final = 8.0
"""Q.24: a sender keeps within these."""


class Verdict(Enum):
    """What a look amounts to."""

    KEY = auto()
    UNSURE = auto()


@dataclass(frozen=True, slots=True)
class Sight:
    """One row of a Look, as plain numbers; see there for their units."""

    onset: float
    end: float
    sounding: float
    row_offset: float
    column_offset: float
    twist_db: float
    purity: float
    steadiness: float
    power: float

    @classmethod
    def of(cls, measured: Look, row: int) -> "Sight":
        """One row of a look."""
        return cls(
            float(measured.onset[row]),
            float(measured.end[row]),
            float(measured.sounding[row]),
            float(measured.row_offset[row]),
            float(measured.column_offset[row]),
            float(measured.twist_db[row]),
            float(measured.purity[row]),
            float(measured.steadiness[row]),
            float(measured.power[row]),
        )

    @property
    def still_sounds(self) -> bool:
        """Whether the tone reaches the end of the stretch."""
        return self.end >= STRETCH


def judge(sight: Sight) -> Verdict:
    """Whether a sight is a key. The longer it has sounded, the less clean it need be."""
    broken = sight.end - sight.onset >= SHORTEST_BROKEN_SPAN and sight.sounding >= SHORTEST_BROKEN_TONE
    if sight.power < FAINTEST_POWER or sight.steadiness < LEAST_STEADINESS:
        return Verdict.UNSURE
    offset, twist_db = max(abs(sight.row_offset), abs(sight.column_offset)), abs(sight.twist_db)
    for evidence in EVIDENCE:
        if (
            sight.purity >= evidence.purity
            and (sight.sounding >= evidence.sounding or (broken and evidence.sounding == SHORTEST_TONE))
            and offset <= evidence.widest_offset
            and twist_db <= evidence.widest_twist_db
        ):
            return Verdict.KEY
    return Verdict.UNSURE


def sureness(sight: Sight) -> float:
    """How far a sight lies within the limits, by the measure in which it does worst: 0.5 at a limit, 1 where Q.24 has a sender be."""
    margins = [
        (value - least) / (ample - least)
        for value, (ample, least) in zip((sight.purity, sight.steadiness), _CERTAIN, strict=True)
    ]
    offset, twist_db = max(abs(sight.row_offset), abs(sight.column_offset)), abs(sight.twist_db)
    margins.append((WIDEST_OFFSET - offset) / (WIDEST_OFFSET - _CERTAIN_OFFSET))
    margins.append((WIDEST_TWIST_DB - twist_db) / (WIDEST_TWIST_DB - _CERTAIN_TWIST_DB))
    return 0.5 + 0.5 * min(1.0, max(0.0, min(margins)))
