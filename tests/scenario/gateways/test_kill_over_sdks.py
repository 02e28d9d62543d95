"""kill -9 of the paying process over the real SDKs and rough lines: the double's ledger and our books agree to the penny."""

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tonevault.cde.charging.jobs import RECONCILE
from tonevault.cde.gateway import Kind
from tonevault.cde.schema import CHARGE, JOB, PAYMENT_ATTEMPT
from tonevault.plumbing.sql import Database
from tonevault.testing.gateways import WIRES, GatewayDouble, Weather

ROOT = Path(__file__).parents[3]
SALES = 18
KILLS = 3
SEED = 20
FINISHES_WITHIN_S = 150
ROUGH = Weather(seed=SEED, lost_requests=0.08, lost_answers=0.08, late_answers=0.1, late_s=2.5)
SIGNS = {Kind.REFUND: -1, Kind.VOID: -1}


def life(folder: Path, double: GatewayDouble, first: int, *more: str) -> "subprocess.Popen[str]":
    program = [sys.executable, "-m", "tests.scenario.gateways.life_over_sdk"]
    arguments = [str(folder), double.wire.name, double.url, str(SEED), str(first), str(SALES), *more]
    return subprocess.Popen([*program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def live_and_die(folder: Path, double: GatewayDouble, first: int, sales: int) -> None:
    """Kill a process when it has begun so many sales."""
    with life(folder, double, first) as process:
        assert process.stdout is not None
        for _ in range(sales):
            if not process.stdout.readline():
                break
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("wire", ["stripe", "braintree"])
def test_nobody_is_charged_twice_and_nothing_is_lost(tmp_path: Path, wire: str) -> None:
    dice = random.Random(SEED)
    with GatewayDouble(WIRES[wire](), tmp_path / "double.db", weather=ROUGH) as double:
        for each in range(KILLS):
            live_and_die(
                tmp_path, double, max(0, each * SALES // KILLS - 3), dice.randint(2, SALES // KILLS + 3)
            )
        with life(tmp_path, double, 0, "--finish") as last:
            last.communicate(timeout=FINISHES_WITHIN_S)
        assert last.returncode == 0
        assert_books_agree(tmp_path, double)


def assert_books_agree(folder: Path, double: GatewayDouble) -> None:
    database = Database(f"sqlite:///{folder / 'secure.db'}")
    with database.engine.connect() as connection:
        charges = {row.charge_id: row for row in connection.execute(select(CHARGE))}
        attempts = {row.attempt_id: row for row in connection.execute(select(PAYMENT_ATTEMPT))}
        jobs = connection.execute(
            # A daily comparison whose list was lost on the line waits for its next try.
            select(func.count()).select_from(JOB).where(JOB.c.kind != RECONCILE)
        ).scalar_one()
    database.close_now()
    moved = double.ledger.movements()
    assert len(charges) == SALES
    assert jobs == 0
    assert not any(row.state in ("pending", "unknown") for row in charges.values())
    assert any(row.silent_since is not None for row in attempts.values()), "the line was not rough"
    taken = Counter(
        attempts[each.reference].charge_id for each in moved if each.kind in (Kind.PAYMENT, Kind.CAPTURE)
    )
    assert set(taken.values()) == {1}, "charged twice"
    refunds = Counter(each.reference for each in moved if each.kind is Kind.REFUND)
    assert set(refunds.values()) <= {1}, "refunded twice"
    net: Counter[str] = Counter()
    for each in moved:
        net[attempts[each.reference].charge_id] += SIGNS.get(each.kind, 1) * each.amount_minor
    for charge_id, row in charges.items():
        assert net[charge_id] == (row.amount_captured or 0) - (row.amount_refunded or 0)
