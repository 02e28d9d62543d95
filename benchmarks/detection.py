"""Keypad tones heard, and not heard where there are none: Tonevault beside spandsp and multimon-ng, in the same run on the same samples.

    .venv/bin/python -m benchmarks.detection [--quick] [--only points numbers speech music delay speed]

Needs scripts/install-bench-peers. Every line goes through a G.711 law, half of them through either. A point is passed where at least 99.5 %
of its keys are heard and at most 0.5 % more are told; one that must be ignored, where at most 0.5 % are told. The whole takes ten minutes.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.lines.card_call import card_call
from benchmarks.lines.point import Demand, Point, points
from benchmarks.lines.score import Score, delays_ms, score
from benchmarks.peers.detector import Detector, PeerMissingError
from benchmarks.peers.multimon import Multimon
from benchmarks.peers.own import Own
from benchmarks.peers.spandsp import Spandsp
from benchmarks.recordings.library import MissingError, lines, voices
from benchmarks.recordings.package import Part
from tests.unit.cde.wire.tone.lines import Wave

from tonevault.cde.wire.g711 import Law, decode, encode

ENOUGH, TOO_MANY = 0.995, 0.005
SECTIONS = ("points", "numbers", "speech", "music", "delay", "speed")
SLOW = ("multimon-ng",)
"""These hear no more than an hour of each package."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    tokens: int
    numbers: int
    hours: float
    """Of each package of recordings."""


FULL = Size(160, 400, 100.0)
QUICK = Size(32, 40, 0.04)


def title(text: str, detectors: Sequence[Detector]) -> None:
    """A table's head."""
    print(f"\n{text:52}" + "".join(f"{detector.name:>16}" for detector in detectors), flush=True)


def passed(point: Point, result: Score) -> bool:
    """Whether a detector did what the point asks."""
    told = (result.heard + result.extra) / result.pressed
    if point.demand is Demand.IGNORE:
        return told <= TOO_MANY
    return result.heard >= ENOUGH * result.pressed and result.extra <= TOO_MANY * result.pressed


def measure_points(detectors: Sequence[Detector], size: Size, talk: Wave) -> None:
    """One impairment at a time."""
    title(f"one impairment at a time, {2 * size.tokens} keys of 50 ms unless said", detectors)
    count = {(standard, detector.name): 0 for standard in (True, False) for detector in detectors}
    totals = {True: 0, False: 0}
    for number, point in enumerate(points(talk)):
        results = {detector.name: Score() for detector in detectors}
        for law in Law:
            samples, presses = point.line(law, size.tokens, np.random.default_rng(1000 + number))
            for detector in detectors:
                results[detector.name] += score(detector.hear(samples), presses)
        totals[point.standard] += 1
        cells = ""
        for name, result in results.items():
            count[point.standard, name] += passed(point, result)
            figure = (
                100
                * (result.heard if point.demand is Demand.HEAR else result.heard + result.extra)
                / result.pressed
            )
            extra = f"+{result.extra}" if result.extra and point.demand is Demand.HEAR else ""
            cells += f"{extra:>6}{figure:7.1f} %{' ' if passed(point, result) else '✗'}"
        kind = {Demand.HEAR: "", Demand.IGNORE: " (ignore)"}[point.demand] + (
            "" if point.standard else " (goal)"
        )
        print(f"{point.name + kind:52}{cells}", flush=True)
    for standard, name in ((True, "standards"), (False, "goals")):
        cells = "".join(
            f"{count[standard, detector.name]:10} of {totals[standard]:2}" for detector in detectors
        )
        print(f"{name + ' passed':52}{cells}", flush=True)


def measure_numbers(detectors: Sequence[Detector], size: Size, talk: Wave) -> None:
    """Whole card numbers."""
    title(f"16-digit numbers under mixed impairments, {size.numbers}", detectors)
    whole = {detector.name: 0 for detector in detectors}
    delays: dict[str, list[float]] = {detector.name: [] for detector in detectors}
    for number in range(size.numbers):
        samples, presses = card_call(np.random.default_rng(50_000 + number), talk)
        for detector in detectors:
            told = detector.hear(samples)
            whole[detector.name] += score(told, presses).whole
            delays[detector.name] += delays_ms(told, presses)
    print(f"{'whole':52}" + "".join(f"{100 * count / size.numbers:14.2f} %" for count in whole.values()))
    print_delays("their onset to report, p50 / p99", delays)


def print_delays(name: str, delays: dict[str, list[float]]) -> None:
    """A line of percentiles."""
    cells = ""
    for found in delays.values():
        text = "{:.0f} / {:.0f} ms".format(*np.percentile(found, (50, 99))) if found else "tells none"
        cells += f"{text:>16}"
    print(f"{name:52}{cells}", flush=True)


