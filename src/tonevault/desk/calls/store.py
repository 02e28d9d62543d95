"""Rows of calls."""

from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tonevault.boundary.calls import CallState
from tonevault.desk.calls.model import CallRecord, Secured
from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.schema import PAYMENT_SESSION, PHONE_CALL
from tonevault.kernel.ids import AccountId, CallId, SessionId


def _read(row: Row[Any]) -> CallRecord:
    return CallRecord(
        id=row.call_id,
        route=row.route,
        state=CallState(row.state),
        caller=row.caller,
        called=row.called,
        customer_header=row.customer_header,
        customer_id=row.customer_id,
        hushed=row.hushed,
        secured=Secured(bool(row.customer_secured), bool(row.agent_secured)),
        created_at=row.created_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        end_reason=row.end_reason,
    )


def _values(call: CallRecord) -> dict[str, object]:
    return {
        "state": call.state.value,
        "customer_id": call.customer_id,
        "hushed": call.hushed,
        "customer_secured": call.secured.customer,
        "agent_secured": call.secured.agent,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "end_reason": call.end_reason,
    }


def add(connection: Connection, account_id: AccountId, call: CallRecord) -> None:
    """Insert a call."""
    connection.execute(
        insert(PHONE_CALL).values(
            account_id=account_id,
            call_id=call.id,
            route=call.route,
            caller=call.caller,
            called=call.called,
            customer_header=call.customer_header,
            created_at=call.created_at,
            **_values(call),
        )
    )


def save(connection: Connection, account_id: AccountId, call: CallRecord) -> None:
    """Write a changed call."""
    connection.execute(
        update(PHONE_CALL)
        .where(PHONE_CALL.c.account_id == account_id, PHONE_CALL.c.call_id == call.id)
        .values(**_values(call))
    )


def find(connection: Connection, account_id: AccountId, call_id: CallId) -> CallRecord | None:
    """The call, or None."""
    row = connection.execute(
        select(PHONE_CALL).where(PHONE_CALL.c.account_id == account_id, PHONE_CALL.c.call_id == call_id)
    ).one_or_none()
    return None if row is None else _read(row)


def live_everywhere(connection: Connection) -> list[tuple[AccountId, CallRecord]]:
    """Calls of all accounts that have not ended as far as the desk knows."""
    rows = connection.execute(select(PHONE_CALL).where(PHONE_CALL.c.state != CallState.ENDED.value))
    return [(row.account_id, _read(row)) for row in rows]


def page(
    connection: Connection, account_id: AccountId, request: PageRequest, *, live: bool | None
) -> Page[CallRecord]:
    """Calls, newest first; `live` keeps those that are up, or those that are over."""
    query = select(PHONE_CALL)
    if live is not None:
        ended = PHONE_CALL.c.state == CallState.ENDED.value
        query = query.where(~ended if live else ended)
    order = (PHONE_CALL.c.created_at, PHONE_CALL.c.call_id)
    return page_of(connection, query, account_id, request, order=order, read=_read)


def newest_session(connection: Connection, account_id: AccountId, call_id: CallId) -> SessionId | None:
    """The session that was opened last on a call."""
    session_id: SessionId | None = connection.execute(
        select(PAYMENT_SESSION.c.session_id)
        .where(PAYMENT_SESSION.c.account_id == account_id, PAYMENT_SESSION.c.call_id == call_id)
        .order_by(PAYMENT_SESSION.c.created_at.desc(), PAYMENT_SESSION.c.session_id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return session_id
