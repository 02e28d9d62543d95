"""Rows of captures, voids and refunds."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from tonevault.boundary.operations import OperationKind, OperationState
from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.payments.operation import Operation, Wish
from tonevault.desk.schema import CHARGE_OPERATION
from tonevault.kernel.ids import AccountId, ChargeId, OperationId

_T = CHARGE_OPERATION.c


def _read(row: Row[Any]) -> Operation:
    return Operation(
        id=row.operation_id,
        kind=OperationKind(row.kind),
        charge_id=row.charge_id,
        amount=row.amount_minor,
        currency=row.currency,
        state=OperationState(row.state),
        code=row.code,
        reason=row.reason,
        gateway_reference=row.gateway_reference,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _wish(row: Row[Any]) -> Wish:
    return Wish(_read(row), row.asked_minor, row.reported_at)


def _is(account_id: AccountId, operation_id: OperationId) -> ColumnElement[bool]:
    return and_(_T.account_id == account_id, _T.operation_id == operation_id)


def add(connection: Connection, account_id: AccountId, wish: Wish, ask_at: datetime) -> None:
    """Insert an intent; from `ask_at` on the sweep asks how it stands."""
    operation = wish.operation
    connection.execute(
        insert(CHARGE_OPERATION).values(
            account_id=account_id,
            operation_id=operation.id,
            charge_id=operation.charge_id,
            kind=operation.kind.value,
            asked_minor=wish.asked,
            amount_minor=operation.amount,
            currency=operation.currency,
            state=operation.state.value,
            reason=operation.reason,
            created_at=operation.created_at,
            updated_at=operation.updated_at,
            ask_at=ask_at,
            asked=0,
        )
    )


def save(
    connection: Connection,
    account_id: AccountId,
    operation: Operation,
    *,
    reported_at: datetime | None,
    ask_at: datetime | None,
) -> None:
    """Write an operation as reported."""
    connection.execute(
        update(CHARGE_OPERATION)
        .where(_is(account_id, operation.id))
        .values(
            amount_minor=operation.amount,
            state=operation.state.value,
            code=operation.code,
            gateway_reference=operation.gateway_reference,
            updated_at=operation.updated_at,
            reported_at=reported_at,
            ask_at=ask_at,
        )
    )


def drop_unsent(connection: Connection, account_id: AccountId, operation_id: OperationId) -> None:
    """Delete an intent that the secure zone has refused."""
    connection.execute(
        delete(CHARGE_OPERATION).where(_is(account_id, operation_id), _T.reported_at.is_(None))
    )


def find(connection: Connection, account_id: AccountId, operation_id: OperationId) -> Wish | None:
    """The operation, or None; its row stays locked in a writing transaction."""
    row = connection.execute(
        select(CHARGE_OPERATION).where(_is(account_id, operation_id)).with_for_update()
    ).one_or_none()
    return None if row is None else _wish(row)


def page(
    connection: Connection,
    account_id: AccountId,
    request: PageRequest,
    *,
    kind: OperationKind | None = None,
    charge_id: ChargeId | None = None,
) -> Page[Operation]:
    """Operations, newest first."""
    query = select(CHARGE_OPERATION)
    if kind is not None:
        query = query.where(_T.kind == kind.value)
    if charge_id is not None:
        query = query.where(_T.charge_id == charge_id)
    order = (_T.created_at, _T.operation_id)
    return page_of(connection, query, account_id, request, order=order, read=_read)


def due(connection: Connection, now: datetime, limit: int) -> list[tuple[AccountId, Wish, int]]:
    """Unsettled operations of all accounts whose turn it is to be asked after, with the times asked."""
    rows = connection.execute(
        select(CHARGE_OPERATION).where(_T.ask_at <= now).order_by(_T.ask_at).limit(limit)
    )
    return [(row.account_id, _wish(row), row.asked) for row in rows]


def ask_again(
    connection: Connection, account_id: AccountId, operation_id: OperationId, ask_at: datetime, asked: int
) -> None:
    """Put off the next question, unless it was settled meanwhile."""
    connection.execute(
        update(CHARGE_OPERATION)
        .where(_is(account_id, operation_id), _T.ask_at.is_not(None))
        .values(ask_at=ask_at, asked=asked)
    )


def make_all_due(connection: Connection, now: datetime) -> None:
    """After the secure zone was away: ask after every unsettled operation at once."""
    connection.execute(update(CHARGE_OPERATION).where(_T.ask_at > now).values(ask_at=now))
