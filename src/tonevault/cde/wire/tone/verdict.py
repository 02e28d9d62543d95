"""When a look is a key: the thresholds of the ear in one place. It refuses to look."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.look import STRETCH

SHORTEST_TONE: Final = 236
"""29.5 ms. Q.24: operate from 40 ms, do not at 20 ms; edges are measured to 1 ms, so the middle parts them safely."""

SHORTEST_BROKEN_SPAN: Final = 304
SHORTEST_BROKEN_TONE: Final = 204
"""A digit of 40 ms with a hole of 10 ms in it (Q.24) sounds for 30 ms in a span of 40; both with 2 to 4 ms for the error of four edges."""

WIDEST_OFFSET: Final = 0.0215
"""Q.24: operate within ±1.5 %, do not beyond ±3.5 %, each tone alone; the error of measurement is below 0.5 %."""

WIDEST_MISTUNING: Final = 0.032
"""Between the offsets of the two tones, which Q.24 allows to be 3 %. Beyond it lie the simple ratios of a voice's harmonics, the nearest
being 2:3, which is 4.1 % from 770 and 1209 Hz and 4.3 % from 852 and 1336 Hz: sung and Chinese vowels are full of it."""

WIDEST_TWIST_DB: Final = 15.0
"""Q.24 asks for 8 dB (row louder) and 4 dB (column louder); 10 dB is the aim either way, and an echo at −10 dB may take 5 more."""

FASTEST_GLIDE: Final = 450.0
"""Hz a second. Of keys in noise and talk 6 dB below one in 5,000 seems to glide faster; of voices that pass all else, all do, by 760 and
more."""

FAINTEST_POWER: Final = power_of(-43.0)
"""Of the pair. Q.24: operate at −25 dBm a tone and more by some administrations, nothing at −55."""

WIDEST_APART: Final = 32.0
"""4 ms between the onsets of the two tones; noise 6 dB below moves each by up to 1.5 ms, and an echo one of them by 3."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What makes a tone a key when it has sounded for so many samples: least purity, steadiness and sharpness of its onset, how far off its
    frequencies, and they from each other, may be, how fast they may change, and how far apart the onsets of the two may lie."""

    purity: float
    steadiness: float
    attack: float
    sounding: int
    offset: float
    mistuning: float
    glide: float = FASTEST_GLIDE
    apart: float = WIDEST_APART


NEAR: Final = 0.018
"""±1.5 % and the error of measurement in noise."""
NEAR_EACH_OTHER: Final = 0.022
"""Telephones err by what their crystal does, in both tones alike; that both tones are at opposite limits and disturbed besides is all but
always a voice."""
EXACT: Final = 0.006
"""Telephones of today make their tones by arithmetic. What hits both frequencies so well for 40 ms may be disturbed a good deal."""

EVIDENCE: Final = (
    Evidence(0.90, 0.93, 0.10, SHORTEST_TONE, WIDEST_OFFSET, WIDEST_MISTUNING),
    Evidence(0.80, 0.90, 0.25, SHORTEST_TONE, NEAR, WIDEST_MISTUNING),
    Evidence(0.70, 0.95, 0.40, SHORTEST_TONE, NEAR, NEAR_EACH_OTHER),
    Evidence(0.54, 0.96, 0.60, SHORTEST_TONE, NEAR, NEAR_EACH_OTHER),
    Evidence(0.62, 0.75, 0.45, 320, EXACT, EXACT, 200.0, STRETCH),
    Evidence(0.80, 0.87, -0.10, 360, EXACT, EXACT, 200.0, STRETCH),
    Evidence(0.95, 0.985, -1.0, 400, NEAR, WIDEST_MISTUNING, apart=STRETCH),
)
"""The more that sounds beside a tone, the sharper its onset must be. A voice glides into a pair of tones and out of it; a key is pressed.
The fifth and sixth line are for keys that a talker, for once louder than they, disturbs in their midst or at their onset. The last is for
a key that was down before anyone listened, or whose onset went down in a louder sound: 50 ms of it, all but alone."""

LEAST_PURITY: Final = min(evidence.purity for evidence in EVIDENCE)

_CERTAIN: Final = ((0.95, 0.54), (0.95, 0.90))
"""Purity and steadiness of a tone with noise 20 dB below, each with the least that is taken."""

_CERTAIN_OFFSET: Final = 0.015
_CERTAIN_TWIST_DB: Final = 8.0
"""Q.24: a sender keeps within these."""


class Verdict(Enum):
    """What a look amounts to."""

    KEY = auto()
    UNSURE = auto()


class Sight(NamedTuple):
    """One row of a Look, as plain numbers in its order; see there for their units."""

    onset: float
    end: float
    sounding: float
    row_offset: float
    column_offset: float
    twist_db: float
    purity: float
    steadiness: float
    glide: float
    attack: float
    apart: float
    power: float

    @property
    def still_sounds(self) -> bool:
        """Whether the tone reaches the end of the stretch."""
        return self.end >= STRETCH


def judge(sight: Sight) -> Verdict:
    """Whether a sight is a key."""
    if sight.power < FAINTEST_POWER or abs(sight.twist_db) > WIDEST_TWIST_DB:
        return Verdict.UNSURE
    offset = max(abs(sight.row_offset), abs(sight.column_offset))
    mistuning = abs(sight.row_offset - sight.column_offset)
    broken = sight.end - sight.onset >= SHORTEST_BROKEN_SPAN and sight.sounding >= SHORTEST_BROKEN_TONE
    sounding = max(sight.sounding, SHORTEST_TONE) if broken else sight.sounding
    if sounding < SHORTEST_TONE or offset > WIDEST_OFFSET or sight.purity < LEAST_PURITY:
        return Verdict.UNSURE  # As all of the evidence says, which is longer to ask.
    for evidence in EVIDENCE:
        if (
            sight.purity >= evidence.purity
            and sight.steadiness >= evidence.steadiness
            and sight.attack >= evidence.attack
            and sight.apart <= evidence.apart
            and sounding >= evidence.sounding
            and offset <= evidence.offset
            and mistuning <= evidence.mistuning
            and sight.glide <= evidence.glide
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
