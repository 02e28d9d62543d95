"""Records events in the transaction of what they tell, and follows them: first those missed, then live ones, none twice."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from typing import Final

from pydantic import JsonValue
from sqlalchemy import Connection

from tonevault.desk.events import store
from tonevault.desk.events.hub import EventHub, Subscription
from tonevault.desk.events.model import Event, EventType, Numbered
from tonevault.desk.json_text import to_plain
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.refusal import invalid, not_found
from tonevault.desk.series import EVENTS, next_number
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import EVENT, AccountId, Entropy, EventId, make_id
from tonevault.plumbing.sql import Database

BATCH: Final = 200
"""Missed events read at a time while a stream catches up."""
POLL_S: Final = 5.0
"""How long an event that another desk node recorded may stay unseen by a silent stream of this one."""


class EventService:
    """The account's one history. `append` inside a transaction, `publish` after its commit."""

    def __init__(self, database: Database, clock: Clock, entropy: Entropy, hub: EventHub) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._hub = hub

    def append(
        self, connection: Connection, account_id: AccountId, kind: EventType, thing: object
    ) -> Numbered:
        """Record a durable event; `thing` is the dataclass that it shows. Publish what this answers once committed."""
        number, _ = next_number(connection, account_id, EVENTS)
        now = self._clock.utc()
        event_id = EventId(make_id(EVENT, epoch_ms(now), self._entropy))
        numbered = Numbered(number, Event(event_id, kind, now, to_plain(thing)))
        store.add(connection, account_id, numbered)
        return numbered

    def publish(self, account_id: AccountId, events: Iterable[Numbered]) -> None:
        """Tell whoever listens."""
        for numbered in events:
            self._hub.publish(account_id, numbered)

    def tell(self, account_id: AccountId, kind: EventType, thing: object) -> None:
        """A transient event: for those who listen now, and for nobody later."""
        self.tell_plain(account_id, kind, to_plain(thing))

    def tell_plain(self, account_id: AccountId, kind: EventType, data: Mapping[str, JsonValue]) -> None:
        """The same with data that is plain already."""
        self._hub.publish(account_id, Numbered(0, Event(None, kind, self._clock.utc(), data)))

    def tell_everybody(self, kind: EventType, data: Mapping[str, JsonValue]) -> None:
        """A transient event that concerns every account, such as the loss of the secure zone."""
        for account_id in self._hub.accounts():
            self.tell_plain(account_id, kind, data)

    async def get(self, account_id: AccountId, event_id: EventId) -> Event:
        """One durable event."""
        found = await self._database.read(lambda c: store.find(c, account_id, event_id))
        if found is None:
            raise not_found("event")
        return found.event

    async def page(self, account_id: AccountId, request: PageRequest) -> Page[Event]:
        """Durable events, newest first."""

        def read(connection: Connection) -> list[Numbered]:
            last = None
            if request.cursor is not None:
                at = store.find(connection, account_id, EventId(request.cursor))
                if at is None:
                    raise invalid("cursor", "unknown", "is not the next_cursor of a page of this list")
                last = at.number
            return store.before(connection, account_id, last, request.limit + 1)

        rows = await self._database.read(read)
        shown, more = rows[: request.limit], len(rows) > request.limit
        return Page(
            data=[each.event for each in shown],
            has_more=more,
            next_cursor=shown[-1].event.id if more else None,
        )

    async def follow(
        self, account_id: AccountId, last_seen: EventId | None = None
    ) -> AsyncGenerator[Event | None, None]:
        """Durable events after `last_seen` (None: from now on) and transient ones as they come; None every POLL_S of silence.

        Ends when the listener does not keep up: it then follows again from the last event it has seen.
        """
        with self._hub.subscribe(account_id) as subscription:
            number = await self._start(account_id, last_seen)
            yield None
            while True:
                for missed in await self._missed(account_id, number):
                    number = missed.number
                    yield missed.event
                async for event, upto in self._live(subscription, number):
                    number = upto
                    yield event
                if subscription.overrun:
                    return

    async def _start(self, account_id: AccountId, last_seen: EventId | None) -> int:
        def read(connection: Connection) -> int:
            if last_seen is None:
                return store.last_number(connection, account_id)
            found = store.find(connection, account_id, last_seen)
            return store.last_number(connection, account_id) if found is None else found.number

        return await self._database.read(read)

    async def _missed(self, account_id: AccountId, number: int) -> list[Numbered]:
        missed: list[Numbered] = []
        while True:
            after = missed[-1].number if missed else number
            batch = await self._batch(account_id, after)
            missed += batch
            if len(batch) < BATCH:
                return missed

    async def _batch(self, account_id: AccountId, number: int) -> list[Numbered]:
        return await self._database.read(lambda c: store.after(c, account_id, number, BATCH))

    async def _live(self, subscription: Subscription, number: int) -> AsyncIterator[tuple[Event | None, int]]:
        """Live events while they come without a gap; ends for a look into the database at a gap or after a silence."""
        while not subscription.overrun:
            numbered = await subscription.next(POLL_S)
            if numbered is None:
                yield None, number
                return
            if numbered.number == 0:
                yield numbered.event, number
            elif numbered.number == number + 1:
                number += 1
                yield numbered.event, number
            elif numbered.number > number:
                return
