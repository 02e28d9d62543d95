"""Rows of splits; their parts are one JSON text, for they are read and written together."""

from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, and_, insert, select, update

from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.schema import SPLIT
from tonevault.desk.splits.model import Split, SplitPart, SplitState
from tonevault.kernel.ids import AccountId

_T = SPLIT.c
_PARTS: Final[TypeAdapter[tuple[SplitPart, ...]]] = TypeAdapter(tuple[SplitPart, ...])


def _read(row: Row[Any]) -> Split:
    return Split(
        id=row.split_id,
        amount=row.amount_minor,
        currency=row.currency,
        description=row.description,
        state=SplitState(row.state),
        parts=_PARTS.validate_json(row.parts),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _is(account_id: AccountId, split_id: str) -> ColumnElement[bool]:
    return and_(_T.account_id == account_id, _T.split_id == split_id)


def add(connection: Connection, account_id: AccountId, split: Split, due_at: datetime) -> None:
    """Insert a split; from `due_at` on the sweep takes its next step."""
    connection.execute(
        insert(SPLIT).values(
            account_id=account_id,
            split_id=split.id,
            amount_minor=split.amount,
            currency=split.currency,
            description=split.description,
            state=split.state.value,
            parts=_PARTS.dump_json(split.parts).decode(),
            due_at=due_at,
            created_at=split.created_at,
            updated_at=split.updated_at,
        )
    )


def save(
    connection: Connection, account_id: AccountId, split: Split, due_at: datetime | None, *, lease: datetime
) -> bool:
    """Write a split as it stands; False where the lease has lapsed and another node went on, or the split has ended."""
    held = and_(_T.state == SplitState.PENDING.value, _T.due_at == lease)
    done = connection.execute(
        update(SPLIT)
        .where(_is(account_id, split.id), held)
        .values(
            state=split.state.value,
            parts=_PARTS.dump_json(split.parts).decode(),
            due_at=due_at,
            updated_at=split.updated_at,
        )
    )
    return done.rowcount == 1


def claim(
    connection: Connection, account_id: AccountId, split_id: str, now: datetime, lease: datetime
) -> Split | None:
    """A split whose next step is due, for nobody else until `lease`; None where another node has it, or nothing is due."""
    taken = connection.execute(
        update(SPLIT).where(_is(account_id, split_id), _T.due_at <= now).values(due_at=lease)
    )
    return find(connection, account_id, split_id) if taken.rowcount == 1 else None


def find(connection: Connection, account_id: AccountId, split_id: str) -> Split | None:
    """One split; its row stays locked in a writing transaction."""
    row = connection.execute(select(SPLIT).where(_is(account_id, split_id)).with_for_update()).one_or_none()
    return None if row is None else _read(row)


def page(connection: Connection, account_id: AccountId, request: PageRequest) -> Page[Split]:
    """Splits, newest first."""
    order = (_T.created_at, _T.split_id)
    return page_of(connection, select(SPLIT), account_id, request, order=order, read=_read)


def due(connection: Connection, now: datetime, limit: int) -> list[tuple[AccountId, str]]:
    """Splits of all accounts whose next step is due, by account and id."""
    rows = connection.execute(
        select(_T.account_id, _T.split_id).where(_T.due_at <= now).order_by(_T.due_at).limit(limit)
    )
    return [(AccountId(row.account_id), row.split_id) for row in rows]
