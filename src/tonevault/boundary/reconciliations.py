"""Reconciliations: our books beside the gateway's own list for a span of time, and every movement of money on which they differ."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, model_validator

from tonevault.boundary.message import Message
from tonevault.boundary.text import Account, Charge, Name, Operation, Reconciliation, Reference
from tonevault.kernel.money import MAX_AMOUNT_MINOR

MAX_MOVEMENTS: Final = 9_999_999
"""More than a day of any merchant, and too short for a card number."""


class ReconciliationState(StrEnum):
    """At work, done, or given up because the gateway's list could not be read."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class DifferenceKind(StrEnum):
    """How the two disagree on one movement."""

    MISSING_HERE = "missing_here"
    """The gateway lists it, and we have no such attempt: made past us, or our books were lost."""
    MISSING_THERE = "missing_there"
    """Our books say it was done, and the gateway does not list it."""
    AMOUNT = "amount"
    STATE = "state"
    """The gateway has done it, and our books say that it was not."""


class Difference(Message):
    """One movement. `number` counts them from 1; amounts are in minor units, None where a side has none."""

    number: Annotated[int, Field(ge=1, le=MAX_MOVEMENTS)]
    kind: DifferenceKind
    movement: Name
    charge_id: Charge | None = None
    operation_id: Operation | None = None
    gateway_reference: Reference | None = None
    amount_here: Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR)] | None = None
    amount_there: Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    at: datetime


class ReconciliationRequest(Message):
    """Compare what was made in `since` <= at < `until`. The id is made by who asks; a span that was compared is not compared again."""

    reconciliation_id: Reconciliation
    account_id: Account
    since: datetime
    until: datetime

    @model_validator(mode="after")
    def _is_a_span(self) -> "ReconciliationRequest":
        if self.since.tzinfo is None or self.until.tzinfo is None or self.since >= self.until:
            raise ValueError("until: must be later than since, both with their zone")
        return self


class ReconciliationView(Message):
    """How a comparison stands: `compared` movements, of which `differing` differ."""

    reconciliation_id: Reconciliation
    account_id: Account
    gateway: Name
    since: datetime
    until: datetime
    state: ReconciliationState
    compared: Annotated[int, Field(ge=0, le=MAX_MOVEMENTS)] = 0
    differing: Annotated[int, Field(ge=0, le=MAX_MOVEMENTS)] = 0
    created_at: datetime
    updated_at: datetime


DIFFERENCE_PAGE: Final = 100
"""Differences in one answer of the narrow interface."""
DIFFERENCES: Final[TypeAdapter[list[Difference]]] = TypeAdapter(list[Difference])
