"""Rows of reconciliations, as last reported."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from tonevault.boundary.reconciliations import ReconciliationState
from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.reconciliations.model import Reconciliation
from tonevault.desk.schema import RECONCILIATION
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.insert import insert_if_absent

_T = RECONCILIATION.c


def _read(row: Row[Any]) -> Reconciliation:
    return Reconciliation(
        id=row.reconciliation_id,
        gateway=row.gateway,
        since=row.since,
        until=row.until,
        state=ReconciliationState(row.state),
        compared=row.compared,
        differing=row.differing,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def put(connection: Connection, account_id: AccountId, known: Reconciliation) -> bool:
    """Write a reconciliation as reported; whether its state is news."""
    moving = {
        "state": known.state.value,
        "compared": known.compared,
        "differing": known.differing,
        "updated_at": known.updated_at,
    }
    fixed = {
        "account_id": account_id,
        "reconciliation_id": known.id,
        "gateway": known.gateway,
        "since": known.since,
        "until": known.until,
        "created_at": known.created_at,
    }
    if insert_if_absent(connection, RECONCILIATION, fixed | moving):
        return True
    done = connection.execute(
        update(RECONCILIATION)
        .where(
            _T.account_id == account_id,
            _T.reconciliation_id == known.id,
            _T.state != known.state.value,
            _T.updated_at <= known.updated_at,
        )
        .values(moving)
    )
    return done.rowcount == 1


def find(connection: Connection, account_id: AccountId, identity: str) -> Reconciliation | None:
    """One reconciliation."""
    row = connection.execute(
        select(RECONCILIATION).where(_T.account_id == account_id, _T.reconciliation_id == identity)
    ).one_or_none()
    return None if row is None else _read(row)


def page(connection: Connection, account_id: AccountId, request: PageRequest) -> Page[Reconciliation]:
    """Reconciliations, newest first."""
    order = (_T.created_at, _T.reconciliation_id)
    return page_of(connection, select(RECONCILIATION), account_id, request, order=order, read=_read)
