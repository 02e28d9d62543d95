"""A line on which one key is pressed, with everything about it drawn at random, under one condition; what a mask must not let out."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from benchmarks.lines import impairment as line
from benchmarks.peers.spandsp import G726
from tests.unit.cde.wire.tone.lines import Samples, Wave, through

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ, Law
from tonevault.cde.wire.tone.generator import key_tone

CONDITIONS: Final = (
    *(
        "quiet",
        "noise 20",
        "talk 20",
        "G.726",
        "40 ms",
        "−30 dBm0",
        "twist 10",
        "talk 12",
        "dial 6",
        "loss 1 %",
    ),
    *("noise 15", "noise 10", "dial 0", "talk 9", "noise 8", "phone"),
)
"""What lies beside the key, and by how many dB below the pair (dial tone: each of its two below each of the key's). The first seven must
not leak once in 10,000; the next three may twice in 1,000; the others are there to see where it ends. "phone" is what a phone of today
sends over a quiet line, the easiest that a mask may meet: −18 to −6 dBm0, twist to 2 dB, offsets to 0.3 %."""

MUST_NOT: Final = CONDITIONS[:7]
HARDLY: Final = CONDITIONS[7:10]

LEAD: Final = 2000
"""A quarter of a second before the key: enough for the ear to know the line, too little for it to hush the line for its noise."""

TAIL: Final = 800


@dataclass(frozen=True)
class KeyedOnce:
    """What the mask is given, and the clean tone alone (zero outside `onset` to `end`), as the network's other end would have it."""

    samples: Samples
    event: int
    onset: int
    end: int
    how: dict[str, float]


def keyed_once(condition: str, index: int, voices: Wave, g726: G726) -> KeyedOnce:
    """The line of a condition with this number: onsets take every offset in a packet in turn, laws take turns too."""
    rng = np.random.default_rng((CONDITIONS.index(condition), index))
    how = {
        "level_dbm0": -30.0 if condition == "−30 dBm0" else float(rng.uniform(-30, -4)),
        "twist_db": float(rng.choice([-10.0, 10.0]))
        if condition == "twist 10"
        else float(rng.uniform(-10, 10)),
        "row_offset": float(rng.uniform(-0.015, 0.015)),
        "column_offset": float(rng.uniform(-0.015, 0.015)),
    }
    if condition == "phone":
        how = {"level_dbm0": float(rng.uniform(-18, -6)), "twist_db": float(rng.uniform(-2, 2))} | {
            name: float(rng.uniform(-0.003, 0.003)) for name in ("row_offset", "column_offset")
        }
    length_s = 0.04 if condition == "40 ms" else float(rng.uniform(0.04, 0.2))
    event, onset = int(rng.integers(16)), LEAD + index % 160
    tone = key_tone(event, length_s, **how).astype(np.float64)
    wave = np.concatenate([np.zeros(onset), tone, np.zeros(TAIL)])
    level = how["level_dbm0"]
    kind, _, figure = condition.partition(" ")
    match kind:
        case "noise":
            wave = line.with_noise(rng, wave, level - float(figure))
        case "talk":
            wave = line.with_voice(rng, wave, voices, level - float(figure))
        case "dial":
            for frequency in (350.0, 440.0):
                wave = line.with_steady_tone(wave, frequency, level - 3 - float(figure))
        case _:
            pass
    samples = through((Law.ULAW, Law.ALAW)[index % 2], wave)
    if kind == "G.726":
        samples = through((Law.ULAW, Law.ALAW)[index % 2], g726.through(samples).astype(np.float64))
    elif kind == "loss":
        samples, _ = line.with_loss(samples, rng, 0.01)
    return KeyedOnce(samples, event, onset, onset + len(tone), how)


def template(press: KeyedOnce, event: int) -> Wave:
    """What the key `event` would have sent in the place of the press, from its onset to its end."""
    return key_tone(event, (press.end - press.onset) / SAMPLE_RATE_HZ, **press.how).astype(np.float64)
