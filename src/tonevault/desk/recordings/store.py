"""Rows of pauses."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from tonevault.boundary.captures import CaptureState
from tonevault.desk.recordings.model import OPEN_STATES, Pause, PauseState
from tonevault.desk.schema import PAYMENT_SESSION, RECORDING_PAUSE
from tonevault.kernel.ids import AccountId, CallId, SessionId

_OPEN = RECORDING_PAUSE.c.state.in_(sorted(OPEN_STATES))
_AT_WORK = (CaptureState.OPEN.value, CaptureState.COMPLETING.value)


def _read(row: Row[Any]) -> Pause:
    return Pause(
        row.account_id,
        row.session_id,
        row.call_id,
        PauseState(row.state),
        row.paused_at,
        row.resume_by,
        row.tries,
    )


def add(connection: Connection, pause: Pause, try_at: datetime) -> None:
    """Insert a pause; before `try_at` it is not resumed, because the platform is still being asked to pause."""
    connection.execute(
        insert(RECORDING_PAUSE).values(
            account_id=pause.account_id,
            session_id=pause.session_id,
            call_id=pause.call_id,
            state=pause.state.value,
            paused_at=pause.paused_at,
            resume_by=pause.resume_by,
            tries=pause.tries,
            try_at=try_at,
        )
    )


def find(connection: Connection, account_id: AccountId, session_id: SessionId) -> Pause | None:
    """The pause of a session, or None."""
    row = connection.execute(
        select(RECORDING_PAUSE).where(
            RECORDING_PAUSE.c.account_id == account_id, RECORDING_PAUSE.c.session_id == session_id
        )
    ).one_or_none()
    return None if row is None else _read(row)


def set_state(
    connection: Connection,
    pause: Pause,
    state: PauseState,
    *,
    resumed_at: datetime | None = None,
    try_at: datetime | None = None,
    tries: int = 0,
) -> None:
    """Move a pause on, unless it is over."""
    connection.execute(
        update(RECORDING_PAUSE)
        .where(
            RECORDING_PAUSE.c.account_id == pause.account_id,
            RECORDING_PAUSE.c.session_id == pause.session_id,
            _OPEN,
        )
        .values(state=state.value, resumed_at=resumed_at, try_at=try_at, tries=tries)
    )


def to_resume(connection: Connection, now: datetime, limit: int) -> list[Pause]:
    """Pauses of all accounts whose session is over, gone or past its time, and whose next try is due."""
    of_session = and_(
        PAYMENT_SESSION.c.account_id == RECORDING_PAUSE.c.account_id,
        PAYMENT_SESSION.c.session_id == RECORDING_PAUSE.c.session_id,
    )
    over = or_(
        PAYMENT_SESSION.c.session_id.is_(None),
        PAYMENT_SESSION.c.state.not_in(_AT_WORK),
        RECORDING_PAUSE.c.resume_by <= now,
    )
    due = or_(RECORDING_PAUSE.c.try_at.is_(None), RECORDING_PAUSE.c.try_at <= now)
    rows = connection.execute(
        select(RECORDING_PAUSE)
        .outerjoin(PAYMENT_SESSION, of_session)
        .where(_OPEN, over, due)
        .order_by(RECORDING_PAUSE.c.paused_at)
        .limit(limit)
    )
    return [_read(row) for row in rows]


def is_held_by_another(
    connection: Connection, account_id: AccountId, call_id: CallId, session_id: SessionId
) -> bool:
    """Whether another session, still at work on the same call, wants the recording paused."""
    row = connection.execute(
        select(RECORDING_PAUSE.c.session_id)
        .join(
            PAYMENT_SESSION,
            and_(
                PAYMENT_SESSION.c.account_id == RECORDING_PAUSE.c.account_id,
                PAYMENT_SESSION.c.session_id == RECORDING_PAUSE.c.session_id,
            ),
        )
        .where(
            _OPEN,
            RECORDING_PAUSE.c.account_id == account_id,
            RECORDING_PAUSE.c.call_id == call_id,
            RECORDING_PAUSE.c.session_id != session_id,
            PAYMENT_SESSION.c.state.in_(_AT_WORK),
        )
        .limit(1)
    ).first()
    return row is not None
