"""Braintree's objects, as far as they are read: parsed once, at the edge, out of what the SDK makes of the XML."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _aware(moment: datetime) -> datetime:
    """The SDK's times are in UTC and do not say so."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


Moment = Annotated[datetime, AfterValidator(_aware)]


class View(BaseModel):
    """Base of the views. Errors repeat no value."""

    model_config = ConfigDict(frozen=True, from_attributes=True, hide_input_in_errors=True)


class Tried(View):
    """What a sale, refund or verification says of the card: codes of processor and issuer, and their checks."""

    id: str
    status: str
    processor_response_code: str | None = None
    processor_response_type: str | None = None
    gateway_rejection_reason: str | None = None
    avs_error_response_code: str | None = None
    avs_postal_code_response_code: str | None = None
    avs_street_address_response_code: str | None = None
    cvv_response_code: str | None = None
    network_transaction_id: str | None = None


class StatusEvent(View):
    """One step of a transaction's life."""

    status: str
    timestamp: Moment
    amount: Decimal


class Transaction(Tried):
    """A sale, or the credit that a refund makes."""

    type: str
    amount: Decimal
    currency_iso_code: str
    created_at: Moment
    order_id: str | None = None
    status_history: tuple[StatusEvent, ...] = ()


class Outcome(View):
    """What a request came to: a transaction or verification, or the codes of what was invalid; both where it was declined."""

    transaction: Transaction | None = None
    verification: Tried | None = None
    invalid: tuple[str, ...] = ()
