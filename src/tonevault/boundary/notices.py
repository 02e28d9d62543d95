"""What the secure zone tells the desk as it happens. A notice carries the whole view, so that a lost one is made good by the next."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from tonevault.boundary.calls import CallView
from tonevault.boundary.captures import CaptureView
from tonevault.boundary.charges import ChargeResult
from tonevault.boundary.message import Message
from tonevault.boundary.operations import OperationResult
from tonevault.boundary.reconciliations import ReconciliationView
from tonevault.boundary.tokens import TokenView


class CallChanged(Message):
    """A call rang, was answered or ended."""

    kind: Literal["call"] = "call"
    call: CallView


class CaptureChanged(Message):
    """A key was pressed, a field changed, or the session moved on."""

    kind: Literal["capture"] = "capture"
    capture: CaptureView


class ChargeChanged(Message):
    """A charge got its result, at once or by a later look-up."""

    kind: Literal["charge"] = "charge"
    charge: ChargeResult


class OperationChanged(Message):
    """A capture, void or refund began or got its result."""

    kind: Literal["operation"] = "operation"
    operation: OperationResult


class TokenChanged(Message):
    """A token expired, was replaced, or its issuer told a new expiry."""

    kind: Literal["token"] = "token"
    token: TokenView


class ReconciliationChanged(Message):
    """A comparison with the gateway's list is done, or was given up."""

    kind: Literal["reconciliation"] = "reconciliation"
    reconciliation: ReconciliationView


class Ping(Message):
    """Nothing happened for a while; the stream lives."""

    kind: Literal["ping"] = "ping"


Notice = (
    CallChanged
    | CaptureChanged
    | ChargeChanged
    | OperationChanged
    | TokenChanged
    | ReconciliationChanged
    | Ping
)
NOTICE: TypeAdapter[Notice] = TypeAdapter(Annotated[Notice, Field(discriminator="kind")])
"""One JSON object a line on the notice stream."""
