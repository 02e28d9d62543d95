"""How many calls a second does one core set up, and how long does a caller wait? The secure process and its relay, beside sippy's B2BUA.

    .venv/bin/python -m benchmarks.call_setup [--quick] [--seconds 20] [--rates 100 150 …] [--hold-ms 1000]

Debian's sipp calls (INVITE, 180, 200, ACK, BYE) through the one and the other to a second sipp. The process that does the signalling
has one core; both sipps share the other with Tonevault's relay worker, on which each call's media is opened, configured and closed.
Tonevault also writes each call's will and tells its capture service; no desk is connected. sippy passes descriptions on and has no
media. A rate is kept when every call completed and 99 of 100 were answered within the limit.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.peers.detector import PeerMissingError
from benchmarks.peers.sipp_load import Load, SippCrowd
from benchmarks.peers.switches import Sippy, Switch, Tonevault

PORTS: Final = 25_060
LIMIT_MS: Final = 250.0
"""Half of T1: a caller who waits longer begins to repeat itself (RFC 3261 section 17.1.1.1)."""
RATES: Final = (100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800)
WARM_UP_S: Final = 3.0
SWITCH_CORE, CROWD_CORE = 0, 1


def is_kept(load: Load) -> bool:
    """Whether the switch kept up with this rate."""
    return load.completed == load.placed and load.percentile(0.99) <= LIMIT_MS


def measure(kind: type[Tonevault] | type[Sippy], rates: list[int], seconds: float, hold_ms: int) -> int:
    """Raise the rate until it is not kept; prints a row each and answers the highest that was kept."""
    best = 0
    with tempfile.TemporaryDirectory(prefix="tv-setup-") as name:
        folder = Path(name)
        crowd = SippCrowd(folder, PORTS + 4, PORTS + 6, ("taskset", "-c", str(CROWD_CORE)))
        try:
            with kind(folder, PORTS, PORTS + 4, SWITCH_CORE, CROWD_CORE) as switch:
                crowd.place(PORTS, 50, WARM_UP_S, hold_ms)
                for rate in rates:
                    load = row(switch, crowd, rate, seconds, hold_ms)
                    if not is_kept(load):
                        break
                    best = rate
        finally:
            crowd.stop()
    return best


def row(switch: Switch, crowd: SippCrowd, rate: int, seconds: float, hold_ms: int) -> Load:
    """Place the calls of one rate and print what came of them."""
    before, began = switch.cpu_s(), time.monotonic()
    load = crowd.place(PORTS, rate, seconds, hold_ms)
    took = time.monotonic() - began
    main, others = (after - earlier for after, earlier in zip(switch.cpu_s(), before, strict=True))
    print(
        f"{switch.name:10s} {rate:6d} {load.completed:7d} {load.failed:6d} {load.repeats:7d}"
        f" {load.percentile(0.5):8.0f} {load.percentile(0.99):8.0f} {100 * main / took:5.0f} %"
        f" {1000 * main / max(1, load.placed):8.2f} {1000 * others / max(1, load.placed):8.2f} {switch.memory_mb():7.0f}",
        flush=True,
    )
    return load


def main() -> None:
    """Measure both and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two rates of five seconds each")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each rate")
    parser.add_argument("--rates", type=int, nargs="+", default=list(RATES))
    parser.add_argument("--hold-ms", type=int, default=1000, help="from the ACK to the BYE")
    parser.add_argument("--only", choices=["tonevault", "sippy"])
    options = parser.parse_args()
    rates, seconds = ([100, 250], 5.0) if options.quick else (options.rates, options.seconds)
    if (os.cpu_count() or 1) <= CROWD_CORE:
        sys.exit("call_setup: needs two cores, one for the signalling and one for the callers")
    try:
        compare(options.only, rates, seconds, options.hold_ms)
    except PeerMissingError as error:
        sys.exit(f"call_setup: {error}")


def compare(only: str | None, rates: list[int], seconds: float, hold_ms: int) -> None:
    """Measure both, or one, and print what they kept."""
    print(
        "switch     calls/s    done failed repeats   p50 ms   p99 ms    CPU  ms/call    relay  RSS MB",
        flush=True,
    )
    best = {
        kind.name: measure(kind, rates, seconds, hold_ms)
        for kind in (Sippy, Tonevault)
        if only in (None, kind.name)
    }
    print(", ".join(f"{name} keeps {rate} calls a second" for name, rate in best.items()))
    if len(best) == 2 and best["sippy"]:
        print(f"tonevault / sippy: {best['tonevault'] / best['sippy']:.2f}")


if __name__ == "__main__":
    main()
