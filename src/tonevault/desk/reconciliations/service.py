"""Reconciliations: asked for by span, mirrored from the secure zone's reports; their differences are read from there."""

from datetime import datetime

from sqlalchemy import Connection

from tonevault.boundary.reconciliations import (
    ReconciliationRequest,
    ReconciliationState,
    ReconciliationView,
)
from tonevault.boundary.secure_zone import SecureZone
from tonevault.desk.events.model import EventType, Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.reconciliations import store
from tonevault.desk.reconciliations.model import (
    Reconciliation,
    ReconciliationDifference,
    difference_of,
    reconciliation_of,
)
from tonevault.desk.refusal import asking_the_secure_zone, invalid, not_found
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.sql import Database


class ReconciliationService:
    """The reconciliations of every account."""

    def __init__(
        self, database: Database, zone: SecureZone, *, events: EventService, audit: AuditLog
    ) -> None:
        self._database = database
        self._zone = zone
        self._events = events
        self._audit = audit

    async def create(
        self, account_id: AccountId, identity: str, since: datetime, until: datetime, actor: str
    ) -> Reconciliation:
        """Compare a span; one that was compared is answered as it stands. Raises Refusal."""
        if since >= until:
            raise invalid("until", "after_since", "must be later than since")
        request = ReconciliationRequest(
            reconciliation_id=identity, account_id=account_id, since=since, until=until
        )
        with asking_the_secure_zone():
            view = await self._zone.reconcile(request)
        await self._database.transact(
            lambda c: self._audit.append(c, account_id, actor, "reconcile", subject=view.reconciliation_id)
        )
        await self.take(view)
        return await self.get(account_id, view.reconciliation_id)

    async def get(self, account_id: AccountId, identity: str) -> Reconciliation:
        """One reconciliation; one that is still at work is asked after."""
        known = await self._database.read(lambda c: store.find(c, account_id, identity))
        if known is None:
            raise not_found("reconciliation")
        if known.state is not ReconciliationState.PENDING:
            return known
        with asking_the_secure_zone():
            view = await self._zone.reconciliation(account_id, identity)
        await self.take(view)
        return reconciliation_of(view)

    async def page(self, account_id: AccountId, request: PageRequest) -> Page[Reconciliation]:
        """Reconciliations, newest first."""
        return await self._database.read(lambda c: store.page(c, account_id, request))

    async def differences(
        self, account_id: AccountId, identity: str, after: int
    ) -> list[ReconciliationDifference]:
        """What differs, in order, from past number `after`."""
        with asking_the_secure_zone():
            found = await self._zone.differences(account_id, identity, after)
        return [difference_of(each) for each in found]

    async def take(self, view: ReconciliationView) -> None:
        """Take in a report of the secure zone."""

        def save(connection: Connection) -> list[Numbered]:
            known = reconciliation_of(view)
            news = store.put(connection, view.account_id, known)
            if not news or known.state is ReconciliationState.PENDING:
                return []
            kind = EventType(f"reconciliation.{known.state}")
            return [self._events.append(connection, view.account_id, kind, known)]

        self._events.publish(view.account_id, await self._database.transact(save))
