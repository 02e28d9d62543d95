"""One soak: the product is started, rounds of calls are played on it with a rest after each, and at every rest it is looked into."""

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.e2e.house import House
from tests.e2e.peers.ports import LOOPBACK
from tests.soak.books import Books
from tests.soak.call_centre import CallCentre, Customer
from tests.soak.desk_line import DeskLine, GaveUpError, Watchers
from tests.soak.gauges import Gauges, read_gauges
from tests.soak.plays import PLAYS
from tests.soak.verdict import Rest

CALLERS: Final = 100
"""Numbers that Ofcom keeps free for drama (020 7946 0100 and on), one for each line."""
QUIET_S: Final = 45.0
"""What is under way when the last call has ended is over by then: a refund on its way, a recording that is being finished."""
LOOK_S: Final = 0.5
PRUNED_S: Final = 10 * 60.0
"""The desk forgets old rows every ten minutes."""


class SoakHouse(House):
    """A deployment that does not write a line for every packet, and records all of its calls."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.recordings = folder / "recordings"
        self.recordings.mkdir(mode=0o700)

    def serve(self) -> None:
        """The configuration of the tests is for tests that read the log."""
        text = self.config_path.read_text(encoding="utf-8")
        self.config_path.write_text(text.replace('level = "DEBUG"', 'level = "WARNING"'), encoding="utf-8")
        super().serve()

    def settings(self) -> str:
        return f'[secure.recordings]\ncalls = "all"\ndirectory = "{self.recordings}"\n'


@dataclass(frozen=True, slots=True)
class Plan:
    """`rounds` of `round_s` seconds each, so many customers at once, after one that warms up."""

    rounds: int
    round_s: float
    customers: int
    seed: int
    idle_s: float = 6.0
    """How long a rest is: the desk's web server lets an idle connection go after five seconds."""
    looks: int = 8
    """In each rest, of which the least counts."""


@dataclass
class Found:
    """What a soak has seen. The first of its rests ends the warming up."""

    rests: list[Rest] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    watched: int = 0
    gave_up: int = 0
    """Calls in which a field was asked for in vain."""
    asked: Counter[str] = field(default_factory=Counter)
    asked_again: Counter[str] = field(default_factory=Counter)
    """Fields that were asked for, and asked for once more, by what the phone tells its keys with."""
    forgets: bool = False
    """Whether the run was long enough to see old rows forgotten."""


def run_soak(plan: Plan, tell: Callable[[Rest], None]) -> Found:
    """Raises SoakError, or whatever a phone or a client raised, where the product did not do what it should."""
    folder = Path(tempfile.mkdtemp(prefix="tonevault-soak-"))
    try:
        return asyncio.run(_Soak(folder, plan, tell).run())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Soak:
    def __init__(self, folder: Path, plan: Plan, tell: Callable[[Rest], None]) -> None:
        self._plan = plan
        self._tell = tell
        self._chance = random.Random(plan.seed)
        self._house = SoakHouse(folder)
        self._centre = CallCentre()
        self._customers: list[Customer] = []
        self._began = time.monotonic()
        self._found = Found()

    async def run(self) -> Found:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._centre)
            stack.push_async_callback(asyncio.to_thread, self._house.stop)
            await asyncio.to_thread(
                lambda: self._house.start(self._centre.routes, more=self._house.settings())
            )
            for place in range(self._plan.customers):
                chance = random.Random(self._chance.getrandbits(32))
                edge = f"{LOOPBACK}:{self._house.ports.sip}"
                customer = Customer(self._centre, edge, f"+4420794601{place:02d}", chance)
                self._customers.append(await stack.enter_async_context(customer))
            books = Books(self._house.data_dir, self._house.recordings)
            stack.callback(books.close)
            await self._rounds(books)
        for customer in self._customers:
            self._found.asked += customer.asked
            self._found.asked_again += customer.asked_again
            self._found.gave_up += customer.gave_up
        return self._found

    async def _rounds(self, books: Books) -> None:
        planted_at = 0.0
        for number in range(self._plan.rounds + 1):
            await self._round()
            rest = await self._rest(books)
            self._found.rests.append(rest)
            self._tell(rest)
            if not number:
                planted_at = time.monotonic()
                books.plant_old_rows()
            self._centre.forget_ended()
            for customer in self._customers:
                customer.phone.forget_ended()
        async with self._line() as line:
            self._found.differences = await books.differences(line)
        self._found.forgets = time.monotonic() - planted_at > PRUNED_S + QUIET_S
        if self._found.forgets and (left := books.planted_rows_left()):
            self._found.differences.append(f"{left} rows of two days ago that were not forgotten")

    async def _round(self) -> None:
        """Calls and watchers, until it is time; what is under way then is played to its end."""
        until = asyncio.get_running_loop().time() + self._plan.round_s
        watchers = [Watchers(self._house.base_url, self._house.key, self._chance) for _ in range(2)]
        async with self._line() as line, asyncio.TaskGroup() as group:
            for place, customer in enumerate(self._customers):
                group.create_task(self._calls(place, customer, line, until))
            for each in watchers:
                group.create_task(each.come_and_go(until))
        self._found.watched += sum(each.watched for each in watchers)

    async def _calls(self, place: int, customer: Customer, line: DeskLine, until: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            play = PLAYS[(place * 3 + customer.calls) % len(PLAYS)]
            try:
                await play(customer, line)
            except GaveUpError:
                await customer.give_up()

    async def _rest(self, books: Books) -> Rest:
        """Nothing is asked of the product any more: wait until it has nothing to do, then look."""
        deadline = time.monotonic() + QUIET_S
        under_way = books.under_way()
        while any(under_way.values()) and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_S)
            under_way = books.under_way()
        await asyncio.sleep(self._plan.idle_s)
        return Rest(
            time.monotonic() - self._began,
            sum(each.calls for each in self._customers),
            self._found.watched,
            await self._least_gauges(),
            books.rows(),
            under_way,
            books.recordings(),
        )

    async def _least_gauges(self) -> dict[str, Gauges]:
        """The least of a few looks: a sweep that is at work has a connection, or a page of memory, for a moment."""
        names = {
            pid: f"{name} {place + 1}" if len(pids) > 1 else name
            for name, pids in self._house.pids.items()
            for place, pid in enumerate(pids)
        }
        looks = []
        for _ in range(self._plan.looks):
            looks.append(await asyncio.to_thread(read_gauges, list(names)))
            await asyncio.sleep(LOOK_S)
        return {
            name: Gauges(
                *(min(values) for values in zip(*(_values(look[pid]) for look in looks), strict=True))
            )
            for pid, name in names.items()
        }

    def _line(self) -> DeskLine:
        return DeskLine(self._house.base_url, self._house.key)


def _values(gauges: Gauges) -> tuple[int, int, int, int]:
    return gauges.memory, gauges.files, gauges.sockets, gauges.threads
