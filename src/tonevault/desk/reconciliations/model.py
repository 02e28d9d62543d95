"""A reconciliation and its differences, as the API shows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tonevault.boundary.reconciliations import (
    Difference,
    DifferenceKind,
    ReconciliationState,
    ReconciliationView,
)
from tonevault.kernel.ids import ChargeId

ADVICE: Final = {
    DifferenceKind.MISSING_HERE: (
        "The gateway moved this money and we know nothing of it. See who made it there; refund it there if nobody did."
    ),
    DifferenceKind.MISSING_THERE: (
        "Our books have this and the gateway does not list it. Ask the gateway about it before charging again."
    ),
    DifferenceKind.AMOUNT: "The two sides have different amounts. What the gateway says has moved; ask it about the reference.",
    DifferenceKind.STATE: (
        "The gateway did this and our books say that it was not done. Refund it there if it is not wanted."
    ),
}
"""What to do about each kind."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One comparison of a span: `compared` movements, of which `differing` differ."""

    id: str
    gateway: str
    since: datetime
    until: datetime
    state: ReconciliationState
    compared: int
    differing: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ReconciliationDifference:
    """One movement on which the two disagree; amounts in minor units, None where a side has none."""

    number: int
    kind: DifferenceKind
    movement: str
    charge_id: ChargeId | None
    gateway_reference: str | None
    amount_here: int | None
    amount_there: int | None
    currency: str
    at: datetime
    advice: str


def reconciliation_of(view: ReconciliationView) -> Reconciliation:
    """The desk's picture of the secure zone's report."""
    return Reconciliation(
        id=view.reconciliation_id,
        gateway=view.gateway,
        since=view.since,
        until=view.until,
        state=view.state,
        compared=view.compared,
        differing=view.differing,
        created_at=view.created_at,
        updated_at=view.updated_at,
    )


def difference_of(view: Difference) -> ReconciliationDifference:
    """The same of one difference."""
    return ReconciliationDifference(
        number=view.number,
        kind=view.kind,
        movement=view.movement,
        charge_id=view.charge_id,
        gateway_reference=view.gateway_reference,
        amount_here=view.amount_here,
        amount_there=view.amount_there,
        currency=view.currency,
        at=view.at,
        advice=ADVICE[view.kind],
    )
