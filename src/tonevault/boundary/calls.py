"""Calls as the desk may see them: who, which way, since when. No header, no body, no key."""

from datetime import datetime
from enum import StrEnum

from tonevault.boundary.message import Message
from tonevault.boundary.text import Account, Call, Name, PhoneNumber, Words


class CallState(StrEnum):
    """Where a call through the edge stands."""

    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class SecuredLegs(Message):
    """On which legs voice is encrypted between the peer and the edge (SRTP, RFC 3711)."""

    customer: bool = False
    agent: bool = False


class CallView(Message):
    """One call. `caller` and `called` are None where the carrier withheld them or gave no telephone number."""

    call_id: Call
    account_id: Account
    route: Name
    state: CallState
    caller: PhoneNumber | None = None
    called: PhoneNumber | None = None
    customer_header: Words | None = None
    started_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: Name | None = None
    hushed: bool = False
    """The customer is muted towards the agent while a capture is open."""
    secured: SecuredLegs = SecuredLegs()
