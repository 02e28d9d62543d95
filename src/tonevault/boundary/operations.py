"""What follows a charge: its capture, its void, its refunds. Each has an id of its own, and happens once for it."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, model_validator

from tonevault.boundary.charges import Amount
from tonevault.boundary.message import Message
from tonevault.boundary.text import Account, Charge, Name, Operation, Reference, Words
from tonevault.kernel.ids import CAPTURE, REFUND, VOID


class OperationKind(StrEnum):
    """Take what is held; let it go; give back what was taken."""

    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"

    @property
    def prefix(self) -> str:
        """Of the ids of this kind."""
        return {OperationKind.CAPTURE: CAPTURE, OperationKind.VOID: VOID, OperationKind.REFUND: REFUND}[self]


class OperationState(StrEnum):
    """As with a charge: `unknown` is a gateway that fell silent, and is settled by looking it up."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    UNKNOWN = "unknown"


class OperationRequest(Message):
    """Do something with a charge. `operation_id` is made by the desk and is the idempotency key. Without `amount`: all there is.

    What is not begun by `begin_by` never will be, as with a charge.
    """

    operation_id: Operation
    account_id: Account
    charge_id: Charge
    kind: OperationKind
    amount: Amount | None = None
    reason: Words = ""
    begin_by: AwareDatetime | None = None

    @model_validator(mode="after")
    def _is_named_by_its_kind(self) -> "OperationRequest":
        if not self.operation_id.startswith(f"{self.kind.prefix}_"):
            raise ValueError("operation_id: has the prefix of another kind")
        return self


class OperationResult(Message):
    """How it stands. `code` tells why it was declined or failed."""

    operation_id: Operation
    account_id: Account
    charge_id: Charge
    kind: OperationKind
    amount: Amount
    state: OperationState
    code: Name | None = None
    gateway_reference: Reference | None = None
    reason: Words = ""
    created_at: datetime
    updated_at: datetime
