"""What an attempt at a gateway is, and how it moves: every transition stands in one table. Decides; does nothing."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter, ValidationError

from tonevault.boundary.text import Reference
from tonevault.cde.gateway import Code, GatewayAnswer, Kind, Verdict
from tonevault.kernel.ids import AccountId, ChargeId, OperationId

NO_GATEWAY: Final = "none"
_MOMENT: Final = timedelta(microseconds=1)
"""The finest that a time is stored."""
_REFERENCE: Final[TypeAdapter[str]] = TypeAdapter(Reference)


class AttemptState(StrEnum):
    """Where one request to a gateway stands. What is `new` has not left; what is `sent` may have arrived."""

    NEW = "new"
    SENT = "sent"
    UNKNOWN = "unknown"
    APPROVED = "approved"
    DECLINED = "declined"
    FAILED = "failed"

    @property
    def is_settled(self) -> bool:
        """Whether the outcome is known."""
        return self in (AttemptState.APPROVED, AttemptState.DECLINED, AttemptState.FAILED)


class AttemptEvent(StrEnum):
    """What can happen to an attempt."""

    SEND = "send"
    APPROVE = "approve"
    DECLINE = "decline"
    FAIL = "fail"
    FALL_SILENT = "fall_silent"


TRANSITIONS: Final[dict[tuple[AttemptState, AttemptEvent], AttemptState]] = {
    (AttemptState.NEW, AttemptEvent.SEND): AttemptState.SENT,
    (AttemptState.NEW, AttemptEvent.FAIL): AttemptState.FAILED,
    (AttemptState.SENT, AttemptEvent.APPROVE): AttemptState.APPROVED,
    (AttemptState.SENT, AttemptEvent.DECLINE): AttemptState.DECLINED,
    (AttemptState.SENT, AttemptEvent.FAIL): AttemptState.FAILED,
    (AttemptState.SENT, AttemptEvent.FALL_SILENT): AttemptState.UNKNOWN,
    (AttemptState.UNKNOWN, AttemptEvent.APPROVE): AttemptState.APPROVED,
    (AttemptState.UNKNOWN, AttemptEvent.DECLINE): AttemptState.DECLINED,
    (AttemptState.UNKNOWN, AttemptEvent.FAIL): AttemptState.FAILED,
    # A process that slept through its own settling may wake with the answer in hand: money that moved is never denied.
    (AttemptState.FAILED, AttemptEvent.APPROVE): AttemptState.APPROVED,
}
"""State and event to the next state. What is absent changes nothing: the first definite answer stands."""

EVENTS: Final[dict[Verdict, AttemptEvent]] = {
    Verdict.APPROVED: AttemptEvent.APPROVE,
    Verdict.DECLINED: AttemptEvent.DECLINE,
    Verdict.FAILED: AttemptEvent.FAIL,
    Verdict.UNKNOWN: AttemptEvent.FALL_SILENT,
    # On the telephone nobody can authenticate: an adapter that answers it anyway has made no payment.
    Verdict.CHALLENGED: AttemptEvent.DECLINE,
}
"""What a gateway's verdict does to an attempt."""


class Fault(StrEnum):
    """Why a charge failed before, or without, a word of the gateway. In each of these no money moved."""

    TOKEN_NOT_CHARGEABLE = "token_not_chargeable"  # noqa: S105 - a code, not a password
    AMOUNT_NOT_CHARGEABLE = "amount_not_chargeable"
    GATEWAY_NOT_CONFIGURED = "gateway_not_configured"
    CARD_UNREADABLE = "card_unreadable"
    """The card's key or row did not open it; the vault's log says which."""
    NOT_SENT = "not_sent"
    """The process stopped before the request left."""
    NEVER_ARRIVED = "never_arrived"
    """The gateway, asked after its visibility lag, has not seen the request."""
    SESSION_EXPIRED = "session_expired"
    """The session ended before an answer came; the gateway was told to call the payment off, and it was not made."""
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    FEATURE_NOT_SUPPORTED = "feature_not_supported"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to a gateway. `attempt_id` is its reference there; `silent_since` when we stopped waiting for its answer.

    `operation_id` and `reason` belong to captures, voids and refunds. `amount_minor` is in the currency of the charge.
    """

    account_id: AccountId
    attempt_id: str
    charge_id: ChargeId
    number: int
    kind: Kind
    amount_minor: int
    state: AttemptState
    gateway: str
    node: str
    created_at: datetime
    updated_at: datetime
    silent_since: datetime | None = None
    operation_id: OperationId | None = None
    gateway_reference: str | None = None
    code: str | None = None
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it has moved money or still may."""
        return self.state not in (AttemptState.DECLINED, AttemptState.FAILED)

    def after(
        self, state: AttemptState, answer: GatewayAnswer | None, fault: Fault | None, now: datetime
    ) -> "Attempt":
        """The attempt once it is in `state`, for the reason that `answer` or `fault` gives. The first silence is kept."""
        code = fault.value if fault else None
        return replace(
            self,
            state=state,
            updated_at=later(self.updated_at, now),
            silent_since=self.silent_since or (now if state is AttemptState.UNKNOWN else None),
            gateway_reference=answer.gateway_reference
            if answer and tells(answer)
            else self.gateway_reference,
            code=code_of(answer) if answer and tells(answer) else code,
        )

    @property
    def unwanted(self) -> Code | None:
        """Why it must be let go, where its adapter could not see to it at once."""
        return Code(self.code) if self.state is AttemptState.UNKNOWN and self.code else None


def later(last: datetime, now: datetime) -> datetime:
    """When something changed that had changed at `last`: after that, for reports are ordered by it, and clocks go back or differ."""
    return max(now, last + _MOMENT)


def tells(answer: GatewayAnswer) -> bool:
    """Whether an answer says anything: silence may still say that the payment is not wanted."""
    return answer.verdict is not Verdict.UNKNOWN or answer.code is not None


def code_of(answer: GatewayAnswer) -> str | None:
    """Why an answer is no approval. On the telephone nobody can meet a challenge, so it is a decline that says so."""
    if answer.verdict is Verdict.CHALLENGED:
        return Code.AUTHENTICATION_REQUIRED.value
    return answer.code.value if answer.code else None


def shown(reference: str | None) -> str | None:
    """A gateway's reference if it may cross the boundary: a long number that passes Luhn looks like a card and stays here."""
    if reference is None:
        return None
    try:
        return _REFERENCE.validate_python(reference)
    except ValidationError:
        return None
