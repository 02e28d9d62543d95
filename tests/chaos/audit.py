"""The count at the end: the gateway's own ledger beside our books, movement by movement."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from tests.chaos.life import World, simulator
from tests.chaos.plan import Sale
from tests.till import ACCOUNT
from tonevault.cde.gateway import Kind
from tonevault.cde.gateways.simulator.posting import Movement
from tonevault.cde.schema import CHARGE, JOB, PAYMENT_ATTEMPT
from tonevault.plumbing.sql import Database

TOOK = ("succeeded", "refunded", "partially_refunded")


@dataclass(frozen=True, slots=True)
class Count:
    """What must all be zero but the first three."""

    payments: int
    succeeded: int
    unknown_met: int
    missing: int
    charged_twice: int
    charged_not_recorded: int
    recorded_not_charged: int
    wrong_amount: int
    left_unknown: int

    @property
    def is_clean(self) -> bool:
        return not any(
            (
                self.missing,
                self.charged_twice,
                self.charged_not_recorded,
                self.recorded_not_charged,
                self.wrong_amount,
                self.left_unknown,
            )
        )


async def _movements(world: World) -> tuple[Movement, ...]:
    gateway = simulator(world)
    try:
        return await gateway.movements(ACCOUNT)
    finally:
        await gateway.close()


def _books(connection: Connection) -> tuple[dict[str, Row[Any]], dict[str, Row[Any]], int]:
    charges = {row.charge_id: row for row in connection.execute(select(CHARGE))}
    attempts = {row.attempt_id: row for row in connection.execute(select(PAYMENT_ATTEMPT))}
    jobs = connection.execute(select(func.count()).select_from(JOB)).scalar_one()
    return charges, attempts, int(jobs)


def count(world: World, sales: list[Sale]) -> Count:
    moved = asyncio.run(_movements(world))
    database = Database(world.database_url)
    charges, attempts, jobs = database.read_now(_books)
    database.close_now()
    references = Counter(each.reference for each in moved)
    # A payment, or its capture, that moved money more than once, or under two attempts of one charge.
    taken = Counter(
        attempts[each.reference].charge_id
        for each in moved
        if each.kind in (Kind.PAYMENT, Kind.CAPTURE) and each.reference in attempts
    )
    twice = sum(times - 1 for times in taken.values())
    twice += sum(n - 1 for reference, n in references.items() if attempts[reference].kind == "refund")
    approved = {identity for identity, row in attempts.items() if row.state == "approved"}
    moves = {identity for identity in approved if _moves(attempts[identity], charges)}
    return Count(
        payments=len(charges),
        succeeded=sum(row.state in TOOK for row in charges.values()),
        unknown_met=sum(row.silent_since is not None for row in attempts.values()),
        missing=len({sale.charge_id for sale in sales} - set(charges)),
        charged_twice=twice,
        charged_not_recorded=len(set(references) - approved),
        recorded_not_charged=len(moves - set(references)),
        wrong_amount=_wrong_amounts(moved, attempts, charges),
        left_unknown=int(jobs) + sum(row.state in ("pending", "unknown") for row in charges.values()),
    )


def _moves(attempt: Row[Any], charges: dict[str, Row[Any]]) -> bool:
    """Whether an approved attempt moves money: holding does not, nor does letting a hold go."""
    kind, charge = attempt.kind, charges[attempt.charge_id]
    if kind == "void":
        return False
    return bool(kind != "payment" or charge.capture != "manual")


def _wrong_amounts(
    moved: tuple[Movement, ...], attempts: dict[str, Row[Any]], charges: dict[str, Row[Any]]
) -> int:
    """Charges whose totals are not what the gateway's ledger adds up to."""
    net: Counter[str] = Counter()
    for each in moved:
        sign = -1 if each.kind in (Kind.REFUND, Kind.VOID) else 1
        net[attempts[each.reference].charge_id] += sign * each.money.amount_minor
    return sum(
        net[identity] != (row.amount_captured or 0) - (row.amount_refunded or 0)
        for identity, row in charges.items()
    )
