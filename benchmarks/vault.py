"""How fast does the vault keep cards, each with a durable commit and an audit entry, beside a bare insert of the same row?

    python benchmarks/vault.py [--quick] [--database sqlite|postgresql|both]

The bare insert goes through the same driver and the same shared commits, and so does the bare insert in bulk, which gives all rows of a
commit to the database as one statement. The three take turns, and medians are compared. What each takes of this process's processor is the
measure that a busy machine disturbs least. Then cards alone are kept, and the memory and the disk that they take are told for a million.

The second table is the same over HTTP, as far as there is such a thing: no route takes a card, cards are keyed on calls. The secure
process runs as it is deployed but for its edge, and 128 callers ask it by the desk's own client to complete captures, each of which vaults
a card (`HTTP, complete`); or go the way from a call's ringing, five requests and 25 keys (`HTTP, journey`). Beside them stand the same
completion within one process (`complete`), the vault alone, the bare insert, and a request that does nothing: what HTTP itself costs.
Re-keying has a benchmark of its own (rekey.py), charges too (charge_overhead.py), and charges over HTTP (over_http.py).
"""

import argparse
import gc
import os
import sys
from functools import partial
from pathlib import Path
from typing import Final

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.lines.kept_over_http import OVER_HTTP_HEADINGS, measure_over_http
from benchmarks.lines.keyed_product import keyed_product
from benchmarks.lines.vault_bench import Bench, timed
from benchmarks.lines.vault_place import Place, cards, places

from tonevault.plumbing.log import set_up_logging

CALLERS: Final = (1, 32, 128)
LIMIT: Final = 0.6
"""Of the bare insert's rate, with `MANY` callers."""
MANY: Final = max(CALLERS)
CARDS: Final = 12_800
KEPT_ALONE: Final = 5
"""Times the cards of a measure, for memory and disk."""
HEADINGS: Final = (
    "database",
    "callers",
    "bare/s",
    "bulk/s",
    "tokenise/s",
    "to bare",
    "to bulk",
    "bare CPU us",
    "own CPU us",
    "p50 ms",
    "p99 ms",
)


def resident_bytes() -> int:
    """Of this process's memory, what is in the machine's."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def weigh(place: Place, bench: Bench, count: int) -> None:
    """Keep cards alone, and print what they take of memory and disk."""
    await bench.keep_all(MANY, count)
    memory, disk = resident_bytes(), await bench.disk_bytes()
    kept = 0
    while kept < count * KEPT_ALONE:
        await bench.keep_all(MANY, count)
        kept += count
    memory_after, disk_after = resident_bytes(), await bench.disk_bytes()
    million = 1_000_000 / kept / 2**20
    print(
        f"{place.name:<12}after {kept:,} cards more: resident memory {memory / 2**20:.0f} -> {memory_after / 2**20:.0f} MiB, "
        f"{max(0.0, (memory_after - memory) * million):,.0f} MiB a million cards; on the disk, with their audit entries, "
        f"{(disk_after - disk) * million:,.0f} MiB a million cards"
    )


async def measure(place: Place, count: int) -> bool:
    """Print the lines of one database; whether the limit holds."""
    bench = Bench(place)
    await timed(8, [partial(bench.keep, number) for number in cards(64, 0)])
    # As the secure process does once it has started.
    gc.collect()
    gc.freeze()
    holds = True
    for callers in CALLERS:
        found = await bench.rates(callers, count if callers > 1 else count // 20)
        figures = (f"{found.bare:,.0f}", f"{found.bulk:,.0f}", f"{found.own:,.0f}")
        ratios = (f"{found.ratio:.2f}", f"{found.own / found.bulk:.2f}")
        times = (found.bare_cpu_us, found.own_cpu_us, found.p50_ms, found.p99_ms)
        columns = (*figures, *ratios, *(f"{each:.1f}" for each in times))
        print(f"{place.name:<12}{callers:>8}" + "".join(f"{each:>12}" for each in columns), flush=True)
        if callers == MANY:
            holds = found.ratio >= LIMIT
            verdict = "yes" if holds else "NO"
            print(
                f"{place.name:<12}at least {LIMIT} of the bare insert with {MANY} callers: {verdict} ({found.ratio:.2f})"
            )
    await weigh(place, bench, count)
    await bench.close()
    return holds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a tenth of the cards")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    chosen = parser.parse_args()
    print(f"{HEADINGS[0]:<12}{HEADINGS[1]:>8}" + "".join(f"{each:>12}" for each in HEADINGS[2:]))
    set_up_logging(level="WARNING")
    with places(chosen.database) as where:
        verdicts = [uvloop.run(measure(place, CARDS // 10 if chosen.quick else CARDS)) for place in where]
        names = [place.name for place in where]
    print(f"\n{'database':<12}{'128 callers':<16}" + "".join(f"{each:>12}" for each in OVER_HTTP_HEADINGS))
    for name in names:
        with keyed_product(name) as product:
            uvloop.run(measure_over_http(product, quick=chosen.quick))
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
