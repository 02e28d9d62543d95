"""A real process, really killed (SIGKILL) at random moments while it charges: books and bank agree to the last payment."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select
from tests.scenario.charging.till_process import CARDS
from tests.till import ACCOUNT, SimulatedClock, charge_id

from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.gateways.simulator.posting import Movement
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.schema import CHARGE, JOB, PAYMENT_ATTEMPT
from tonevault.kernel.ids import ChargeId
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

ROOT = Path(__file__).parents[3]
SALES = 40
KILLS = 6
SEED = 7


def start(folder: Path, charge_ids: list[ChargeId]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.scenario.charging.till_process", str(folder), *charge_ids],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_after(process: subprocess.Popen[str], lines: int) -> None:
    """Let it begin so many sales, then end it where it stands."""
    assert process.stdout is not None
    for _ in range(lines):
        if not process.stdout.readline():
            break
    process.kill()
    process.stdout.close()
    process.wait()


def movements(folder: Path) -> tuple[Movement, ...]:
    async def whole() -> tuple[Movement, ...]:
        gateway = SimulatorGateway(folder / "simulator.db", SimulatedClock())
        try:
            return await gateway.movements(ACCOUNT)
        finally:
            await gateway.close()

    return asyncio.run(whole())


def test_killed_again_and_again_nothing_is_charged_twice_or_lost(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    database = Database(f"sqlite:///{tmp_path / 'secure.db'}")
    upgrade(database, SCRIPTS)
    sales = [charge_id() for _ in range(SALES)]
    for _ in range(KILLS):
        # Every process is given every sale: what was charged before must answer and not pay again.
        kill_after(start(tmp_path, sales), dice.randrange(2, SALES))
    with start(tmp_path, sales) as last:
        last.communicate(timeout=60)
    assert last.returncode == 0

    moved = movements(tmp_path)
    with database.engine.connect() as connection:
        charges = {row.charge_id: row for row in connection.execute(select(CHARGE))}
        attempts = {row.attempt_id: row for row in connection.execute(select(PAYMENT_ATTEMPT))}
        jobs = connection.execute(select(func.count()).select_from(JOB)).scalar_one()
    database.close_now()
    assert set(charges) == set(sales)
    assert jobs == 0
    paid = [attempts[each.reference].charge_id for each in moved]
    assert len(paid) == len(set(paid)), "charged twice"
    succeeded = {each for each, row in charges.items() if row.state == "succeeded"}
    assert set(paid) == succeeded, "books and bank differ"
    assert {row.state for row in charges.values()} <= {"succeeded", "declined", "failed"}
    never_sent = {each for each, row in charges.items() if row.code in ("not_sent", "never_arrived")}
    declined = {each for place, each in enumerate(sales) if CARDS[place % len(CARDS)].endswith(b"0002")}
    assert succeeded == set(sales) - never_sent - declined
