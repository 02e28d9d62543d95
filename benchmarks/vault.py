"""How fast does the vault keep cards, each with a durable commit and an audit entry, beside a bare insert of the same row?

    python benchmarks/vault.py [--quick] [--database sqlite|postgresql|both]

The bare insert goes through the same driver and the same shared commits, and so does the bare insert in bulk, which gives all rows of a
commit to the database as one statement. The three take turns, and medians are compared. What each takes of this process's processor is the
measure that a busy machine disturbs least. Then cards alone are kept, and the memory and the disk that they take are told for a million.
Re-keying has a benchmark of its own (rekey.py), charges too (charge_overhead.py), and what goes over HTTP (over_http.py): no route takes
a card, for cards come from captures, within the process.
"""

import argparse
import asyncio
import gc
import os
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvloop
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.lines.vault_place import Place, cards, places

from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.schema import AUDIT_ENTRY, TOKEN
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.bulk import add_absent
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

ACCOUNT: Final = AccountId("acme")
EXPIRY: Final = Expiry(12, 2049)
CALLERS: Final = (1, 32, 128)
ROUNDS: Final = 5
"""The machine is never quiet: each measure is taken so often, in turn with the others."""
LIMIT: Final = 0.6
"""Of the bare insert's rate, with `MANY` callers."""
MANY: Final = max(CALLERS)
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

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Run:
    """Works a second, each work's milliseconds, and the microseconds of this process's processor for one."""

    rate: float
    took: list[float]
    cpu_us: float


@dataclass(frozen=True)
class Rates:
    """Medians of one number of callers."""

    bare: float
    bulk: float
    own: float
    bare_cpu_us: float
    own_cpu_us: float
    p50_ms: float
    p99_ms: float

    @property
    def ratio(self) -> float:
        """To the bare insert."""
        return self.own / self.bare


async def timed(callers: int, works: Sequence[Work]) -> Run:
    """Do the works with so many callers."""
    waiting = list(reversed(works))
    took: list[float] = []

    async def caller() -> None:
        while waiting:
            work = waiting.pop()
            begun = time.perf_counter()
            await work()
            took.append((time.perf_counter() - begun) * 1000)

    start, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(caller() for _ in range(callers)))
    passed, spent = time.perf_counter() - start, time.process_time() - cpu
    return Run(len(works) / passed, took, spent / len(works) * 1e6)


def bare_row() -> dict[str, Any]:
    """A row as the vault writes it, of no card."""
    now = datetime.now(UTC)
    given = {
        "account_id": "bare",
        "token_id": f"tok_{secrets.token_hex(14)}",
        "usage": "multi",
        "state": "active",
        "brand": "visa",
        "first6": "400000",
        "last4": "0000",
        "length": 16,
        "exp_month": 12,
        "exp_year": 2049,
        "epoch": 1,
        "sealed": secrets.token_bytes(60),
        "card_index": secrets.token_bytes(32),
        "replaced_by": None,
        "created_at": now,
        "updated_at": now,
        "expires_at": None,
    }
    return {column.name: given.get(column.name) for column in TOKEN.columns}


PLAIN: Final = {
    "sqlite": sqlite.insert(TOKEN).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(TOKEN).on_conflict_do_nothing(),
}
"""Made once, as a program that inserts much would."""


def insert_bare(connection: Connection, row: dict[str, Any]) -> None:
    """One row by one statement, and nothing else."""
    connection.execute(PLAIN[connection.dialect.name], row)


def insert_in_bulk(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[None]:
    """The rows of a commit by one statement, and nothing else."""
    add_absent(connection, TOKEN, rows, ("account_id", "token_id"))
    return [None] * len(rows)


class Bench:
    """One database, and the three ways of writing a row of it."""

    def __init__(self, place: Place) -> None:
        self._database = Database(place.url)
        upgrade(self._database, SCRIPTS)
        self._vault = Vault(self._database, FileCustody.open_or_create(SharePaths.below(place.folder)))
        self._now = datetime.now(UTC)

    def bare(self, row: dict[str, Any]) -> Awaitable[object]:
        return self._database.transact(lambda c: insert_bare(c, row))

    def bulk(self, row: dict[str, Any]) -> Awaitable[object]:
        return self._database.transact_together(insert_in_bulk, row)

    def keep(self, digits: bytearray) -> Awaitable[object]:
        return self._vault.tokenise(ACCOUNT, CardNumber(digits), EXPIRY, TokenUsage.MULTI, self._now)

    async def rates(self, callers: int, count: int) -> Rates:
        """The three in turn, so that what else the machine does hits each of them."""
        bare, bulk, own = [], [], []
        for _ in range(ROUNDS):
            bare.append(await timed(callers, [partial(self.bare, bare_row()) for _ in range(count)]))
            bulk.append(await timed(callers, [partial(self.bulk, bare_row()) for _ in range(count)]))
            own.append(await self.keep_all(callers, count))
        percentiles = statistics.quantiles([each for run in own for each in run.took], n=100)
        return Rates(
            bare=statistics.median(run.rate for run in bare),
            bulk=statistics.median(run.rate for run in bulk),
            own=statistics.median(run.rate for run in own),
            bare_cpu_us=statistics.median(run.cpu_us for run in bare),
            own_cpu_us=statistics.median(run.cpu_us for run in own),
            p50_ms=percentiles[49],
            p99_ms=percentiles[98],
        )

    async def keep_all(self, callers: int, count: int) -> Run:
        """Cards that the vault has not seen, each of which becomes a token."""
        numbers = cards(count, secrets.randbits(64))
        return await timed(callers, [partial(self.keep, number) for number in numbers])

    async def disk_bytes(self) -> int:
        """What the database takes on the disk, its journal aside."""
        if self._database.is_sqlite:
            sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        else:
            sql = "SELECT pg_database_size(current_database())"
        return int(await self._database.read(lambda c: c.exec_driver_sql(sql).scalar_one()))

    async def close(self) -> None:
        """Every token must have its entry in the audit log."""
        kept = select(func.count()).select_from(TOKEN).where(TOKEN.c.account_id == ACCOUNT)
        made = select(func.count()).select_from(AUDIT_ENTRY).where(AUDIT_ENTRY.c.action == "token_made")
        tokens, entries = await self._database.read(
            lambda c: (c.execute(kept).scalar_one(), c.execute(made).scalar_one())
        )
        assert tokens == entries, "a token without its audit entry"
        await self._database.close()


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
    with places(chosen.database) as where:
        verdicts = [uvloop.run(measure(place, 1_280 if chosen.quick else 12_800)) for place in where]
    sys.exit(0 if all(verdicts) else 1)


if __name__ == "__main__":
    main()
