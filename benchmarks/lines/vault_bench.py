"""The vault on one database, and the bare inserts that it is measured beside: three ways to write a row of it, and how long each took."""

import asyncio
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from benchmarks.lines.vault_place import Place, cards
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

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
ROUNDS: Final = 5
"""The machine is never quiet: each measure is taken so often, in turn with the others."""

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
        self.database = Database(place.url)
        upgrade(self.database, SCRIPTS)
        self.vault = Vault(self.database, FileCustody.open_or_create(SharePaths.below(place.folder)))
        self._now = datetime.now(UTC)

    def bare(self, row: dict[str, Any]) -> Awaitable[object]:
        return self.database.transact(lambda c: insert_bare(c, row))

    def bulk(self, row: dict[str, Any]) -> Awaitable[object]:
        return self.database.transact_together(insert_in_bulk, row)

    def keep(self, digits: bytearray) -> Awaitable[object]:
        return self.vault.tokenise(ACCOUNT, CardNumber(digits), EXPIRY, TokenUsage.MULTI, self._now)

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
        if self.database.is_sqlite:
            sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        else:
            sql = "SELECT pg_database_size(current_database())"
        return int(await self.database.read(lambda c: c.exec_driver_sql(sql).scalar_one()))

    async def close(self) -> None:
        """Every token must have its entry in the audit log."""
        await count_kept(self.database)
        await self.database.close()


async def count_kept(database: Database) -> int:
    """How many cards a database keeps; every token must have its entry in the audit log."""
    kept = select(func.count()).select_from(TOKEN).where(TOKEN.c.account_id == ACCOUNT)
    made = select(func.count()).select_from(AUDIT_ENTRY).where(AUDIT_ENTRY.c.action == "token_made")
    tokens, entries = await database.read(
        lambda c: (int(c.execute(kept).scalar_one()), int(c.execute(made).scalar_one()))
    )
    assert tokens == entries, "a token without its audit entry"
    return tokens
