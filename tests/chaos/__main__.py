"""`python -m tests.chaos`: the whole campaign, one seed, one table. Exits 1 unless every count that must be zero is."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.audit import Count
from tests.chaos.campaign import run_campaign, sqlite_world
from tests.chaos.life import World
from tests.chaos.plan import GatewayType
from tests.chaos.plant import credulous
from tonevault.cde.charging import settler

HEADS = (
    "database", "gateway", "payments", "kills", "fell silent", "missing", "charged twice", "charged, not recorded",
    "recorded, not charged", "wrong amount", "left unknown", "seconds",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--payments", type=int, default=1000, help="for each gateway type and database")
    parser.add_argument("--kills", type=int, default=100, help="of the secure process, for each of them")
    parser.add_argument("--seed", type=int, default=20270301)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--gateways", default="", help="only types whose name holds this word")
    parser.add_argument("--quick", action="store_true", help="36 payments and 4 kills, on SQLite")
    parser.add_argument(
        "--plant", action="store_true", help="a settler that believes an absence at once: must not be clean"
    )
    asked = parser.parse_args()
    if asked.quick:
        asked.payments, asked.kills, asked.databases = 36, 4, "sqlite"
    if asked.plant:
        settler.judge = credulous  # type: ignore[attr-defined]
    _say(f"seed {asked.seed}: 20 % late, 8 % lost, SIGKILL at random moments\n")
    _say(" | ".join(HEADS))
    clean = True
    for database in asked.databases.split(","):
        for gateway in (each for each in GatewayType if asked.gateways in each.value):
            began = time.monotonic()
            with _world(database, gateway) as world:
                found = run_campaign(world, payments=asked.payments, kills=asked.kills, seed=asked.seed)
            clean = clean and found.is_clean and found.payments == asked.payments
            _say(_row(database, gateway, asked.kills, found, time.monotonic() - began))
    _say("\nclean" if clean else "\nNOT CLEAN")
    return 0 if clean else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _row(database: str, gateway: GatewayType, kills: int, found: Count, seconds: float) -> str:
    cells = (
        database, gateway.value, found.payments, kills, found.unknown_met, found.missing, found.charged_twice,
        found.charged_not_recorded, found.recorded_not_charged, found.wrong_amount, found.left_unknown, f"{seconds:.0f}",
    )  # fmt: skip
    return " | ".join(str(cell) for cell in cells)


@contextmanager
def _world(database: str, gateway: GatewayType) -> Iterator[World]:
    if database == "sqlite":
        with sqlite_world(gateway) as world:
            yield world
        return
    # Only here: a machine without PostgreSQL can still run the rest.
    from tests.databases import server, stop_server  # noqa: PLC0415

    url = server().fresh("secure", isolation="read committed")
    try:
        with TemporaryDirectory(prefix="tonevault-chaos-") as folder:
            yield World(Path(folder), url, gateway)
    finally:
        server().drop(url)
        stop_server()


if __name__ == "__main__":
    sys.exit(main())
