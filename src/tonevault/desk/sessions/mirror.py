"""Takes the secure zone's reports of captures into the desk: row, token, charge and events in one transaction; dots past it."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from tonevault.boundary.captures import CaptureState, CaptureView, EndReason
from tonevault.boundary.charges import ChargeResult, ChargeState
from tonevault.boundary.tokens import TokenView
from tonevault.desk.events.model import EventType, Numbered, of_session
from tonevault.desk.events.service import EventService
from tonevault.desk.payments import store as payment_store
from tonevault.desk.payments.mirror import PaymentMirror
from tonevault.desk.payments.model import new_charge
from tonevault.desk.recordings.service import RecordingService
from tonevault.desk.sessions import store
from tonevault.desk.sessions.live import LiveSessions, News
from tonevault.desk.sessions.model import AT_WORK, NOT_OPENED, Session, SessionRecord
from tonevault.desk.sessions.picture import picture
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, ChargeId, SessionId
from tonevault.plumbing.sql import Database

_OF_CHARGE = {
    ChargeState.SUCCEEDED: (CaptureState.SUCCEEDED, None),
    ChargeState.AUTHORISED: (CaptureState.SUCCEEDED, None),
    ChargeState.REFUNDED: (CaptureState.SUCCEEDED, None),
    ChargeState.PARTIALLY_REFUNDED: (CaptureState.SUCCEEDED, None),
    ChargeState.DECLINED: (CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED),
    ChargeState.FAILED: (CaptureState.FAILED, EndReason.AUTHORISATION_FAILED),
    ChargeState.CANCELED: (CaptureState.FAILED, EndReason.AUTHORISATION_FAILED),
    ChargeState.PENDING: (CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN),
    ChargeState.UNKNOWN: (CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN),
}
"""How a session came out of which only the charge is still known."""


@dataclass(frozen=True, slots=True)
class _Saved:
    """What a transaction left behind: the session as it now stands, and what to tell of it."""

    session: Session
    view: CaptureView | None
    changed: bool
    events: list[Numbered]
    moved: bool


def _run(record: SessionRecord) -> ChargeId | None:
    """The charge that the secure zone last spoke of: each run of a session has one of its own."""
    charge = None if record.view is None else record.view.charge
    return None if charge is None else charge.charge_id


class SessionMirror:
    """The only writer of a session's state."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        events: EventService,
        payments: PaymentMirror,
        recordings: RecordingService,
        live: LiveSessions,
    ) -> None:
        self._database = database
        self._clock = clock
        self._events = events
        self._payments = payments
        self._recordings = recordings
        self._live = live

    async def take(self, view: CaptureView) -> None:
        """Take in a report. One that adds only dots is told at once and written nowhere."""
        match self._live.judge(view):
            case News.STALE:
                return
            case News.KEYS:
                session = self._live.add_keys(view)
                self._events.tell(view.account_id, EventType.SESSION_UPDATED, session)
            case News.CHANGE:
                await self._save(view.account_id, lambda c: self._reported(c, view))

    async def give_up(
        self,
        account_id: AccountId,
        session_id: SessionId,
        state: CaptureState,
        reason: EndReason,
        *,
        settled: bool,
    ) -> None:
        """End a session that the secure zone says nothing of. Unless `settled`, its word still counts when it comes."""

        def work(connection: Connection) -> _Saved | None:
            record = store.find(connection, account_id, session_id)
            if record is None or record.settled:
                return None
            after = record.given_up(state, reason, self._clock.utc(), settled=settled)
            events = self._end_charge(connection, account_id, after) if settled else []
            return self._written(connection, account_id, record, after, events)

        await self._save(account_id, work)

    async def conclude(
        self, account_id: AccountId, session_id: SessionId, result: ChargeResult, token: TokenView | None
    ) -> None:
        """End a session that the secure zone has forgotten, by what became of its charge."""
        state, reason = _OF_CHARGE[result.state]

        def work(connection: Connection) -> _Saved | None:
            record = store.find(connection, account_id, session_id)
            if record is None or record.settled:
                return None
            events = self._payments.charge(connection, account_id, result, self._clock.utc())
            if token is not None:
                events += self._payments.token(connection, account_id, token, record.customer_id)
            now, settled = self._clock.utc(), state is not CaptureState.UNKNOWN
            after = record.concluded(state, reason, result.token_id, now, settled=settled)
            return self._written(connection, account_id, record, after, events)

        await self._save(account_id, work)

    async def tell(self, account_id: AccountId, session_id: SessionId) -> None:
        """Something beside the session has changed (its recording): show it again to those who watch."""

        def read(connection: Connection) -> Session | None:
            record = store.find(connection, account_id, session_id)
            return None if record is None else picture(connection, account_id, record)

        session = await self._database.read(read)
        if session is not None:
            self._events.tell(account_id, EventType.SESSION_UPDATED, self._live.newer(session))

    async def _save(self, account_id: AccountId, work: Callable[[Connection], _Saved | None]) -> None:
        saved = await self._database.transact(work)
        if saved is None:
            return
        self._live.saved(account_id, saved.view, saved.session)
        self._events.publish(account_id, saved.events)
        if saved.changed and not saved.moved:
            self._events.tell(account_id, EventType.SESSION_UPDATED, saved.session)
        if saved.session.state not in AT_WORK:
            self._recordings.wake()

    def _reported(self, connection: Connection, view: CaptureView) -> _Saved | None:
        account_id = view.account_id
        record = store.find(connection, account_id, view.session_id)
        if record is None:
            return None
        after = record.reported(view)
        if after == record:
            return _Saved(picture(connection, account_id, record), record.view, False, [], False)
        events: list[Numbered] = []
        if view.token is not None:
            events += self._payments.token(connection, account_id, view.token, record.customer_id)
        if view.charge is not None:
            events += self._charge(connection, account_id, after, view.charge)
        elif after.settled:
            events += self._end_charge(connection, account_id, after)
        return self._written(connection, account_id, record, after, events)

    def _written(
        self,
        connection: Connection,
        account_id: AccountId,
        before: SessionRecord,
        after: SessionRecord,
        events: list[Numbered],
    ) -> _Saved:
        store.save(connection, account_id, after)
        session = picture(connection, account_id, after)
        opened = before.revision == NOT_OPENED and after.revision != NOT_OPENED
        kinds = [EventType.SESSION_CREATED] if opened else []
        if session.mismatch and _run(before) != _run(after):
            kinds.append(EventType.SESSION_CORRECTION_NEEDED)
        elif after.state is not before.state:
            kinds.append(of_session(after.state))
        events += [self._events.append(connection, account_id, kind, session) for kind in kinds]
        return _Saved(session, after.view, True, events, bool(kinds))

    def _charge(
        self, connection: Connection, account_id: AccountId, record: SessionRecord, result: ChargeResult
    ) -> list[Numbered]:
        now = self._clock.utc()
        return self.intend_charge(connection, account_id, record) + self._payments.charge(
            connection, account_id, result, now
        )

    def intend_charge(
        self, connection: Connection, account_id: AccountId, record: SessionRecord
    ) -> list[Numbered]:
        """Write the charge that completing the session will make; nothing where it stands or there is no amount."""
        if record.amount is None or record.charge_id is None:
            return []
        charge = new_charge(
            record.charge_id,
            record.amount.amount_minor,
            record.amount.currency,
            record.description,
            self._clock.utc(),
            session_id=record.id,
            customer_id=record.customer_id,
            capture=record.capture,
        )
        return self._payments.intend(connection, account_id, charge)

    def drop_charge(
        self, connection: Connection, account_id: AccountId, charge_id: ChargeId
    ) -> list[Numbered]:
        """A charge of a session that was intended and never begun."""
        now = self._clock.utc()
        return self._payments.end_charge(
            connection, account_id, charge_id, state=ChargeState.CANCELED, code="not_sent", now=now
        )

    def _end_charge(
        self, connection: Connection, account_id: AccountId, record: SessionRecord
    ) -> list[Numbered]:
        if record.charge_id is None:
            return []
        found = payment_store.find_charge(connection, account_id, record.charge_id)
        if found is None or found[1] is not None:
            # A charge of which the secure zone has spoken is settled by its own reports.
            return []
        code = "session_over" if record.reason is None else record.reason.value
        now = self._clock.utc()
        return self._payments.end_charge(
            connection, account_id, record.charge_id, state=ChargeState.CANCELED, code=code, now=now
        )
