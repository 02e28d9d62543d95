"""Mirrors the secure zone's calls, matches customers to them, and mutes a customer towards the agent."""

from sqlalchemy import Connection

from tonevault.boundary.calls import CallView
from tonevault.boundary.secure_zone import SecureZone
from tonevault.desk.calls import store
from tonevault.desk.calls.model import CallRecord, PhoneCall, first_report, shown
from tonevault.desk.customers import store as customer_store
from tonevault.desk.customers.service import match
from tonevault.desk.events.model import EventType, Numbered, of_call
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.people import store as people_store
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.refusal import Refusal, asking_the_secure_zone, not_found
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, CallId
from tonevault.plumbing.sql import Database


class CallService:
    """The calls of every account."""

    def __init__(
        self, database: Database, zone: SecureZone, clock: Clock, events: EventService, audit: AuditLog
    ) -> None:
        self._database = database
        self._zone = zone
        self._clock = clock
        self._events = events
        self._audit = audit

    async def get(self, account_id: AccountId, call_id: CallId) -> PhoneCall:
        """One call."""

        def read(connection: Connection) -> PhoneCall | None:
            record = store.find(connection, account_id, call_id)
            return None if record is None else _shown(connection, account_id, record)

        call = await self._database.read(read)
        if call is None:
            raise not_found("call")
        return call

    async def page(
        self, account_id: AccountId, request: PageRequest, *, live: bool | None = None
    ) -> Page[PhoneCall]:
        """Calls, newest first; `live` keeps those that are up, or those that are over."""

        def read(connection: Connection) -> Page[PhoneCall]:
            page = store.page(connection, account_id, request, live=live)
            calls = [_shown(connection, account_id, record) for record in page.data]
            return Page(data=calls, has_more=page.has_more, next_cursor=page.next_cursor)

        return await self._database.read(read)

    async def set_hush(self, account_id: AccountId, call_id: CallId, actor: str, *, on: bool) -> PhoneCall:
        """Mute the customer towards the agent while a capture is open, or let both talk."""
        call = await self.get(account_id, call_id)
        if call.ended_at is not None:
            raise Refusal(409, "call_not_live", "The call has ended; hush works on a live call.")
        with asking_the_secure_zone():
            view = await self._zone.set_hush(call_id, on=on)
        action = "hush_call" if on else "unhush_call"
        await self._database.transact(
            lambda c: self._audit.append(c, account_id, actor, action, subject=call_id)
        )
        await self.mirror(view)
        return await self.get(account_id, call_id)

    async def mirror(self, view: CallView) -> None:
        """Take in a report of the secure zone and tell what is new in it."""
        account_id = view.account_id

        def save(connection: Connection) -> tuple[PhoneCall | None, list[Numbered]]:
            # A route of the secure zone may name an account that the desk was never told of.
            if people_store.find_account(connection, account_id) is None:
                return None, []
            known = store.find(connection, account_id, view.call_id)
            if known is None:
                customer = match(connection, account_id, view.caller, view.customer_header)
                call = first_report(view, None if customer is None else customer.id)
                store.add(connection, account_id, call)
            else:
                call = known.reported(view)
                if call == known:
                    return None, []
                store.save(connection, account_id, call)
            seen = _shown(connection, account_id, call)
            if known is not None and known.state is call.state:
                return seen, []
            return None, [self._events.append(connection, account_id, of_call(call.state), seen)]

        updated, events = await self._database.transact(save)
        self._events.publish(account_id, events)
        if updated is not None:
            self._events.tell(account_id, EventType.CALL_UPDATED, updated)

    async def live_everywhere(self) -> list[tuple[AccountId, CallRecord]]:
        """Calls that are up as far as the desk knows."""
        return await self._database.read(store.live_everywhere)

    async def lose(self, account_id: AccountId, call_id: CallId) -> None:
        """End a call that the secure zone knows no more."""

        def save(connection: Connection) -> list[Numbered]:
            known = store.find(connection, account_id, call_id)
            if known is None or not known.is_live:
                return []
            call = known.lost(self._clock.utc())
            store.save(connection, account_id, call)
            seen = _shown(connection, account_id, call)
            return [self._events.append(connection, account_id, EventType.CALL_ENDED, seen)]

        self._events.publish(account_id, await self._database.transact(save))


def _shown(connection: Connection, account_id: AccountId, record: CallRecord) -> PhoneCall:
    if record.customer_id is not None:
        customer = customer_store.find(connection, account_id, record.customer_id)
    elif record.is_live:
        # The agent may add the caller as a customer in mid-call.
        customer = match(connection, account_id, record.caller, record.customer_header)
    else:
        customer = None
    return shown(record, customer, store.newest_session(connection, account_id, record.id))
