"""Rows of durable events, in the order of their numbers."""

import json
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from tonevault.desk.events.model import Event, EventType, Numbered
from tonevault.desk.schema import EVENT
from tonevault.kernel.ids import AccountId, EventId


def _read(row: Row[Any]) -> Numbered:
    event = Event(row.event_id, EventType(row.type), row.created_at, json.loads(row.data))
    return Numbered(row.number, event)


def add(connection: Connection, account_id: AccountId, numbered: Numbered) -> None:
    """Insert an event under its number."""
    event = numbered.event
    connection.execute(
        insert(EVENT).values(
            account_id=account_id,
            number=numbered.number,
            event_id=event.id,
            type=event.type.value,
            data=json.dumps(event.data),
            created_at=event.created_at,
        )
    )


def find(connection: Connection, account_id: AccountId, event_id: EventId) -> Numbered | None:
    """One event by its id."""
    row = connection.execute(
        select(EVENT).where(EVENT.c.account_id == account_id, EVENT.c.event_id == event_id)
    ).one_or_none()
    return None if row is None else _read(row)


def last_number(connection: Connection, account_id: AccountId) -> int:
    """The number of the newest event, 0 where there is none."""
    query = select(func.max(EVENT.c.number)).where(EVENT.c.account_id == account_id)
    return connection.execute(query).scalar_one() or 0


def after(connection: Connection, account_id: AccountId, number: int, limit: int) -> list[Numbered]:
    """Events past `number`, oldest first."""
    rows = connection.execute(
        select(EVENT)
        .where(EVENT.c.account_id == account_id, EVENT.c.number > number)
        .order_by(EVENT.c.number)
        .limit(limit)
    )
    return [_read(row) for row in rows]


def before(connection: Connection, account_id: AccountId, number: int | None, limit: int) -> list[Numbered]:
    """Events under `number` (None: from the newest), newest first."""
    query = select(EVENT).where(EVENT.c.account_id == account_id)
    if number is not None:
        query = query.where(EVENT.c.number < number)
    return [_read(row) for row in connection.execute(query.order_by(EVENT.c.number.desc()).limit(limit))]
