"""Keypad tones heard, and not heard where there are none: Tonevault beside spandsp and multimon-ng, in the same run on the same samples.

    .venv/bin/python -m benchmarks.detection [--quick] [--only points numbers speech music delay speed]

Needs scripts/install-bench-peers. Every line goes through a G.711 law, half of them through either. A point is passed where at least 99.5 %
of its keys are heard (98 % under talk 9 dB below, 95 % under talk 6 dB below) and at most 0.5 % more are told; one that must be ignored,
where at most 0.5 % are told. Ends with 1 where Tonevault misses a limit; peers are marked by the same limits. The whole takes a quarter of
an hour.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from benchmarks.lines.card_call import card_call
from benchmarks.lines.point import Demand, Point, Rank, points
from benchmarks.lines.score import Score, delays_ms, score
from benchmarks.peers.detector import Detector, PeerMissingError
from benchmarks.peers.multimon import Multimon
from benchmarks.peers.own import Own
from benchmarks.peers.spandsp import Spandsp
from benchmarks.recordings.library import MissingError, lines, voices
from benchmarks.recordings.package import Part
from tests.unit.cde.wire.tone.lines import Samples, Wave

from tonevault.cde.wire.g711 import Law, decode, encode

TOO_MANY: Final = 0.005
TURNS: Final = 4
"""Lines a point, in each of which half of the keys lie on other talk and noise than in the next."""
MINUTE: Final = 480_000
"""Recordings are cut into calls of a minute."""
SLOW: Final = ("multimon-ng",)
"""These hear no more than an hour of each package."""
WHOLE, FALSE_AN_HOUR, P99_MS, REAL_TIME = 99.3, 0.06, 52.0, 200.0
MUSIC_AIM: Final = 0.5
SPEECH: Final = (Part.TUNING, Part.HELD_OUT)
MUSIC: Final = (Part.MUSIC_TUNING, Part.MUSIC_HELD_OUT)
TIMED: Final = (
    *("100 ms on", "40 ms on, 40", "noise 20", "noise 15", "noise 10", "noise 8", "talk 20", "talk 12"),
    *("350 + 440 Hz, each 6", "twist", "row +1.5 %, column -1.5", "echo", "talk 9", "noise 6"),
)
UNTIMED: Final = ("talk 9", "noise 6", "twist +12", "twist -12")
"""Timed, but beyond the limit's conditions."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    tokens: int
    numbers: int
    minutes: int
    """Of each package of recordings."""


FULL: Final = Size(80, 1000, 100_000)
QUICK: Final = Size(16, 40, 2)


@dataclass
class Table:
    """Prints, and remembers what was missed by whom."""

    detectors: Sequence[Detector]
    missed: dict[str, list[str]] = field(default_factory=dict)

    def title(self, text: str) -> None:
        """A table's head."""
        print(f"\n{text:52}" + "".join(f"{detector.name:>16}" for detector in self.detectors), flush=True)

    def row(self, name: str, cells: Sequence[tuple[str, bool | None]], limit: str | None = None) -> None:
        """A cell a detector, and whether it is good; None where nothing is asked. With a `limit` misses are remembered."""
        text = "".join(f"{cell:>15}{'✗' if good is False else ' '}" for cell, good in cells)
        print(f"{name:52}{text}" + (f"   {limit}" if limit else ""), flush=True)
        if limit is not None:
            for detector, (_, good) in zip(self.detectors, cells, strict=True):
                if good is False:
                    self.missed.setdefault(detector.name, []).append(name)

    def verdict(self) -> bool:
        """Print what was missed; whether Tonevault missed nothing."""
        print()
        for detector in self.detectors:
            names = self.missed.get(detector.name, [])
            print(f"{detector.name}: {'every limit kept' if not names else f'{len(names)} limits missed'}")
        for name in self.missed.get(Own.name, []):
            print(f"  ✗ {name}")
        return Own.name not in self.missed


def passed(point: Point, result: Score) -> bool:
    """Whether a detector did what the point asks."""
    if point.demand is Demand.IGNORE:
        return result.heard + result.extra <= TOO_MANY * result.pressed
    return result.heard >= point.enough * result.pressed and result.extra <= TOO_MANY * result.pressed


