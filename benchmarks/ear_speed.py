"""What hearing and masking cost: CPU of a packet of 20 ms of a call, and calls that one core keeps up with, one alone and many in turn.

    .venv/bin/python -m benchmarks.ear_speed [--quick] [--calls 1 10 100 1000]

Needs scripts/install-bench-peers, for people talking and for spandsp. Every call is another stretch of recorded talk, so the figures are
those of calls on which everybody talks all the time; a tenth of them keys besides. "Keys and suspicion" is all that the ear tells: keys,
and which windows the mask must close for. "The whole mask" goes from G.711 to G.711. On a busy machine the least tick says more than the
mean.
"""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np
from benchmarks.peers.detector import PeerMissingError
from benchmarks.peers.spandsp import Spandsp
from benchmarks.recordings.library import MissingError, voices
from numpy.typing import NDArray
from tests.unit.cde.wire.tone.lines import Samples, keyed, through

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.g711 import Law, encode
from tonevault.cde.wire.tone.ear import Ear
from tonevault.cde.wire.tone.masking_line import MaskingLine

TICK: Final = 160
TICK_S: Final = 0.02
KEYING: Final = 10
"""Of so many calls one keys."""
WARM_UP: Final = 5
LIMIT_CALLS: Final = 2000

Tick = Callable[[Samples], object]


def conversation(seconds: float) -> tuple[Samples, Samples]:
    """Talk, and talk under which keys of 80 ms are pressed, twice a second."""
    talk = voices()[: round(8000 * seconds)]
    tones, _ = keyed(tuple(range(10)) * round(seconds / 5), on_s=0.08, off_s=0.42)
    keying = 0.1 * talk
    keying[: len(tones)] += tones[: len(keying)]
    return through(Law.ULAW, talk), through(Law.ULAW, keying)


def hearing(calls: int) -> Tick:
    """The ears of so many calls."""
    ears = [Ear() for _ in range(calls)]

    def tick(frames: Samples) -> None:
        for ear, frame in zip(ears, frames, strict=True):
            ear.hear(frame)

    return tick


def masking(calls: int) -> Tick:
    """Their masks, ears included."""
    lines = [MaskingLine(MaskMode.TALK) for _ in range(calls)]

    def tick(frames: Samples) -> None:
        octets = encode(Law.ULAW, frames)
        for line, at in zip(lines, range(0, len(octets), TICK), strict=True):
            line.carry(octets[at : at + TICK], Law.ULAW, Law.ULAW)

    return tick


def ticks_ms(tick: Tick, calls: int, ticks: int, lines: tuple[Samples, Samples]) -> NDArray[np.float64]:
    """CPU of each tick."""
    rng = np.random.default_rng(calls)
    starts = rng.integers(0, len(lines[0]) - TICK * (ticks + WARM_UP), calls)
    keying = np.arange(calls) % KEYING == KEYING - 1
    spent = []
    for number in range(ticks + WARM_UP):
        at = (starts + TICK * number)[:, None] + np.arange(TICK)
        frames = np.where(keying[:, None], lines[1][at], lines[0][at])
        begun = time.process_time()
        tick(frames)
        spent.append(1000 * (time.process_time() - begun))
    return np.array(spent[WARM_UP:])


def main() -> None:
    """Print the table; exit with 1 where a core does not keep up with LIMIT_CALLS."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few seconds' worth")
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 16, 300, LIMIT_CALLS])
    options = parser.parse_args()
    try:
        lines, peer = conversation(120.0), Spandsp()
    except (PeerMissingError, MissingError) as fault:
        sys.exit(f"ear_speed: {fault}")
    least = 10 if options.quick else 50
    print(f"{'':24}CPU of a tick, ms: least / mean     µs a call    calls a core")
    kept = True
    for name, make in (("keys and suspicion", hearing), ("the whole mask", masking)):
        for calls in options.calls:
            found = ticks_ms(make(calls), calls, max(least, min(1000, 3000 // calls)), lines)
            least_ms, mean_ms = float(found.min()), float(found.mean())
            core = calls * 1000 * TICK_S / mean_ms
            limited = make is hearing and calls == LIMIT_CALLS
            kept &= not limited or core >= LIMIT_CALLS
            verdict = (
                (f"   limit {LIMIT_CALLS} " + ("kept" if core >= LIMIT_CALLS else "✗")) if limited else ""
            )
            print(
                f"{f'{name}, {calls}':24}{least_ms:19.2f} / {mean_ms:6.2f}{1000 * mean_ms / calls:14.1f}{core:16.0f}{verdict}",
                flush=True,
            )
    begun = time.process_time()
    peer.hear(lines[0])
    spent = 1e6 * (time.process_time() - begun) / (len(lines[0]) / TICK)
    print(f"spandsp, one call, keys alone: {spent:.1f} µs a tick, {1e6 * TICK_S / spent:.0f} calls a core")
    sys.exit(not kept)


if __name__ == "__main__":
    main()
