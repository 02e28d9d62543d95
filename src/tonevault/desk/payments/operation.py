"""A capture, void or refund as the API shows it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tonevault.boundary.charges import Amount
from tonevault.boundary.operations import OperationKind, OperationRequest, OperationResult, OperationState
from tonevault.desk.payments.advice import SILENCE, advice_on
from tonevault.desk.payments.model import Charge
from tonevault.desk.payments.sending import begin_by
from tonevault.kernel.ids import AccountId, ChargeId, OperationId
from tonevault.kernel.money import Money

UNSETTLED: Final = frozenset({OperationState.PENDING, OperationState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Operation:
    """What follows a charge. `amount` is in minor units; `code` says why it was declined or failed, `advice` what to do."""

    id: OperationId
    kind: OperationKind
    charge_id: ChargeId
    amount: int
    currency: str
    state: OperationState
    code: str | None
    reason: str
    gateway_reference: str | None
    created_at: datetime
    updated_at: datetime
    advice: str | None = None

    def __post_init__(self) -> None:
        advice = SILENCE if self.state is OperationState.UNKNOWN else advice_on(self.code)
        object.__setattr__(self, "advice", advice)

    @property
    def is_settled(self) -> bool:
        """Whether it is known how it came out."""
        return self.state not in UNSETTLED

    def reported(self, result: OperationResult) -> "Operation":
        """The operation after a report of the secure zone."""
        return replace(
            self,
            amount=result.amount.amount_minor,
            state=result.state,
            code=result.code,
            gateway_reference=result.gateway_reference,
            updated_at=result.updated_at,
        )

    def ended(self, code: str, now: datetime) -> "Operation":
        """The operation when the desk knows that the secure zone never began it."""
        return replace(self, state=OperationState.FAILED, code=code, updated_at=now)


@dataclass(frozen=True, slots=True)
class Wish:
    """An operation as it was asked for: without `asked`, all there is."""

    operation: Operation
    asked: int | None
    reported_at: datetime | None = None

    def request(self, account_id: AccountId) -> OperationRequest:
        """What the secure zone is asked, now and again."""
        operation = self.operation
        amount = None if self.asked is None else Amount(amount_minor=self.asked, currency=operation.currency)
        return OperationRequest(
            operation_id=operation.id,
            account_id=account_id,
            charge_id=operation.charge_id,
            kind=operation.kind,
            amount=amount,
            reason=operation.reason,
            begin_by=begin_by(operation.created_at),
        )


def wish_for(
    operation_id: OperationId,
    kind: OperationKind,
    charge: Charge,
    amount: Money | None,
    *,
    reason: str,
    now: datetime,
) -> Wish:
    """The intent, which is committed before the secure zone is asked."""
    refundable = charge.amount_captured - charge.amount_refunded
    everything = refundable if kind is OperationKind.REFUND else charge.amount
    asked = None if amount is None else amount.amount_minor
    operation = Operation(
        id=operation_id,
        kind=kind,
        charge_id=charge.id,
        amount=everything if asked is None else asked,
        currency=charge.currency,
        state=OperationState.PENDING,
        code=None,
        reason=reason,
        gateway_reference=None,
        created_at=now,
        updated_at=now,
    )
    return Wish(operation, asked)


def supersedes(result: OperationResult, wish: Wish) -> bool:
    """Whether a report is newer than the last: reports may overtake each other."""
    if wish.reported_at is None or result.updated_at > wish.reported_at:
        return True
    return result.updated_at == wish.reported_at and result.state not in UNSETTLED
