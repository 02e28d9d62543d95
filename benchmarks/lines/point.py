"""The points at which detectors are measured: one impairment each, with what a standard demands there or what is aimed at beyond it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

import numpy as np
from benchmarks.lines import impairment as line
from tests.unit.cde.wire.tone.lines import Press, Samples, Wave, keyed, through

from tonevault.cde.wire.g711 import Law

Rng = np.random.Generator
Spoil = Callable[[Rng, Wave, list[Press]], Wave]
SpoilPackets = Callable[[Samples, list[Press], Rng], Samples]


class Rank(StrEnum):
    """Who demands what a point asks."""

    STANDARD = "standards"
    """ITU-T Q.24 or ETSI ES 201 235-3, of everyone."""
    LIMIT = "limits of the house"
    AIM = "aims"


class Demand(StrEnum):
    """What a receiver has to do at a point."""

    HEAR = "hear"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Point:
    """`enough` is the share of keys that must be heard; less than nearly all where talk is now and then louder than the keys."""

    name: str
    demand: Demand = Demand.HEAR
    rank: Rank = Rank.STANDARD
    enough: float = 0.995
    keys: dict[str, float] = field(default_factory=dict)
    spoil: Spoil | None = None
    spoil_packets: SpoilPackets | None = None

    def line(self, law: Law, tokens: int, rng: Rng) -> tuple[Samples, list[Press]]:
        """A line with `tokens` keys of all sixteen kinds, through one law, and where they lie."""
        events = np.tile(np.arange(16), -(-tokens // 16))[:tokens]
        rng.shuffle(events)
        wave, presses = keyed(
            tuple(int(event) for event in events), lead=800 + int(rng.integers(160)), **self.keys
        )
        if self.spoil is not None:
            wave = self.spoil(rng, wave, presses)
        samples = through(law, wave)
        if self.spoil_packets is not None:
            samples = self.spoil_packets(samples, presses, rng)
        return samples, presses


SHORT = {"on_s": 0.04, "off_s": 0.04}
LEVEL = -9.0
HEAR, IGNORE = Demand.HEAR, Demand.IGNORE
UNDER_TALK = {9.0: 0.98, 6.0: 0.95}
"""Share of keys that must be heard under talk: at an average so far below them it is at times as loud as they, or louder."""


def _rank(*, standard: bool, limit: bool) -> Rank:
    return Rank.STANDARD if standard else Rank.LIMIT if limit else Rank.AIM


def points(voices: Wave) -> Iterator[Point]:
    """All of them. `voices` is talk at −17 dBm0 to lay under the keys."""
    yield from _frequencies()
    yield from _levels()
    yield from _times()
    yield from _disturbances(voices)
    yield from _damage()


def _frequencies() -> Iterator[Point]:
    for row, column in ((1.5, 1.5), (-1.5, -1.5), (1.5, -1.5), (-1.5, 1.5)):
        yield Point(
            f"row {row:+} %, column {column:+} %",
            keys={"row_offset": row / 100, "column_offset": column / 100},
        )
    for row, column in ((1.8, 1.8), (-1.8, -1.8)):
        yield Point(
            f"row {row:+} %, column {column:+} %",
            rank=Rank.AIM,
            keys={"row_offset": row / 100, "column_offset": column / 100},
        )
    for row, column in ((3.5, 0.0), (-3.5, 0.0), (0.0, 3.5), (0.0, -3.5), (3.5, 3.5), (-3.5, -3.5)):
        yield Point(
            f"row {row:+} %, column {column:+} %",
            IGNORE,
            keys={"row_offset": row / 100, "column_offset": column / 100},
        )


def _levels() -> Iterator[Point]:
    for twist in (4.0, 8.0, 10.0, 12.0):
        for sign in (1, -1):
            yield Point(
                f"twist {sign * twist:+.0f} dB",
                rank=_rank(standard=sign * twist in (4, -4, -8), limit=twist <= 10),
                keys={"twist_db": sign * twist},
            )
    for level in (0.0, -4.0, -22.0, -30.0, -40.0):
        yield Point(
            f"{level:g} dBm0",
            rank=_rank(standard=level >= -22, limit=level >= -30),
            keys={"level_dbm0": level},
        )
    yield Point("−55 dBm0", IGNORE, keys={"level_dbm0": -55.0})


def _times() -> Iterator[Point]:
    for on in (100, 65, 50, 40):
        yield Point(
            f"{on} ms on, {max(on, 93 - on)} ms off",
            keys={"on_s": on / 1000, "off_s": max(on, 93 - on) / 1000},
        )
    yield Point("40 ms on, 40 ms off", keys=SHORT)
    yield Point("35 ms on, 40 ms off", rank=Rank.AIM, keys={"on_s": 0.035, "off_s": 0.04})
    yield Point("40 ms on, 30 ms off", rank=Rank.AIM, keys={"on_s": 0.04, "off_s": 0.03})
    for on in (10, 15, 20):
        yield Point(f"{on} ms on", IGNORE, keys={"on_s": on / 1000, "off_s": 0.08})
    yield Point("23 ms on", IGNORE, rank=Rank.AIM, keys={"on_s": 0.023, "off_s": 0.08})


def _disturbances(voices: Wave) -> Iterator[Point]:
    for below in (20.0, 15.0, 12.0, 10.0, 8.0, 6.0):
        yield Point(
            f"noise {below:g} dB below the pair",
            rank=_rank(standard=below >= 15, limit=below >= 8),
            spoil=_noise(below),
        )
    for below in (20.0, 15.0, 12.0, 9.0, 6.0):
        yield Point(
            f"talk {below:g} dB below the pair",
            rank=_rank(standard=False, limit=below >= 9),
            enough=UNDER_TALK.get(below, 0.995),
            spoil=_voice(voices, below),
        )
    for delay in (5.0, 10.0, 20.0, 30.0, 50.0):
        yield Point(
            f"echo of −10 dB at {delay:g} ms",
            rank=_rank(standard=delay == 20, limit=True),
            spoil=_echo(delay),
        )
    for below in (12.0, 6.0, 0.0):
        name = f"350 + 440 Hz, each {below:g} dB below each tone"
        yield Point(name, rank=Rank.LIMIT, spoil=_dial((350.0, 440.0), below))
    yield Point("425 Hz as loud as each tone", rank=Rank.LIMIT, spoil=_dial((425.0,), 0))


def _damage() -> Iterator[Point]:
    for length in (5.0, 10.0):
        for at in (20.0, 35.0):
            name = f"80 ms with a hole of {length:g} ms at {at:g}"
            yield Point(name, keys={"on_s": 0.08, "off_s": 0.08}, spoil=_hole(at, length))
    for at in (8.0, 15.0, 22.0):
        yield Point(f"40 ms with a hole of 10 ms at {at:g}", rank=Rank.LIMIT, keys=SHORT, spoil=_hole(at, 10))
    for repeat in (False, True):
        yield Point(
            f"100 ms, a packet lost, {'repeated' if repeat else 'silence'}",
            rank=Rank.AIM if repeat else Rank.LIMIT,
            keys={"on_s": 0.1, "off_s": 0.08},
            spoil_packets=partial(line.with_lost_packets, repeat=repeat),
        )
    for cut in (5.0, 10.0):
        yield Point(f"50 ms, first {cut:g} ms cut off", spoil=_hole(0, cut))
    yield Point("overdriven by 6 dB", rank=Rank.LIMIT, keys={"level_dbm0": 0.0}, spoil=_overdriven)


def _noise(below: float) -> Spoil:
    return lambda rng, wave, _: line.with_noise(rng, wave, LEVEL - below)


def _voice(voices: Wave, below: float) -> Spoil:
    return lambda rng, wave, _: line.with_voice(rng, wave, voices, LEVEL - below)


def _echo(delay_ms: float) -> Spoil:
    return lambda _, wave, __: line.with_echo(wave, delay_ms, 10)


def _dial(frequencies: tuple[float, ...], below: float) -> Spoil:
    def spoil(rng: Rng, wave: Wave, presses: list[Press]) -> Wave:  # noqa: ARG001 - as every Spoil
        for frequency in frequencies:
            wave = line.with_steady_tone(wave, frequency, LEVEL - 3 - below)
        return wave

    return spoil


def _hole(at_ms: float, length_ms: float) -> Spoil:
    return lambda _, wave, presses: line.with_holes(wave, presses, at_ms, length_ms)


def _overdriven(rng: Rng, wave: Wave, presses: list[Press]) -> Wave:  # noqa: ARG001 - as every Spoil
    return np.clip(2 * wave, -32000, 32000)
