"""The agent's commands on payment sessions: open, capture a field, complete, cancel. Each is logged, asked once, and mirrored."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from tonevault.boundary.captures import (
    NO_BILLING,
    Billing,
    CaptureRequest,
    CaptureRetry,
    CaptureState,
    CaptureView,
    EndReason,
    FieldName,
)
from tonevault.boundary.charges import Amount
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.secure_zone import SecureZone
from tonevault.desk.calls import store as call_store
from tonevault.desk.customers import store as customer_store
from tonevault.desk.customers.service import match
from tonevault.desk.events.model import Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.recordings.service import RecordingService
from tonevault.desk.refusal import Refusal, asking_the_secure_zone, invalid, is_definite, not_found
from tonevault.desk.sessions import store
from tonevault.desk.sessions.live import LiveSessions
from tonevault.desk.sessions.mirror import SessionMirror
from tonevault.desk.sessions.model import (
    AT_WORK,
    NOT_OPENED,
    Session,
    SessionDraft,
    SessionRecord,
    new_record,
)
from tonevault.desk.sessions.picture import picture
from tonevault.desk.sessions.policy import PolicyOf
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CHARGE, AccountId, CallId, ChargeId, CustomerId, SessionId
from tonevault.kernel.money import Money
from tonevault.plumbing.sql import Database


@dataclass(frozen=True, slots=True)
class Correction:
    """What a second run goes with."""

    billing: Billing = NO_BILLING
    without_security_code: bool = False


class SessionService:
    """The payment sessions of every account."""

    def __init__(
        self,
        database: Database,
        zone: SecureZone,
        clock: Clock,
        *,
        events: EventService,
        mirror: SessionMirror,
        recordings: RecordingService,
        live: LiveSessions,
        audit: AuditLog,
        policy_of: PolicyOf,
    ) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._events = events
        self._mirror = mirror
        self._recordings = recordings
        self._live = live
        self._audit = audit
        self._policy_of = policy_of

    async def open(
        self, account_id: AccountId, session_id: SessionId, draft: SessionDraft, actor: str
    ) -> Session:
        """Open a session on a live call and pause its recording; the same id again goes on where it stopped.

        Raises Refusal `call_not_live`, `session_in_progress`, `not_found` or `secure_zone_unreachable`.
        """
        if draft.replaces is not None:
            with asking_the_secure_zone():
                await self._zone.token(account_id, draft.replaces)
        record = await self._database.transact(
            lambda c: self._intend(c, account_id, session_id, draft, actor)
        )
        view = await self._open(account_id, record) if record.revision == NOT_OPENED else None
        if record.is_at_work:
            await self._recordings.pause(account_id, record.call_id, session_id, record.expires_at)
        if view is not None:
            await self._mirror.take(view)
        return await self.get(account_id, session_id)

    async def get(self, account_id: AccountId, session_id: SessionId) -> Session:
        """One session, with every dot that has come."""

        def read(connection: Connection) -> Session | None:
            record = store.find(connection, account_id, session_id)
            return None if record is None else picture(connection, account_id, record)

        session = await self._database.read(read)
        if session is None:
            raise not_found("session")
        return self._live.newer(session)

    async def page(
        self,
        account_id: AccountId,
        request: PageRequest,
        *,
        call_id: CallId | None = None,
        customer_id: CustomerId | None = None,
        state: CaptureState | None = None,
    ) -> Page[Session]:
        """Sessions, newest first."""

        def read(connection: Connection) -> Page[Session]:
            page = store.page(
                connection, account_id, request, call_id=call_id, customer_id=customer_id, state=state
            )
            sessions = [picture(connection, account_id, record) for record in page.data]
            return Page(data=sessions, has_more=page.has_more, next_cursor=page.next_cursor)

        page = await self._database.read(read)
        page.data = [self._live.newer(session) for session in page.data]
        return page

    async def start_field(
        self, account_id: AccountId, session_id: SessionId, field: FieldName, actor: str
    ) -> Session:
        """Open the capture window of a field, or take it again."""

        session = await self.get(account_id, session_id)
        if session.recording is None:
            # The process that opened the session died before it could pause.
            await self._recordings.pause(account_id, session.call_id, session_id, session.expires_at)

        def note(connection: Connection) -> list[Numbered]:
            record = _found(connection, account_id, session_id)
            if not record.is_at_work:
                raise _over()
            detail = {"field": field.value}
            self._audit.append(
                connection, account_id, actor, "capture_field", subject=session_id, detail=detail
            )
            return []

        await self._command(account_id, note)
        with asking_the_secure_zone():
            view = await self._zone.start_field(session_id, field)
        return await self._taken(account_id, view)

    async def complete(self, account_id: AccountId, session_id: SessionId, actor: str) -> Session:
        """Vault the card, and charge it where the session has an amount. A session that was completed is answered as it stands."""
        session = await self.get(account_id, session_id)
        if session.state not in (CaptureState.OPEN, CaptureState.COMPLETING):
            if session.state in (CaptureState.FAILED, CaptureState.CANCELED, CaptureState.EXPIRED):
                raise _over()
            return session
        if session.state is CaptureState.OPEN and not session.can_complete:
            raise Refusal(409, "fields_missing", "Capture every field of the session before completing it.")

        def note(connection: Connection) -> list[Numbered]:
            record = _found(connection, account_id, session_id)
            self._audit.append(connection, account_id, actor, "complete_session", subject=session_id)
            return self._mirror.intend_charge(connection, account_id, record)

        await self._command(account_id, note)
        with asking_the_secure_zone():
            view = await self._zone.complete(session_id)
        return await self._taken(account_id, view)

    async def retry(
        self,
        account_id: AccountId,
        session_id: SessionId,
        correction: Correction,
        *,
        charge_id: ChargeId,
        actor: str,
    ) -> Session:
        """Run a charge again that was declined for its address, with a better one and under a new charge id.

        Raises Refusal `nothing_to_correct`, `fields_missing`, `session_over` or `secure_zone_unreachable`.
        """
        session = await self.get(account_id, session_id)
        again = session.charge is not None and session.charge.id == charge_id
        if not session.mismatch and not again:
            raise _over() if session.state not in AT_WORK else _nothing_to_correct()

        def note(connection: Connection) -> list[Numbered]:
            record = _found(connection, account_id, session_id)
            if record.charge_id == charge_id:
                return []
            record = replace(record, charge_id=charge_id)
            store.save(connection, account_id, record)
            self._audit.append(connection, account_id, actor, "retry_session", subject=session_id)
            return self._mirror.intend_charge(connection, account_id, record)

        before = session.charge
        await self._command(account_id, note)
        request = CaptureRetry(
            charge_id=charge_id,
            billing=correction.billing,
            without_security_code=correction.without_security_code,
        )
        with asking_the_secure_zone():
            try:
                view = await self._zone.retry(session_id, request)
            except SecureZoneError as refused:
                if is_definite(refused) and not again and before is not None:
                    await self._command(
                        account_id, lambda c: self._take_back(c, account_id, session_id, charge_id, before.id)
                    )
                raise
        return await self._taken(account_id, view)

    def _take_back(
        self,
        connection: Connection,
        account_id: AccountId,
        session_id: SessionId,
        charge_id: ChargeId,
        before: ChargeId,
    ) -> list[Numbered]:
        """The second run was refused and never begun: the session has its first charge again."""
        record = _found(connection, account_id, session_id)
        if record.charge_id == charge_id:
            store.save(connection, account_id, replace(record, charge_id=before))
        return self._mirror.drop_charge(connection, account_id, charge_id)

    async def cancel(self, account_id: AccountId, session_id: SessionId, actor: str) -> Session:
        """Discard what was captured. Harmless when the session is over; should the secure zone be silent, it is told later."""
        session = await self.get(account_id, session_id)
        if session.state is not CaptureState.OPEN:
            return session

        def note(connection: Connection) -> list[Numbered]:
            record = _found(connection, account_id, session_id)
            store.save(connection, account_id, replace(record, cancel_asked=True))
            self._audit.append(connection, account_id, actor, "cancel_session", subject=session_id)
            return []

        await self._command(account_id, note)
        with asking_the_secure_zone():
            try:
                view = await self._zone.cancel(session_id)
            except SecureZoneError as refused:
                if refused.code != "not_found":
                    raise
                await self._mirror.give_up(
                    account_id,
                    session_id,
                    CaptureState.CANCELED,
                    EndReason.CANCELED_BY_AGENT,
                    settled=True,
                )
                return await self.get(account_id, session_id)
        return await self._taken(account_id, view)

    def _intend(
        self,
        connection: Connection,
        account_id: AccountId,
        session_id: SessionId,
        draft: SessionDraft,
        actor: str,
    ) -> SessionRecord:
        known = store.find(connection, account_id, session_id)
        if known is not None:
            if known.settled and known.revision == NOT_OPENED:
                raise _over()
            return known
        customer_id = _customer(connection, account_id, draft)
        policy = self._policy_of(account_id)
        amount = draft.amount
        if amount is None and policy.verifies_in is not None:
            amount = Money(0, policy.verifies_in)
        draft = replace(draft, customer_id=customer_id, fields=draft.fields or policy.fields, amount=amount)
        charge_id = None if draft.amount is None else ChargeId(f"{CHARGE}_{session_id.partition('_')[2]}")
        store.add(connection, account_id, new_record(session_id, draft, charge_id, actor, self._clock.utc()))
        self._audit.append(connection, account_id, actor, "open_session", subject=session_id)
        # Read back, so that a retry builds its request from the very same values.
        return _found(connection, account_id, session_id)

    async def _open(self, account_id: AccountId, record: SessionRecord) -> CaptureView:
        amount = record.amount
        request = CaptureRequest(
            session_id=record.id,
            account_id=account_id,
            call_id=record.call_id,
            fields=record.fields,
            accepted_brands=self._policy_of(account_id).brands,
            amount=None
            if amount is None
            else Amount(amount_minor=amount.amount_minor, currency=amount.currency),
            charge_id=record.charge_id,
            description=record.description,
            capture=record.capture,
            billing=record.billing,
            token_usage=record.usage,
            replaces=record.replaces,
            max_attempts=record.max_attempts,
            first_digit_timeout_s=record.first_digit_timeout_s,
            inter_digit_timeout_s=record.inter_digit_timeout_s,
            expires_at=record.expires_at,
        )
        with asking_the_secure_zone():
            try:
                return await self._zone.open_capture(request)
            except SecureZoneError as refused:
                if is_definite(refused):
                    await self._database.transact(lambda c: store.drop_unopened(c, account_id, record.id))
                raise

    async def _command(self, account_id: AccountId, work: Callable[[Connection], list[Numbered]]) -> None:
        self._events.publish(account_id, await self._database.transact(work))

    async def _taken(self, account_id: AccountId, view: CaptureView) -> Session:
        await self._mirror.take(view)
        return await self.get(account_id, view.session_id)


def _found(connection: Connection, account_id: AccountId, session_id: SessionId) -> SessionRecord:
    record = store.find(connection, account_id, session_id)
    if record is None:
        raise not_found("session")
    return record


def _customer(connection: Connection, account_id: AccountId, draft: SessionDraft) -> CustomerId | None:
    call = call_store.find(connection, account_id, draft.call_id)
    if call is None:
        raise not_found("call")
    if not call.is_live:
        raise Refusal(409, "call_not_live", "The call has ended; open the session on a live call.")
    if draft.customer_id is None:
        matched = match(connection, account_id, call.caller, call.customer_header)
        return None if matched is None else matched.id
    if customer_store.find(connection, account_id, draft.customer_id) is None:
        raise invalid("customer_id", "unknown", "is not a customer of this account")
    return draft.customer_id


def _nothing_to_correct() -> Refusal:
    return Refusal(
        409, "nothing_to_correct", "No charge of this session waits for a better address; see `mismatch`."
    )


def _over() -> Refusal:
    return Refusal(
        409, "session_over", "The session is over and takes no more input; open a new one on the call."
    )
