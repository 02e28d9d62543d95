"""Rows of customers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from tonevault.desk.customers.model import Customer
from tonevault.desk.paging import Page, PageRequest, page_of
from tonevault.desk.schema import CUSTOMER
from tonevault.kernel.ids import AccountId, CustomerId


def _read(row: Row[Any]) -> Customer:
    return Customer(
        row.customer_id, row.name, row.phone, row.email, row.reference, row.created_at, row.updated_at
    )


def _values(customer: Customer) -> dict[str, object]:
    return {
        "name": customer.name,
        "phone": customer.phone,
        "email": customer.email,
        "reference": customer.reference,
        "updated_at": customer.updated_at,
    }


def add(connection: Connection, account_id: AccountId, customer: Customer) -> None:
    """Insert a customer."""
    values = _values(customer)
    connection.execute(
        insert(CUSTOMER).values(
            account_id=account_id, customer_id=customer.id, created_at=customer.created_at, **values
        )
    )


def save(connection: Connection, account_id: AccountId, customer: Customer) -> None:
    """Write a changed customer."""
    connection.execute(
        update(CUSTOMER)
        .where(CUSTOMER.c.account_id == account_id, CUSTOMER.c.customer_id == customer.id)
        .values(**_values(customer))
    )


def find(connection: Connection, account_id: AccountId, customer_id: CustomerId) -> Customer | None:
    """The customer, or None."""
    row = connection.execute(
        select(CUSTOMER).where(CUSTOMER.c.account_id == account_id, CUSTOMER.c.customer_id == customer_id)
    ).one_or_none()
    return None if row is None else _read(row)


def find_by_reference(connection: Connection, account_id: AccountId, reference: str) -> Customer | None:
    """The newest customer with the merchant's own id."""
    return _newest(connection, account_id, CUSTOMER.c.reference == reference)


def find_by_phone(connection: Connection, account_id: AccountId, phones: Sequence[str]) -> Customer | None:
    """The newest customer with one of these numbers."""
    return _newest(connection, account_id, CUSTOMER.c.phone.in_(phones)) if phones else None


def _newest(connection: Connection, account_id: AccountId, condition: ColumnElement[bool]) -> Customer | None:
    row = connection.execute(
        select(CUSTOMER)
        .where(CUSTOMER.c.account_id == account_id, condition)
        .order_by(CUSTOMER.c.created_at.desc(), CUSTOMER.c.customer_id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _read(row)


def page(
    connection: Connection, account_id: AccountId, request: PageRequest, phones: Sequence[str] | None
) -> Page[Customer]:
    """Customers, newest first; `phones` keeps those with one of these numbers."""
    query = select(CUSTOMER)
    if phones is not None:
        query = query.where(CUSTOMER.c.phone.in_(phones))
    order = (CUSTOMER.c.created_at, CUSTOMER.c.customer_id)
    return page_of(connection, query, account_id, request, order=order, read=_read)
