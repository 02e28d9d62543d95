"""Rows of payment sessions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from tonevault.boundary.captures import Billing, CaptureState, CaptureView, EndReason, FieldName
from tonevault.boundary.charges import Taking
from tonevault.boundary.tokens import TokenUsage
from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.schema import PAYMENT_SESSION
from tonevault.desk.sessions.model import AT_WORK, NOT_OPENED, SessionRecord
from tonevault.kernel.ids import AccountId, CallId, CustomerId, SessionId
from tonevault.kernel.money import Money

_T = PAYMENT_SESSION.c


def _read(row: Row[Any]) -> SessionRecord:
    return SessionRecord(
        id=row.session_id,
        call_id=row.call_id,
        customer_id=row.customer_id,
        amount=None if row.amount_minor is None else Money(row.amount_minor, row.currency),
        charge_id=row.charge_id,
        reference=row.reference,
        description=row.description,
        fields=tuple(FieldName(name) for name in row.fields.split()),
        usage=TokenUsage(row.usage),
        max_attempts=row.max_attempts,
        first_digit_timeout_s=row.first_digit_timeout_ms / 1000,
        inter_digit_timeout_s=row.inter_digit_timeout_ms / 1000,
        created_by=row.created_by,
        state=CaptureState(row.state),
        reason=None if row.reason is None else EndReason(row.reason),
        revision=row.revision,
        view=None if row.view is None else CaptureView.model_validate_json(row.view),
        token_id=row.token_id,
        settled=row.settled,
        cancel_asked=row.cancel_asked,
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        capture=Taking(row.capture or Taking.AUTOMATIC),
        billing=Billing(postal_code=row.postal_code, address_line=row.address_line),
        replaces=row.replaces,
    )


def _moving(record: SessionRecord) -> dict[str, object]:
    return {
        "state": record.state.value,
        "reason": None if record.reason is None else record.reason.value,
        "revision": record.revision,
        "view": None if record.view is None else record.view.model_dump_json(),
        "token_id": record.token_id,
        "settled": record.settled,
        "cancel_asked": record.cancel_asked,
        "updated_at": record.updated_at,
        "expires_at": record.expires_at,
        "ended_at": record.ended_at,
        "charge_id": record.charge_id,
    }


def add(connection: Connection, account_id: AccountId, record: SessionRecord) -> None:
    """Insert a session."""
    connection.execute(
        insert(PAYMENT_SESSION).values(
            account_id=account_id,
            session_id=record.id,
            call_id=record.call_id,
            customer_id=record.customer_id,
            amount_minor=None if record.amount is None else record.amount.amount_minor,
            currency=None if record.amount is None else record.amount.currency,
            reference=record.reference,
            description=record.description,
            fields=" ".join(record.fields),
            usage=record.usage.value,
            max_attempts=record.max_attempts,
            first_digit_timeout_ms=round(record.first_digit_timeout_s * 1000),
            inter_digit_timeout_ms=round(record.inter_digit_timeout_s * 1000),
            created_by=record.created_by,
            created_at=record.created_at,
            capture=record.capture.value,
            postal_code=record.billing.postal_code,
            address_line=record.billing.address_line,
            replaces=record.replaces,
            **_moving(record),
        )
    )


def save(connection: Connection, account_id: AccountId, record: SessionRecord) -> None:
    """Write a changed session."""
    connection.execute(
        update(PAYMENT_SESSION)
        .where(_T.account_id == account_id, _T.session_id == record.id)
        .values(**_moving(record))
    )


def find(connection: Connection, account_id: AccountId, session_id: SessionId) -> SessionRecord | None:
    """The session, or None; its row stays locked in a writing transaction."""
    row = connection.execute(
        select(PAYMENT_SESSION)
        .where(_T.account_id == account_id, _T.session_id == session_id)
        .with_for_update()
    ).one_or_none()
    return None if row is None else _read(row)


def drop_unopened(connection: Connection, account_id: AccountId, session_id: SessionId) -> None:
    """Delete a session that the secure zone has refused to open."""
    connection.execute(
        delete(PAYMENT_SESSION).where(
            _T.account_id == account_id, _T.session_id == session_id, _T.revision == NOT_OPENED
        )
    )


def page(
    connection: Connection,
    account_id: AccountId,
    request: PageRequest,
    *,
    call_id: CallId | None,
    customer_id: CustomerId | None,
    state: CaptureState | None,
) -> Page[SessionRecord]:
    """Sessions, newest first."""
    query = select(PAYMENT_SESSION)
    if call_id is not None:
        query = query.where(_T.call_id == call_id)
    if customer_id is not None:
        query = query.where(_T.customer_id == customer_id)
    if state is not None:
        query = query.where(_T.state == state.value)
    return page_of(connection, query, account_id, request, order=(_T.created_at, _T.session_id), read=_read)


def unsettled_everywhere(
    connection: Connection, after: tuple[str, str] | None, limit: int
) -> list[tuple[AccountId, SessionRecord]]:
    """Sessions of all accounts whose end the secure zone has not reported, by account and id from past `after`."""
    query = select(PAYMENT_SESSION).where(_T.settled.is_(False))
    if after is not None:
        account_id, session_id = after
        past = or_(_T.account_id > account_id, and_(_T.account_id == account_id, _T.session_id > session_id))
        query = query.where(past)
    rows = connection.execute(query.order_by(_T.account_id, _T.session_id).limit(limit))
    return [(row.account_id, _read(row)) for row in rows]


def at_work_everywhere(connection: Connection) -> list[tuple[AccountId, SessionRecord]]:
    """Sessions of all accounts that are open or completing as far as the desk knows."""
    states = sorted(AT_WORK)
    rows = connection.execute(select(PAYMENT_SESSION).where(_T.settled.is_(False), _T.state.in_(states)))
    return [(row.account_id, _read(row)) for row in rows]


def unopened_before(connection: Connection, moment: datetime) -> list[tuple[AccountId, SessionRecord]]:
    """Sessions that the secure zone has not confirmed since then: whoever opened them has given up or died."""
    rows = connection.execute(
        select(PAYMENT_SESSION).where(
            _T.settled.is_(False), _T.revision == NOT_OPENED, _T.created_at < moment
        )
    )
    return [(row.account_id, _read(row)) for row in rows]