def measure_points(table: Table, size: Size, talk: Wave) -> None:
    """One impairment at a time."""
    table.title(f"one impairment at a time, {TURNS * size.tokens} keys of 50 ms unless said")
    count = {(rank, detector.name): 0 for rank in Rank for detector in table.detectors}
    totals = dict.fromkeys(Rank, 0)
    for number, point in enumerate(points(talk)):
        results = {detector.name: Score() for detector in table.detectors}
        for turn in range(TURNS):
            law = (Law.ULAW, Law.ALAW)[turn % 2]
            samples, presses = point.line(law, size.tokens, np.random.default_rng((1000 + number, turn)))
            for detector in table.detectors:
                results[detector.name] += score(detector.hear(samples), presses)
        totals[point.rank] += 1
        cells = []
        for name, result in results.items():
            good = passed(point, result)
            count[point.rank, name] += good
            told = result.heard if point.demand is Demand.HEAR else result.heard + result.extra
            extra = f"+{result.extra} " if result.extra and point.demand is Demand.HEAR else ""
            cells.append((f"{extra}{100 * told / result.pressed:.1f} %", good))
        asked = {Demand.HEAR: "", Demand.IGNORE: " (ignore)"}[point.demand]
        aim = " (aim)" if point.rank is Rank.AIM else ""
        limit = {Rank.STANDARD: "standard", Rank.LIMIT: "limit", Rank.AIM: None}[point.rank]
        table.row(point.name + asked + aim, cells, limit)
    for rank in Rank:
        found = [(f"{count[rank, detector.name]} of {totals[rank]}", None) for detector in table.detectors]
        table.row(f"{rank.value} passed", found)


def measure_numbers(table: Table, size: Size, talk: Wave) -> None:
    """Whole card numbers."""
    table.title(f"16-digit numbers under mixed impairments, {size.numbers}")
    whole = {detector.name: 0 for detector in table.detectors}
    delays: dict[str, list[float]] = {detector.name: [] for detector in table.detectors}
    for number in range(size.numbers):
        samples, presses = card_call(np.random.default_rng(50_000 + number), talk)
        for detector in table.detectors:
            told = detector.hear(samples)
            whole[detector.name] += score(told, presses).whole
            delays[detector.name] += delays_ms(told, presses)
    shares = [100 * count / size.numbers for count in whole.values()]
    table.row("whole", [(f"{share:.2f} %", share >= WHOLE) for share in shares], f"≥ {WHOLE} %, aim 99.7")
    table.row("their onset to report, p50 / p99", _delay_cells(delays), f"p99 ≤ {P99_MS:g} ms")


def _delay_cells(delays: dict[str, list[float]]) -> list[tuple[str, bool | None]]:
    cells: list[tuple[str, bool | None]] = []
    for found in delays.values():
        if found:
            half, most = np.percentile(found, (50, 99))
            cells.append((f"{half:.0f} / {most:.1f} ms", bool(most <= P99_MS)))
        else:
            cells.append(("tells none", None))
    return cells


def measure_delay(table: Table, size: Size, talk: Wave) -> None:
    """From onset to report, in packets of 20 ms that lie anyhow."""
    table.title("onset to report in packets of 20 ms, p50 / p99")
    for number, point in enumerate(points(talk)):
        if not point.name.startswith(TIMED):
            continue
        delays: dict[str, list[float]] = {detector.name: [] for detector in table.detectors}
        for turn in range(2 * TURNS):
            samples, presses = point.line(
                Law.ULAW, size.tokens, np.random.default_rng(2000 + 10 * number + turn)
            )
            for detector in table.detectors:
                delays[detector.name] += delays_ms(detector.hear(samples), presses)
        limit = None if point.name.startswith(UNTIMED) else f"p99 ≤ {P99_MS:g} ms"
        table.row(point.name, _delay_cells(delays), limit)


