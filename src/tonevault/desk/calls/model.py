"""A call as the desk shows it, and what a newer report makes of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tonevault.boundary.calls import CallState, CallView
from tonevault.desk.customers.model import Customer
from tonevault.kernel.ids import CallId, CustomerId, SessionId

INTERRUPTED: Final = "interrupted"
"""The end reason of a call that the secure zone lost with its own process."""


@dataclass(frozen=True, slots=True)
class Secured:
    """On which legs voice is encrypted (SRTP)."""

    customer: bool = False
    agent: bool = False


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What the desk keeps of a call."""

    id: CallId
    route: str
    state: CallState
    caller: str | None
    called: str | None
    customer_header: str | None
    customer_id: CustomerId | None
    hushed: bool
    secured: Secured
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.state is not CallState.ENDED

    def reported(self, view: CallView) -> "CallRecord":
        """The call after a report. An ended call stays ended: a report of before may still arrive."""
        if not self.is_live:
            return self
        return replace(
            self,
            state=view.state,
            hushed=view.hushed,
            secured=_secured(view),
            answered_at=view.answered_at,
            ended_at=view.ended_at,
            end_reason=view.end_reason,
        )

    def lost(self, now: datetime) -> "CallRecord":
        """The call when the secure zone knows it no more."""
        return replace(self, state=CallState.ENDED, ended_at=now, end_reason=INTERRUPTED)


def _secured(view: CallView) -> Secured:
    return Secured(view.secured.customer, view.secured.agent)


def first_report(view: CallView, customer_id: CustomerId | None) -> CallRecord:
    """A call that the desk hears of for the first time."""
    return CallRecord(
        id=view.call_id,
        route=view.route,
        state=view.state,
        caller=view.caller,
        called=view.called,
        customer_header=view.customer_header,
        customer_id=customer_id,
        hushed=view.hushed,
        secured=_secured(view),
        created_at=view.started_at,
        answered_at=view.answered_at,
        ended_at=view.ended_at,
        end_reason=view.end_reason,
    )


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """A call with its customer and its newest payment session."""

    id: CallId
    route: str
    state: CallState
    caller: str | None
    called: str | None
    customer: Customer | None
    session_id: SessionId | None
    hushed: bool
    secured: Secured
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None


def shown(record: CallRecord, customer: Customer | None, session_id: SessionId | None) -> PhoneCall:
    """The call as the API shows it."""
    return PhoneCall(
        id=record.id,
        route=record.route,
        state=record.state,
        caller=record.caller,
        called=record.called,
        customer=customer,
        session_id=session_id,
        hushed=record.hushed,
        secured=record.secured,
        created_at=record.created_at,
        answered_at=record.answered_at,
        ended_at=record.ended_at,
        end_reason=record.end_reason,
    )
