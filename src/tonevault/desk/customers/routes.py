"""`/v1/customers`."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Response

from tonevault.desk.customers.model import Customer, CustomerDraft
from tonevault.desk.customers.service import CustomerService
from tonevault.desk.paging import Page
from tonevault.desk.path_ids import CUSTOMER_ID
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import invalid
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body, CleanEmail, CleanName, CleanReference, PhoneText
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import CustomerId


class CustomerCreate(Body):
    """A new customer. `phone` with its country code, or national where the account has one; `reference` is your own id."""

    name: CleanName
    phone: PhoneText | None = None
    email: CleanEmail | None = None
    reference: CleanReference | None = None

    def draft(self) -> CustomerDraft:
        """As the service takes it."""
        return CustomerDraft(self.name, self.phone, self.email, self.reference)


class CustomerUpdate(Body):
    """What changes. A field that is left out stays; null empties it (but not the name)."""

    name: CleanName | None = None
    phone: PhoneText | None = None
    email: CleanEmail | None = None
    reference: CleanReference | None = None

    def change(self, draft: CustomerDraft) -> CustomerDraft:
        """The draft with what was sent put in."""
        sent = self.model_fields_set
        if "name" in sent:
            if self.name is None:
                raise invalid("name", "required", "can be changed but not emptied")
            draft = replace(draft, name=self.name)
        if "phone" in sent:
            draft = replace(draft, phone=self.phone)
        if "email" in sent:
            draft = replace(draft, email=self.email)
        if "reference" in sent:
            draft = replace(draft, reference=self.reference)
        return draft


def customer_routes(customers: CustomerService, door: Door) -> APIRouter:
    """The routes of customers."""
    router = APIRouter(prefix="/customers", tags=["customers"])

    @router.post("", status_code=201, response_model=Customer)
    async def create_customer(
        command: Annotated[Command, door.writer(Scope.CUSTOMERS_WRITE, key_required=False)],
        body: CustomerCreate,
    ) -> Response:
        """Add a customer. Calls from their number, or with their id or reference in the header, are then matched."""
        account_id, draft = command.account_id, body.draft()
        return await command.made(
            lambda letters: customers.create(account_id, CustomerId(f"cus_{letters}"), draft)
        )

    @router.get("", response_model=Page[Customer])
    async def list_customers(
        principal: Annotated[Principal, door.reader(Scope.CUSTOMERS_READ)],
        page: Paged,
        phone: Annotated[PhoneText | None, Query(description="Only those with this number.")] = None,
    ) -> Response:
        """Customers, newest first."""
        return answer(await customers.page(principal.account_id, page, phone))

    @router.get("/{customer_id}", response_model=Customer)
    async def get_customer(
        principal: Annotated[Principal, door.reader(Scope.CUSTOMERS_READ)], customer_id: str
    ) -> Response:
        """One customer."""
        return answer(await customers.get(principal.account_id, CUSTOMER_ID.read(customer_id)))

    @router.patch("/{customer_id}", response_model=Customer)
    async def update_customer(
        command: Annotated[Command, door.writer(Scope.CUSTOMERS_WRITE, key_required=False)],
        customer_id: str,
        body: CustomerUpdate,
    ) -> Response:
        """Change a customer."""
        account_id, known = command.account_id, CUSTOMER_ID.read(customer_id)
        return await command.done(lambda: customers.update(account_id, known, body.change))

    return router
