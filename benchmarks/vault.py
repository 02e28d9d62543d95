"""How fast does the vault keep cards, each with a durable commit and an audit entry, beside a bare insert of the same row?

    python benchmarks/vault.py [--quick] [--database sqlite|postgresql|both]

The bare insert goes through the same driver and the same shared commits, and so does the bare insert in bulk, which gives all rows of a
commit to the database as one statement. The three take turns, and medians are compared. Re-keying has a benchmark of its own (rekey.py),
charges too (charge_overhead.py). The narrow interface has no route that takes a card: cards come from captures, within the process.
"""

import argparse
import asyncio
import gc
import resource
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
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
HEADINGS: Final = (
    "database",
    "callers",
    "bare/s",
    "bulk/s",
    "tokenise/s",
    "to bare",
    "to bulk",
    "p50 ms",
    "p99 ms",
)

Work = Callable[[], Awaitable[object]]


async def timed(callers: int, works: Sequence[Work]) -> tuple[float, list[float]]:
    """Works a second with so many callers, and each work's milliseconds."""
    waiting = list(reversed(works))
    took: list[float] = []

    async def caller() -> None:
        while waiting:
            work = waiting.pop()
            begun = time.perf_counter()
            await work()
            took.append((time.perf_counter() - begun) * 1000)

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(callers)))
    return len(works) / (time.perf_counter() - start), took


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

    async def rates(self, callers: int, count: int) -> tuple[float, float, float, float, float]:
        """Medians: bare, bulk and vault a second; the vault's 50th and 99th percentile."""
        bare, bulk, own = [], [], []
        took: list[float] = []
        for _ in range(ROUNDS):
            bare.append((await timed(callers, [partial(self.bare, bare_row()) for _ in range(count)]))[0])
            bulk.append((await timed(callers, [partial(self.bulk, bare_row()) for _ in range(count)]))[0])
            numbers = cards(count, secrets.randbits(64))
            rate, each = await timed(callers, [partial(self.keep, number) for number in numbers])
            own.append(rate)
            took += each
        percentiles = statistics.quantiles(took, n=100)
        return *(statistics.median(each) for each in (bare, bulk, own)), percentiles[49], percentiles[98]  # type: ignore[return-value]

    async def close(self) -> None:
        """Every token must have its entry in the audit log."""
        kept = select(func.count()).select_from(TOKEN).where(TOKEN.c.account_id == ACCOUNT)
        made = select(func.count()).select_from(AUDIT_ENTRY).where(AUDIT_ENTRY.c.action == "token_made")
        tokens, entries = await self._database.read(
            lambda c: (c.execute(kept).scalar_one(), c.execute(made).scalar_one())
        )
        assert tokens == entries, "a token without its audit entry"
        await self._database.close()


async def measure(place: Place, count: int) -> None:
    """Print the lines of one database."""
    bench = Bench(place)
    await timed(8, [partial(bench.keep, number) for number in cards(64, 0)])
    # As the secure process does once it has started.
    gc.collect()
    gc.freeze()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = 0
    for callers in CALLERS:
        share = count if callers > 1 else count // 20
        kept += share * ROUNDS
        bare, bulk, own, middle, slow = await bench.rates(callers, share)
        figures = (f"{bare:,.0f}", f"{bulk:,.0f}", f"{own:,.0f}", f"{own / bare:.2f}", f"{own / bulk:.2f}")
        times = (f"{middle:.1f}", f"{slow:.1f}")
        print(f"{place.name:<12}{callers:>8}" + "".join(f"{each:>11}" for each in (*figures, *times)))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(
        f"{place.name:<12}this process grew by {grown / 1024:.0f} MB over {kept:,} cards: the vault holds none of them"
    )
    await bench.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a tenth of the cards")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    chosen = parser.parse_args()
    print(f"{HEADINGS[0]:<12}{HEADINGS[1]:>8}" + "".join(f"{each:>11}" for each in HEADINGS[2:]))
    with places(chosen.database) as where:
        for place in where:
            uvloop.run(measure(place, 1_280 if chosen.quick else 12_800))


if __name__ == "__main__":
    main()
