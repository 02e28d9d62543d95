"""A campaign: process after process on the same files, each really killed (SIGKILL) at a random moment, and a last one that finishes."""

import asyncio
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Final

from tests.chaos.audit import Count, count
from tests.chaos.life import TOGETHER, World, live
from tests.chaos.plan import GatewayType, Sale, sales
from tonevault.cde.migrations import SCRIPTS
from tonevault.plumbing.log import set_up_logging
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

FORK: Final = multiprocessing.get_context("fork")
"""A life is a process of its own, and starts within milliseconds: the modules are loaded once, before any thread."""
LIFE_LIMIT_S: Final = 120.0
FINISH_LIMIT_S: Final = 900.0


class StuckError(Exception):
    """A life neither sold nor died."""


def _run(world: World, waiting: list[Sale], seed: int, progress: "Synchronized[int]", finish: bool) -> None:
    set_up_logging(level="CRITICAL")

    def began() -> None:
        with progress.get_lock():
            progress.value += 1

    asyncio.run(live(world, waiting, seed, began=began, finish=finish))


def run_campaign(world: World, *, payments: int, kills: int, seed: int) -> Count:
    """Kill so many processes while they sell, then let the last one finish, and count. Raises StuckError."""
    dice = random.Random(seed)
    wanted = sales(payments, seed)
    database = Database(world.database_url)
    upgrade(database, SCRIPTS)
    database.close_now()
    # Whatever was in hand when a process died is asked for again by the next.
    at = 0
    per_life = max(1, payments // max(1, kills))
    for life in range(kills):
        again = wanted[max(0, at - TOGETHER) :] or wanted[-TOGETHER:]
        began = _live_and_die(world, again, dice, seed + life, goal=dice.randint(1, 2 * per_life))
        at = min(payments, max(at, at - TOGETHER + began))
    _finish(world, wanted, seed)
    return count(world, wanted)


def _live_and_die(world: World, waiting: list[Sale], dice: random.Random, seed: int, goal: int) -> int:
    progress: Synchronized[int] = FORK.Value("i", 0)
    process = FORK.Process(target=_run, args=(world, waiting, seed, progress, False))
    process.start()
    deadline = time.monotonic() + LIFE_LIMIT_S
    while progress.value < goal and process.is_alive():
        if time.monotonic() > deadline:
            process.kill()
            raise StuckError("a process sold nothing")
        time.sleep(0.002)
    time.sleep(dice.uniform(0, 0.03))
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    return progress.value


def _finish(world: World, wanted: list[Sale], seed: int) -> None:
    progress: Synchronized[int] = FORK.Value("i", 0)
    process = FORK.Process(target=_run, args=(world, wanted, seed - 1, progress, True))
    process.start()
    process.join(FINISH_LIMIT_S)
    if process.is_alive() or process.exitcode != 0:
        process.kill()
        raise StuckError("the last process did not finish")


@contextmanager
def sqlite_world(gateway: GatewayType) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="tonevault-chaos-") as name:
        folder = Path(name)
        yield World(folder, f"sqlite:///{folder / 'secure.db'}", gateway)
