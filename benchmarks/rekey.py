"""Re-keying while the vault serves: cards a second, and what it does to those who read cards meanwhile.

    python benchmarks/rekey.py [--quick] [--database sqlite|postgresql] [--cards N]

Cards are sealed anew by the product's own code, with its audit entries and durable commits, while another process opens cards and compares
every digit. Beside it, in the same run: the bare reading and updating of the same rows, without keys, checks or log.
"""

import argparse
import asyncio
import json
import random
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.custodians import ACME, ALICE, BORIS, QUICK, card_digits
from tests.postgres_server import PostgresServer
from tests.till import EXPIRY, number

from tonevault.boundary.tokens import TokenUsage
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.keys import reseal
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.model import KeyAct
from tonevault.cde.keys.rekeying import Rekeying
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.schema import TOKEN
from tonevault.cde.sealed.warrant import open_number
from tonevault.cde.vault.keys import KeyRing
from tonevault.cde.vault.seal import associated_data, seal_number
from tonevault.cde.vault.service import OpeningPurpose, Vault
from tonevault.kernel.ids import AccountId, TokenId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

READERS: Final = 4
PAUSE_S: Final = 0.02
"""Each of the readers opens a card, compares it, and waits so long: together about a hundred charges a second."""
LOADING: Final = 5_000
SCATTER: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835
"""An odd number without a pattern."""
ROUNDS: Final = 3
BARE: Final = AccountId("bare")
LIMIT: Final = 20_000
"""Cards a second."""
READ_LIMIT_MS: Final = 100.0
"""The 99th percentile of those who open cards meanwhile: tens of milliseconds, as little as a caller notices."""


@dataclass(frozen=True)
class Place:
    """A database to measure on."""

    name: str
    url: str
    folder: Path


@dataclass(frozen=True)
class Reading:
    """What the other process saw: cards opened, cards that did not open or were others, and times in milliseconds."""

    opened: int
    failed: int
    median_ms: float
    p99_ms: float


def token_id(place: int) -> TokenId:
    """Ids as the vault makes them, scattered over all letters: rows lie in another order than their ids."""
    place = place * SCATTER % 26**28
    letters = ""
    for _ in range(28):
        place, rest = divmod(place, 26)
        letters = chr(ord("a") + rest) + letters
    return TokenId(f"tok_{letters}")


async def load(database: Database, custody: FileCustody, count: int) -> None:
    """Sealed cards of the account under its keys, and as many rows without any for the peer."""
    now = datetime.now(UTC)
    keys = await KeyRing(database, custody).of(ACME, now)

    def rows(account: AccountId, first: int, last: int) -> Iterator[dict[str, object]]:
        for place in range(first, last):
            token, card = token_id(place), number(card_digits(place))
            bound_to = associated_data(account, token, keys.epoch)
            yield {
                "account_id": account,
                "token_id": token,
                "usage": TokenUsage.MULTI.value,
                "state": "active",
                "brand": "visa",
                "first6": card.first6,
                "last4": card.last4,
                "length": card.length,
                "exp_month": EXPIRY.month,
                "exp_year": EXPIRY.year,
                "epoch": keys.epoch,
                "sealed": seal_number(card, keys.cipher, secrets.token_bytes(12), bound_to),
                "card_index": secrets.token_bytes(32),
                "created_at": now,
                "updated_at": now,
            }

    for account in (ACME, BARE):
        for first in range(0, count, LOADING):
            batch = list(rows(account, first, min(first + LOADING, count)))
            await database.transact(lambda c, batch=batch: c.execute(insert(TOKEN), batch))  # type: ignore[misc]


async def bare(database: Database, epoch: int) -> int:
    """The peer: the same rows read and updated in the same batches and commits, with bytes of the same length."""
    done, after = 0, reseal.START

    def change(connection: Connection, fresh: list[reseal.NewCard]) -> int:
        return reseal.write_batch(connection, BARE, fresh, epoch)

    while cards := await database.read(lambda c: reseal.read_batch(c, BARE, epoch, after)):  # noqa: B023
        fresh = [reseal.NewCard(each.token_id, each.sealed, each.sealed[::-1], None) for each in cards]
        done += await database.transact(lambda c: change(c, fresh))  # noqa: B023
        after = cards[-1].place
    return done


async def rekey(database: Database, custody: FileCustody) -> int:
    """The product: one epoch begun by two people, and every card brought into it."""
    clock = WallClock()
    ceremonies = Ceremonies(database, clock, SYSTEM_ENTROPY, QUICK)
    if not await ceremonies.custodians():
        await ceremonies.found(ALICE, BORIS)
    rekeying = Rekeying(database, custody, ceremonies)
    proposed = await ceremonies.propose(KeyAct.REKEY, ACME, ALICE)
    await rekeying.begin(await ceremonies.approve(proposed.ceremony_id, BORIS), clock.utc())
    return await rekeying.run(ACME, clock.utc())


