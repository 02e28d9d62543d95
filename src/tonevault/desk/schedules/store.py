"""Rows of schedules."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select, update

from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.schedules.model import Schedule, ScheduleState, Unit
from tonevault.desk.schema import SCHEDULE
from tonevault.kernel.ids import AccountId

_T = SCHEDULE.c


def _read(row: Row[Any]) -> Schedule:
    return Schedule(
        id=row.schedule_id,
        token=row.token_id,
        customer_id=row.customer_id,
        amount=row.amount_minor,
        currency=row.currency,
        description=row.description,
        unit=Unit(row.unit),
        every=row.every,
        time_zone=row.time_zone,
        starts_at=row.starts_at,
        count=row.max_turns,
        ends_at=row.ends_at,
        retry_days=tuple(int(each) for each in row.retry_days.split()),
        state=ScheduleState(row.state),
        reason=row.reason,
        turn=row.turn,
        tries=row.tries,
        charge_id=row.charge_id,
        next_at=row.due_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _moving(schedule: Schedule) -> dict[str, object]:
    return {
        "token_id": schedule.token,
        "state": schedule.state.value,
        "reason": schedule.reason,
        "turn": schedule.turn,
        "tries": schedule.tries,
        "charge_id": schedule.charge_id,
        "due_at": schedule.next_at,
        "updated_at": schedule.updated_at,
    }


def _is(account_id: AccountId, schedule_id: str) -> ColumnElement[bool]:
    return and_(_T.account_id == account_id, _T.schedule_id == schedule_id)


def add(connection: Connection, account_id: AccountId, schedule: Schedule) -> None:
    """Insert a schedule."""
    connection.execute(
        insert(SCHEDULE).values(
            account_id=account_id,
            schedule_id=schedule.id,
            customer_id=schedule.customer_id,
            amount_minor=schedule.amount,
            currency=schedule.currency,
            description=schedule.description,
            unit=schedule.unit.value,
            every=schedule.every,
            time_zone=schedule.time_zone,
            starts_at=schedule.starts_at,
            max_turns=schedule.count,
            ends_at=schedule.ends_at,
            retry_days=" ".join(str(each) for each in schedule.retry_days),
            created_at=schedule.created_at,
            **_moving(schedule),
        )
    )


def save(connection: Connection, account_id: AccountId, schedule: Schedule, *, seen: Schedule) -> bool:
    """Write a changed schedule; False where another node changed it since it was `seen`."""
    unchanged = and_(_T.updated_at == seen.updated_at, _T.state == seen.state.value, _T.tries == seen.tries)
    done = connection.execute(
        update(SCHEDULE).where(_is(account_id, schedule.id), unchanged).values(_moving(schedule))
    )
    return done.rowcount == 1


def find(connection: Connection, account_id: AccountId, schedule_id: str) -> Schedule | None:
    """One schedule; its row stays locked in a writing transaction."""
    row = connection.execute(
        select(SCHEDULE).where(_is(account_id, schedule_id)).with_for_update()
    ).one_or_none()
    return None if row is None else _read(row)


def page(connection: Connection, account_id: AccountId, request: PageRequest) -> Page[Schedule]:
    """Schedules, newest first."""
    order = (_T.created_at, _T.schedule_id)
    return page_of(connection, select(SCHEDULE), account_id, request, order=order, read=_read)


def due(connection: Connection, now: datetime, limit: int) -> list[tuple[AccountId, Schedule]]:
    """Active schedules of all accounts whose next step is due."""
    rows = connection.execute(
        select(SCHEDULE)
        .where(_T.due_at <= now, _T.state == ScheduleState.ACTIVE.value)
        .order_by(_T.due_at)
        .limit(limit)
    )
    return [(row.account_id, _read(row)) for row in rows]