def measure_delay(detectors: Sequence[Detector], size: Size, talk: Wave) -> None:
    """From onset to report, in packets of 20 ms that lie anyhow."""
    title("onset to report in packets of 20 ms, p50 / p99", detectors)
    wanted = (
        "100 ms on",
        "40 ms on, 40",
        "noise 20",
        "noise 15",
        "noise 10",
        "noise 8",
        "talk 20",
        "talk 12",
        "talk 9",
        "350 + 440 Hz, each 6",
    )
    for number, point in enumerate(points(talk)):
        if not point.name.startswith(wanted):
            continue
        delays: dict[str, list[float]] = {detector.name: [] for detector in detectors}
        for turn in range(4):
            samples, presses = point.line(
                Law.ULAW, size.tokens // 2, np.random.default_rng(2000 + 10 * number + turn)
            )
            for detector in detectors:
                delays[detector.name] += delays_ms(detector.hear(samples), presses)
        print_delays(point.name, delays)


def measure_recordings(detectors: Sequence[Detector], size: Size, parts: Sequence[Part], what: str) -> None:
    """False keys on recordings that hold none. Every other stretch of ten seconds passes A-law, the others µ-law."""
    title(what, detectors)
    for part in parts:
        hours = {detector.name: 0.0 for detector in detectors}
        false = {detector.name: 0 for detector in detectors}
        for name, line in lines(part):
            cells = ""
            for detector in detectors:
                most = min(size.hours, 1.0 if detector.name in SLOW else size.hours)
                heard = line[: round(most * 3600 * 8000)]
                told = len(detector.hear(_companded(np.asarray(heard)), packet=8000))
                hours[detector.name] += len(heard) / 8000 / 3600
                false[detector.name] += told
                cells += f"{told:16}"
            print(f"{f'  {name}, {len(line) / 8000 / 3600:.2f} h':52}{cells}", flush=True)
        cells = "".join(f"{false[d.name] / hours[d.name]:12.2f} / h" for d in detectors)
        print(f"{f'{part.value}, {hours[detectors[0].name]:.2f} h: false keys':52}{cells}", flush=True)


def _companded(samples: np.ndarray) -> np.ndarray:
    out = np.empty_like(samples)
    for index, at in enumerate(range(0, len(samples), 80_000)):
        law = (Law.ULAW, Law.ALAW)[index % 2]
        out[at : at + 80_000] = decode(law, encode(law, np.ascontiguousarray(samples[at : at + 80_000])))
    return out


def measure_speed(detectors: Sequence[Detector], size: Size, talk: Wave) -> None:
    """CPU of one call, in packets of 20 ms, the detector alone."""
    title("speed of one call, × real time", detectors)
    seconds = 120 if size is FULL else 20
    speech = _companded(np.clip(talk[: 8000 * seconds], -32768, 32767).astype(np.int16))
    keys, _ = next(points(talk)).line(Law.ULAW, 200, np.random.default_rng(3))
    for name, samples in (
        ("talk", speech),
        ("digits of 50 ms, 50 ms apart", keys),
        ("silence", np.zeros_like(speech)),
    ):
        cells = ""
        for detector in detectors:
            begun = time.process_time() + _children()
            detector.hear(samples)
            cells += f"{len(samples) / 8000 / max(time.process_time() + _children() - begun, 1e-4):16.0f}"
        print(f"{name:52}{cells}", flush=True)


def _children() -> float:
    """CPU seconds of the processes that were started and have ended."""
    import resource  # noqa: PLC0415 - not on every platform

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print every table that is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute's worth")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    try:
        detectors: list[Detector] = [Own(), Spandsp(), Spandsp(widened=True), Multimon()]
        talk = voices()
    except (PeerMissingError, MissingError) as fault:
        sys.exit(f"detection: {fault}")
    sections: dict[str, Callable[[], None]] = {
        "points": lambda: measure_points(detectors, size, talk),
        "numbers": lambda: measure_numbers(detectors, size, talk),
        "speech": lambda: measure_recordings(
            detectors, size, (Part.TUNING, Part.HELD_OUT), "people talking: false keys"
        ),
        "music": lambda: measure_recordings(detectors, size, (Part.MUSIC,), "music: false keys"),
        "delay": lambda: measure_delay(detectors, size, talk),
        "speed": lambda: measure_speed(detectors, size, talk),
    }
    for name in SECTIONS:
        if name in options.only:
            sections[name]()


if __name__ == "__main__":
    main()
