"""Events. Durable ones have a number and an id and can be read again; transient ones (dots) live for those who listen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import JsonValue

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureState
from tonevault.boundary.charges import ChargeState
from tonevault.boundary.operations import OperationState
from tonevault.kernel.ids import EventId


class EventType(StrEnum):
    """What an event tells; its data is the thing itself as the API shows it. `*.updated` of a session or a call is transient."""

    CUSTOMER_CREATED = "customer.created"
    CUSTOMER_UPDATED = "customer.updated"
    CALL_RINGING = "call.ringing"
    CALL_ANSWERED = "call.answered"
    CALL_ENDED = "call.ended"
    CALL_UPDATED = "call.updated"
    SESSION_CREATED = "session.created"
    SESSION_UPDATED = "session.updated"
    SESSION_COMPLETING = "session.completing"
    SESSION_SUCCEEDED = "session.succeeded"
    SESSION_DECLINED = "session.declined"
    SESSION_UNKNOWN = "session.unknown"
    SESSION_FAILED = "session.failed"
    SESSION_CANCELED = "session.canceled"
    SESSION_EXPIRED = "session.expired"
    TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an event
    TOKEN_UPDATED = "token.updated"  # noqa: S105 - the name of an event
    CHARGE_CREATED = "charge.created"
    CHARGE_UPDATED = "charge.updated"
    CHARGE_SUCCEEDED = "charge.succeeded"
    CHARGE_DECLINED = "charge.declined"
    CHARGE_FAILED = "charge.failed"
    CHARGE_UNKNOWN = "charge.unknown"
    CHARGE_CANCELED = "charge.canceled"
    CHARGE_AUTHORISED = "charge.authorised"
    CHARGE_REFUNDED = "charge.refunded"
    REFUND_CREATED = "refund.created"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_DECLINED = "refund.declined"
    REFUND_FAILED = "refund.failed"
    REFUND_UNKNOWN = "refund.unknown"
    SESSION_CORRECTION_NEEDED = "session.correction_needed"
    SCHEDULE_CREATED = "schedule.created"
    SCHEDULE_UPDATED = "schedule.updated"
    SCHEDULE_ENDED = "schedule.ended"
    SPLIT_CREATED = "split.created"
    SPLIT_SUCCEEDED = "split.succeeded"
    SPLIT_FAILED = "split.failed"
    RECONCILIATION_DONE = "reconciliation.done"
    RECONCILIATION_FAILED = "reconciliation.failed"
    SECURE_ZONE_UP = "secure_zone.up"
    SECURE_ZONE_DOWN = "secure_zone.down"


def of_call(state: CallState) -> EventType:
    """The event of a call that came into this state."""
    return EventType(f"call.{state}")


def of_session(state: CaptureState) -> EventType:
    """The event of a session that came into this state."""
    return EventType.SESSION_UPDATED if state is CaptureState.OPEN else EventType(f"session.{state}")


def of_charge(state: ChargeState) -> EventType:
    """The event of a charge that came into this state."""
    match state:
        case ChargeState.PENDING:
            return EventType.CHARGE_UPDATED
        case ChargeState.PARTIALLY_REFUNDED:
            return EventType.CHARGE_REFUNDED
        case _:
            return EventType(f"charge.{state}")


def of_refund(state: OperationState) -> EventType:
    """The event of a refund that came into this state."""
    return EventType.REFUND_CREATED if state is OperationState.PENDING else EventType(f"refund.{state}")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `id` is None for a transient one."""

    id: EventId | None
    type: EventType
    created_at: datetime
    data: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event with its place in the account's series, which ids alone do not give; 0 for a transient one."""

    number: int
    event: Event
