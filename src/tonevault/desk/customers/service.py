"""Makes, changes and finds customers, and matches a call to one: by the id in its header, else by the caller's number."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from tonevault.desk.customers import store
from tonevault.desk.customers.model import Customer, CustomerDraft
from tonevault.desk.customers.phone_number import NotATelephoneNumberError, candidates, normalise
from tonevault.desk.events.model import EventType, Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.people import store as people_store
from tonevault.desk.refusal import invalid, not_found
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CUSTOMER, AccountId, CustomerId, is_id
from tonevault.plumbing.sql import Database


class CustomerService:
    """The customers of every account."""

    def __init__(self, database: Database, clock: Clock, events: EventService) -> None:
        self._database = database
        self._clock = clock
        self._events = events

    async def create(self, account_id: AccountId, customer_id: CustomerId, draft: CustomerDraft) -> Customer:
        """A new customer; the same id again answers the one that was made."""
        now = self._clock.utc()

        def create(connection: Connection) -> tuple[Customer, list[Numbered]]:
            made = store.find(connection, account_id, customer_id)
            if made is not None:
                return made, []
            clean = _normal(connection, account_id, draft)
            customer = Customer(customer_id, clean.name, clean.phone, clean.email, clean.reference, now, now)
            store.add(connection, account_id, customer)
            event = self._events.append(connection, account_id, EventType.CUSTOMER_CREATED, customer)
            return customer, [event]

        customer, events = await self._database.transact(create)
        self._events.publish(account_id, events)
        return customer

    async def update(
        self,
        account_id: AccountId,
        customer_id: CustomerId,
        change: Callable[[CustomerDraft], CustomerDraft],
    ) -> Customer:
        """Change what the merchant says of a customer; `change` is pure and may run again."""

        def save(connection: Connection) -> tuple[Customer, list[Numbered]]:
            customer = store.find(connection, account_id, customer_id)
            if customer is None:
                raise not_found("customer")
            draft = _normal(connection, account_id, change(customer.draft))
            changed = customer.changed(draft, self._clock.utc())
            if changed is customer:
                return customer, []
            store.save(connection, account_id, changed)
            return changed, [self._events.append(connection, account_id, EventType.CUSTOMER_UPDATED, changed)]

        customer, events = await self._database.transact(save)
        self._events.publish(account_id, events)
        return customer

    async def get(self, account_id: AccountId, customer_id: CustomerId) -> Customer:
        """One customer."""
        customer = await self._database.read(lambda c: store.find(c, account_id, customer_id))
        if customer is None:
            raise not_found("customer")
        return customer

    async def page(
        self, account_id: AccountId, request: PageRequest, phone: str | None = None
    ) -> Page[Customer]:
        """Customers, newest first; with `phone`, in whatever form, those with that number."""

        def read(connection: Connection) -> Page[Customer]:
            phones = None if phone is None else candidates(phone, _country(connection, account_id))
            return store.page(connection, account_id, request, phones)

        return await self._database.read(read)


def match(
    connection: Connection, account_id: AccountId, caller: str | None, header: str | None
) -> Customer | None:
    """The customer of a call. The header, which the merchant's own telephone system sets, is believed before the number."""
    if header:
        customer = (
            store.find(connection, account_id, CustomerId(header))
            if is_id(header, CUSTOMER)
            else store.find_by_reference(connection, account_id, header)
        )
        if customer is not None:
            return customer
    return store.find_by_phone(connection, account_id, candidates(caller, _country(connection, account_id)))


def _country(connection: Connection, account_id: AccountId) -> str | None:
    account = people_store.find_account(connection, account_id)
    return None if account is None else account.country_code


def _normal(connection: Connection, account_id: AccountId, draft: CustomerDraft) -> CustomerDraft:
    if not draft.phone:
        return replace(draft, phone=None)
    try:
        return replace(draft, phone=normalise(draft.phone, _country(connection, account_id)))
    except NotATelephoneNumberError as error:
        raise invalid("phone", "e164", str(error)) from None
