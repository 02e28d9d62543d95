"""Cursor pagination: newest first, the cursor is the last id of the page before. Stable while rows are added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import Column, Connection, Row, Select, and_, or_, select

from tonevault.desk.refusal import invalid
from tonevault.kernel.ids import AccountId

T = TypeVar("T")
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
"""A page that is rendered and sent well within a second on the smallest machine."""


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is what to send as `cursor` for the next one."""

    data: list[T]
    has_more: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many rows, and after which id."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


def page_of(
    connection: Connection,
    query: Select[Any],
    account_id: AccountId,
    request: PageRequest,
    *,
    order: tuple[Column[Any], Column[Any]],
    read: Callable[[Row[Any]], T],
) -> Page[T]:
    """The rows of `query` in this account, newest first. `order` is the column of the time of making and that of the id."""
    made_at, identity = order
    table = identity.table
    query = query.where(table.c.account_id == account_id)
    if request.cursor is not None:
        last = connection.execute(
            select(made_at).where(table.c.account_id == account_id, identity == request.cursor)
        ).scalar_one_or_none()
        if last is None:
            raise invalid("cursor", "unknown", "is not the next_cursor of a page of this list")
        query = query.where(or_(made_at < last, and_(made_at == last, identity < request.cursor)))
    rows = connection.execute(query.order_by(made_at.desc(), identity.desc()).limit(request.limit + 1)).all()
    return _cut(rows, request.limit, identity.name, read)


def _cut(rows: Sequence[Row[Any]], limit: int, identity: str, read: Callable[[Row[Any]], T]) -> Page[T]:
    shown, more = rows[:limit], len(rows) > limit
    last: str | None = getattr(shown[-1], identity) if more else None
    return Page(data=[read(row) for row in shown], has_more=more, next_cursor=last)
