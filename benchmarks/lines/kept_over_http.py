"""Cards that become tokens over the narrow interface: captures completed by the desk's own client, beside the same without HTTP.

No route takes a card. A session is opened; number, expiry and security code are keyed; `complete` is asked, and answers the token. There is
no amount, so that no gateway takes part, and nobody listens to notices.
"""

import gc
import os
import secrets
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.lines.keyed_product import Desk, KeyedProduct, PhonesHere, PhonesThere
from benchmarks.lines.keyed_zone import KeyedCalls
from benchmarks.lines.vault_bench import Bench, Run, Work, bare_row, count_kept, timed
from benchmarks.lines.vault_place import cards

from tonevault.boundary.captures import CaptureView
from tonevault.cde.capture.finisher import Finisher
from tonevault.cde.capture.service import CaptureService
from tonevault.cde.capture.store import SqlCaptureStore
from tonevault.cde.charging.completion import Completion
from tonevault.cde.charging.service import Cashier
from tonevault.cde.interface.zone import LocalSecureZone
from tonevault.desk.secure_zone import HttpSecureZone
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.sql import Database

CALLERS: Final = 128
PREPARING: Final = 32
"""Callers that open and key the sessions of a measure, outside the clock."""
ROUNDS: Final = 3
CARDS: Final = 1_024
FEW: Final = 256
"""Of a quick run, in one round."""
MANY_MORE: Final = 10
"""Times as many rows and cards without HTTP, which would be over in no time."""
JOURNEYS: Final = 2
"""A whole journey is five requests, so a measure has this part of the cards."""
THERE: Final = ("HTTP, nothing", "HTTP, complete", "HTTP, journey")
"""Ways that lead to the secure process."""
OVER_HTTP_HEADINGS: Final = ("a second", "to bare", "p50 ms", "p99 ms", "own CPU us", "zone CPU us")
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Taken:
    """One measure, and the microseconds of the secure process's processor for one work."""

    run: Run
    zone_us: float


class Ways:
    """One database with a capture in this process, and the secure process with the desk's client before it."""

    def __init__(self, pid: int, bench: Bench, here: Desk, there: Desk, client: HttpSecureZone) -> None:
        self._pid = pid
        self._bench = bench
        self._here = here
        self._there = there
        self._client = client

    def all(self) -> dict[str, Callable[[int], Awaitable[Taken]]]:
        """What each line of the table takes so many cards through."""
        return {
            "bare insert": self._bare,
            "vault": self._vault,
            "complete": partial(self._complete, self._here),
            "HTTP, nothing": self._nothing,
            "HTTP, complete": partial(self._complete, self._there),
            "HTTP, journey": self._journey,
        }

    async def _bare(self, count: int) -> Taken:
        return await self._timed([partial(self._bench.bare, bare_row()) for _ in range(count * MANY_MORE)])

    async def _vault(self, count: int) -> Taken:
        return await self._timed([partial(self._bench.keep, each) for each in _numbers(count * MANY_MORE)])

    async def _nothing(self, count: int) -> Taken:
        return await self._timed([self._client.is_up] * count)

    async def _complete(self, desk: Desk, count: int) -> Taken:
        views: list[CaptureView] = []

        async def prepare(number: bytearray) -> None:
            views.append(await desk.capture(number))

        await timed(PREPARING, [partial(prepare, each) for each in _numbers(count)])
        taken = await self._timed([partial(desk.complete, each) for each in views])
        await timed(PREPARING, [partial(desk.hang_up, each) for each in views])
        return taken

    async def _journey(self, count: int) -> Taken:
        return await self._timed([partial(self._there.whole, each) for each in _numbers(count // JOURNEYS)])

    async def _timed(self, works: Sequence[Work]) -> Taken:
        before = _processor_s(self._pid)
        run = await timed(CALLERS, works)
        return Taken(run, (_processor_s(self._pid) - before) / len(works) * 1e6)


async def measure_over_http(product: KeyedProduct, *, quick: bool) -> None:
    """Print the lines of one database. All ways take turns, and medians are told."""
    bench = Bench(product.beside)
    captures, here = _capture_here(bench)
    client = HttpSecureZone.on_unix_socket(product.socket, product.boundary_secret)
    phones = await PhonesThere.on(product.phones)
    there = Desk(client, phones)
    ways = Ways(product.pid, bench, here, there, client).all()
    for way in ways.values():
        await way(64)
    gc.collect()
    gc.freeze()
    found: dict[str, list[Taken]] = {name: [] for name in ways}
    for _ in range(1 if quick else ROUNDS):
        for name, way in ways.items():
            found[name].append(await way(FEW if quick else CARDS))
    bare = statistics.median(each.run.rate for each in found["bare insert"])
    for name, taken in found.items():
        _print_line(product.beside.name, name, taken, bare)
    phones.close()
    await client.close()
    await captures.close()
    await bench.close()
    database = Database(product.database)
    assert await count_kept(database) == there.completed, "a completed card that is not kept"
    await database.close()


def _capture_here(bench: Bench) -> tuple[CaptureService, Desk]:
    """The capture as the secure process has it, in this process."""
    clock = WallClock()
    cashier = Cashier(bench.database, bench.vault, {}, clock)
    captures = CaptureService(
        finisher=Finisher(Completion(bench.vault, cashier, clock), cashier, bench.vault, clock),
        store=SqlCaptureStore(bench.database),
        clock=clock,
    )
    calls = KeyedCalls(captures.observer, clock, SYSTEM_ENTROPY)
    captures.attach(calls)
    zone = LocalSecureZone(captures=captures, cashier=cashier, vault=bench.vault, clock=clock)
    return captures, Desk(zone, PhonesHere(calls))


def _print_line(database: str, name: str, taken: Sequence[Taken], bare: float) -> None:
    rate = statistics.median(each.run.rate for each in taken)
    cuts = statistics.quantiles([took for each in taken for took in each.run.took], n=100)
    own = statistics.median(each.run.cpu_us for each in taken)
    zone = statistics.median(each.zone_us for each in taken) if name in THERE else 0.0
    columns = (
        f"{rate:,.0f}",
        f"{rate / bare:.2f}",
        f"{cuts[49]:.1f}",
        f"{cuts[98]:.1f}",
        f"{own:,.0f}",
        f"{zone:,.0f}",
    )
    print(f"{database:<12}{name:<16}" + "".join(f"{each:>12}" for each in columns), flush=True)


def _numbers(count: int) -> list[bytearray]:
    return cards(count, secrets.randbits(64))


def _processor_s(pid: int) -> float:
    """What a process took of the processor so far; proc(5), fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