@contextmanager
def reader(place: Place, count: int, results: list[Reading]) -> Iterator[None]:
    """Another process opens cards while the block runs."""
    command = [sys.executable, __file__, "--read", place.url, str(place.folder), str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()
        results.append(Reading(**json.loads(process.stdout.readline())))


async def read_cards(url: str, folder: Path, count: int) -> None:
    """The other process: open random cards until stdin is closed."""
    set_up_logging(level="ERROR")
    database = Database(url)
    vault = Vault(database, FileCustody(SharePaths.below(folder)))
    took: list[float] = []
    failed = 0
    over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print("reads", flush=True)

    async def read() -> None:
        nonlocal failed
        while not over.done():
            place = random.randrange(count)
            start = time.perf_counter()
            try:
                async with vault.open_card(
                    ACME, token_id(place), OpeningPurpose.CHARGE, datetime.now(UTC)
                ) as card:
                    with open_number(card.number) as digits:
                        failed += bytes(digits) != card_digits(place)
            except Exception:  # noqa: BLE001 - whatever it is, the card could not be charged
                failed += 1
            took.append((time.perf_counter() - start) * 1000)
            await asyncio.sleep(PAUSE_S)

    await asyncio.gather(*(read() for _ in range(READERS)))
    cuts = statistics.quantiles(took, n=100)
    print(json.dumps({"opened": len(took), "failed": failed, "median_ms": cuts[49], "p99_ms": cuts[98]}))
    await database.close()


async def measure(place: Place, count: int, rounds: int) -> int:
    """Print the lines of one database; answers the reads that failed."""
    database = Database(place.url)
    upgrade(database, SCRIPTS)
    custody = FileCustody.open_or_create(SharePaths.below(place.folder))
    await load(database, custody, count)
    quiet: list[Reading] = []
    with reader(place, count, quiet):
        await asyncio.sleep(2)
    during: list[Reading] = []
    plain, with_keys, per_cpu = [], [], []
    for turn in range(rounds):
        start = time.perf_counter()
        done = await bare(database, turn + 2)
        plain.append(done / (time.perf_counter() - start))
        with reader(place, count, during):
            start, cpu = time.perf_counter(), time.process_time()
            done = await rekey(database, custody)
            with_keys.append(done / (time.perf_counter() - start))
            per_cpu.append(done / (time.process_time() - cpu))
    await database.close()
    rate, peer, cpu_rate = (statistics.median(each) for each in (with_keys, plain, per_cpu))
    opened, failed = sum(each.opened for each in during), sum(each.failed for each in during)
    print(
        f"{place.name:<11} {count:>8,} {rate:>9,.0f} {peer:>10,.0f} {rate / peer:>6.2f} {cpu_rate:>9,.0f} {opened:>8,} {failed:>7} "
        f"{quiet[0].median_ms:>7.1f}/{quiet[0].p99_ms:<7.1f} {statistics.median(e.median_ms for e in during):>7.1f}/"
        f"{max(each.p99_ms for each in during):.1f}"
    )
    slow = max(each.p99_ms for each in during)
    failed += quiet[0].failed
    for claim, holds in (
        (f"at least {LIMIT:,} cards a second ({rate:,.0f})", rate >= LIMIT),
        (f"no read failed ({failed})", not failed),
        (f"who opens a card waits at most {READ_LIMIT_MS:.0f} ms, p99 ({slow:.0f})", slow <= READ_LIMIT_MS),
    ):
        print(f"{place.name:<11} {claim}: {'yes' if holds else 'NO'}", flush=True)
    return failed


async def main(wanted: list[str], count: int, rounds: int) -> int:
    """Measure on each database; the exit code is 1 when a read failed."""
    print(
        f"{'database':<11} {'cards':>8} {'rekey/s':>9} {'bare/s':>10} {'ratio':>6} {'per CPU s':>9} {'reads':>8} {'failed':>7} "
        "quiet p50/p99 ms  re-keying p50/p99 ms"
    )
    failures = 0
    for name in wanted:
        folder = Path(tempfile.mkdtemp(prefix="tonevault-rekey-"))
        server = PostgresServer(settings=()) if name == "postgresql" else None
        try:
            url = server.fresh() if server else f"sqlite:///{folder / 'secure.db'}"
            failures += await measure(Place(name, url, folder), count, rounds)
        finally:
            if server:
                server.stop()
            shutil.rmtree(folder)
    return 1 if failures else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(read_cards(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])))
        sys.exit()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--cards", type=int)
    chosen = parser.parse_args()
    set_up_logging(level="ERROR")
    databases = [chosen.database] if chosen.database else ["sqlite", "postgresql"]
    sys.exit(
        asyncio.run(
            main(
                databases,
                chosen.cards or (20_000 if chosen.quick else 200_000),
                1 if chosen.quick else ROUNDS,
            )
        )
    )