def measure_recordings(table: Table, size: Size, parts: Sequence[Part], what: str) -> dict[str, float]:
    """False keys an hour on recordings that hold none. Every other minute passes A-law, the others µ-law."""
    table.title(f"{what}: false keys")
    hours = {detector.name: 0.0 for detector in table.detectors}
    false = {detector.name: 0 for detector in table.detectors}
    for part in parts:
        before = false.copy(), hours.copy()
        for name, line in lines(part):
            calls = _calls(line)[: size.minutes]
            cells: list[tuple[str, bool | None]] = []
            for detector in table.detectors:
                heard = calls[:60] if detector.name in SLOW else calls
                told = detector.count(heard)
                hours[detector.name] += sum(len(call) for call in heard) / 28.8e6
                false[detector.name] += told
                cells.append((str(told), None))
            table.row(f"  {name}, {sum(len(call) for call in calls) / 28.8e6:.2f} h", cells)
        rates = [(false[d] - before[0][d]) / (hours[d] - before[1][d]) for d in false]
        heard_h = hours[Own.name] - before[1][Own.name]
        table.row(f"{part.value}, {heard_h:.2f} h", [(f"{rate:.2f} / h", None) for rate in rates])
    return {name: false[name] / hours[name] for name in false}


def _calls(line: Samples) -> list[Samples]:
    calls = [np.asarray(line[at : at + MINUTE]) for at in range(0, len(line), MINUTE)]
    return [
        decode(law, encode(law, call))
        for call, law in ((call, (Law.ULAW, Law.ALAW)[index % 2]) for index, call in enumerate(calls))
    ]


def measure_speech(table: Table, size: Size, _: Wave) -> None:
    """People talking."""
    rates = measure_recordings(table, size, SPEECH, "people talking")
    cells = [(f"{rate:.3f} / h", rate <= FALSE_AN_HOUR) for rate in rates.values()]
    table.row("people talking, all", cells, f"≤ {FALSE_AN_HOUR} / h, aim 0")


def measure_music(table: Table, size: Size, _: Wave) -> None:
    """Music."""
    rates = measure_recordings(table, size, MUSIC, "music")
    least = min(rate for name, rate in rates.items() if name.startswith("spandsp"))
    cells = [
        (f"{rate:.2f} / h", rate < least or rate == 0 if name == Own.name else None)
        for name, rate in rates.items()
    ]
    table.row("music, all", cells, f"fewer than spandsp, aim {MUSIC_AIM} / h")


def measure_speed(table: Table, size: Size, talk: Wave) -> None:
    """CPU of one call, in packets of 20 ms, the detector alone: the best of three runs, for the machine may be busy."""
    table.title("speed of one call, × real time")
    seconds = 60 if size is FULL else 20
    speech = decode(
        Law.ULAW, encode(Law.ULAW, np.clip(talk[: 8000 * seconds], -32768, 32767).astype(np.int16))
    )
    keys, _ = next(points(talk)).line(Law.ULAW, 200, np.random.default_rng(3))
    for name, samples, asked in (
        ("talk", speech, f"≥ {REAL_TIME:g}"),
        ("keys of 50 ms, 50 ms apart, without end", keys, None),
        ("silence", np.zeros_like(speech), None),
    ):
        cells: list[tuple[str, bool | None]] = []
        for detector in table.detectors:
            spent = min(_cpu_s(partial(detector.hear, samples)) for _ in range(3))
            rate = len(samples) / 8000 / spent
            cells.append((f"{rate:.0f}", rate >= REAL_TIME if asked else None))
        table.row(name, cells, asked)


def _cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    import resource  # noqa: PLC0415 - not on every platform

    def children() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    begun = time.process_time() + children()
    work()
    return max(time.process_time() + children() - begun, 1e-4)


SECTIONS: Final[dict[str, Callable[[Table, Size, Wave], None]]] = {
    "points": measure_points,
    "numbers": measure_numbers,
    "speech": measure_speech,
    "music": measure_music,
    "delay": measure_delay,
    "speed": measure_speed,
}


def main() -> None:
    """Print every table that is asked for; exit with 1 where a limit of our own was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute's worth")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    try:
        table = Table([Own(), Spandsp(), Spandsp(widened=True), Multimon()])
        talk = voices()
    except (PeerMissingError, MissingError) as fault:
        sys.exit(f"detection: {fault}")
    for name, measure in SECTIONS.items():
        if name in options.only:
            measure(table, size, talk)
    sys.exit(not table.verdict())


if __name__ == "__main__":
    main()
