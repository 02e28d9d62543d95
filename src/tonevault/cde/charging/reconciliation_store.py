"""Rows of reconciliations and their differences: plain functions of a connection."""

from datetime import datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    func,
    select,
    type_coerce,
    update,
)

from tonevault.boundary.reconciliations import (
    DIFFERENCE_PAGE,
    Difference,
    DifferenceKind,
    ReconciliationState,
    ReconciliationView,
)
from tonevault.cde.charging.comparison import Differing, Span
from tonevault.cde.charging.model import later, shown
from tonevault.cde.schema import DIFFERENCE, RECONCILIATION
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.insert import insert_if_absent

DAY_US: Final = 86_400_000_000
"""Times are stored in microseconds since midnight of a day (UTC), and count no leap seconds."""


def add(connection: Connection, view: ReconciliationView) -> bool:
    """Write a comparison down that is to be made; False where its id or its span stands there."""
    return insert_if_absent(
        connection,
        RECONCILIATION,
        {
            "account_id": view.account_id,
            "reconciliation_id": view.reconciliation_id,
            "gateway": view.gateway,
            "since": view.since,
            "until": view.until,
            "state": view.state.value,
            "compared": 0,
            "created_at": view.created_at,
            "updated_at": view.updated_at,
        },
    )


def find(connection: Connection, account: AccountId, reconciliation_id: str) -> ReconciliationView | None:
    """A comparison."""
    row = connection.execute(select(RECONCILIATION).where(_is(account, reconciliation_id))).one_or_none()
    return None if row is None else _view(connection, row)


def find_span(connection: Connection, account: AccountId, span: Span) -> ReconciliationView | None:
    """The comparison of a span."""
    here = and_(
        RECONCILIATION.c.account_id == account,
        RECONCILIATION.c.since == span.since,
        RECONCILIATION.c.until == span.until,
    )
    row = connection.execute(select(RECONCILIATION).where(here)).one_or_none()
    return None if row is None else _view(connection, row)


def last_day(connection: Connection, account: AccountId, until: datetime) -> datetime | None:
    """When the last whole day (UTC) ended, not after `until`, that stands there."""
    begun, ended = (
        type_coerce(each, BigInteger) for each in (RECONCILIATION.c.since, RECONCILIATION.c.until)
    )
    is_day = and_(ended - begun == DAY_US, ended % DAY_US == 0)
    here = and_(RECONCILIATION.c.account_id == account, RECONCILIATION.c.until <= until, is_day)
    return connection.execute(select(func.max(RECONCILIATION.c.until)).where(here)).scalar_one_or_none()


def reopen(
    connection: Connection, view: ReconciliationView, gateway: str, now: datetime
) -> ReconciliationView:
    """A comparison that has failed is to be made after all, with the gateway that the account has now."""
    changes = {
        "state": ReconciliationState.PENDING,
        "gateway": gateway,
        "updated_at": later(view.updated_at, now),
    }
    connection.execute(
        update(RECONCILIATION)
        .where(_is(view.account_id, view.reconciliation_id))
        .values(state=ReconciliationState.PENDING.value, gateway=gateway, updated_at=changes["updated_at"])
    )
    return view.model_copy(update=changes)


def finish(
    connection: Connection,
    view: ReconciliationView,
    state: ReconciliationState,
    differing: tuple[Differing, ...],
    *,
    compared: int,
    now: datetime,
) -> ReconciliationView | None:
    """Write what a comparison came to, in place of what an earlier try left."""
    account, identity = view.account_id, view.reconciliation_id
    mine = and_(DIFFERENCE.c.account_id == account, DIFFERENCE.c.reconciliation_id == identity)
    connection.execute(delete(DIFFERENCE).where(mine))
    for number, each in enumerate(differing, 1):
        connection.execute(DIFFERENCE.insert().values(_row(view, number, each)))
    connection.execute(
        update(RECONCILIATION)
        .where(_is(account, identity))
        .values(state=state.value, compared=compared, updated_at=later(view.updated_at, now))
    )
    return find(connection, account, identity)


def differences(
    connection: Connection, account: AccountId, reconciliation_id: str, after: int
) -> list[Difference]:
    """A page of differences, from past number `after`."""
    here = and_(DIFFERENCE.c.account_id == account, DIFFERENCE.c.reconciliation_id == reconciliation_id)
    rows = connection.execute(
        select(DIFFERENCE)
        .where(here, DIFFERENCE.c.number > after)
        .order_by(DIFFERENCE.c.number)
        .limit(DIFFERENCE_PAGE)
    )
    return [
        Difference(
            number=row.number,
            kind=DifferenceKind(row.kind),
            movement=row.movement,
            charge_id=row.charge_id,
            gateway_reference=shown(row.gateway_reference),
            amount_here=row.amount_here,
            amount_there=row.amount_there,
            currency=row.currency,
            at=row.at,
        )
        for row in rows
    ]


def _row(view: ReconciliationView, number: int, each: Differing) -> dict[str, object]:
    ours, theirs = each.ours, each.theirs
    attempt = None if ours is None else ours.attempt
    if theirs is not None:
        movement, currency, at = theirs.kind.value, theirs.money.currency, theirs.at
    elif ours is not None:
        movement, currency, at = ours.attempt.kind.value, ours.currency, ours.attempt.created_at
    else:
        raise ValueError("a difference has at least one side")
    return {
        "account_id": view.account_id,
        "reconciliation_id": view.reconciliation_id,
        "number": number,
        "kind": each.kind.value,
        "movement": movement,
        "charge_id": attempt.charge_id if attempt else None,
        "attempt_id": attempt.attempt_id if attempt else None,
        "gateway_reference": theirs.gateway_reference
        if theirs
        else (attempt.gateway_reference if attempt else None),
        "amount_here": attempt.amount_minor if attempt else None,
        "amount_there": theirs.money.amount_minor if theirs else None,
        "currency": currency,
        "at": at,
    }


def _is(account: AccountId, reconciliation_id: str) -> ColumnElement[bool]:
    return and_(
        RECONCILIATION.c.account_id == account, RECONCILIATION.c.reconciliation_id == reconciliation_id
    )


def _view(connection: Connection, row: Row[tuple[object, ...]]) -> ReconciliationView:
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to read a row by column
    differing = connection.execute(
        select(func.count())
        .select_from(DIFFERENCE)
        .where(
            DIFFERENCE.c.account_id == values["account_id"],
            DIFFERENCE.c.reconciliation_id == values["reconciliation_id"],
        )
    ).scalar_one()
    return ReconciliationView(
        reconciliation_id=values["reconciliation_id"],
        account_id=values["account_id"],
        gateway=values["gateway"],
        since=values["since"],
        until=values["until"],
        state=ReconciliationState(values["state"]),
        compared=values["compared"],
        differing=differing,
        created_at=values["created_at"],
        updated_at=values["updated_at"],
    )
