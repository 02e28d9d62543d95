"""What a charge and its attempts are, and how they move: every transition stands in one table. Decides; does nothing."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter, ValidationError

from tonevault.boundary.charges import Amount, ChargeRequest, ChargeResult, ChargeState, CheckResult
from tonevault.boundary.text import Reference
from tonevault.cde.gateway import Code, GatewayAnswer, Verdict
from tonevault.kernel.ids import AccountId, ChargeId, TokenId

NO_GATEWAY: Final = "none"
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

CHARGE_STATES: Final[dict[AttemptState, ChargeState]] = {
    AttemptState.NEW: ChargeState.PENDING,
    AttemptState.SENT: ChargeState.PENDING,
    AttemptState.UNKNOWN: ChargeState.UNKNOWN,
    AttemptState.APPROVED: ChargeState.SUCCEEDED,
    AttemptState.DECLINED: ChargeState.DECLINED,
    AttemptState.FAILED: ChargeState.FAILED,
}
"""What the merchant sees of an attempt's state."""

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


ADDRESS_CODES: Final = frozenset({Code.POSTAL_CODE_MISMATCH.value, Code.ADDRESS_MISMATCH.value})
"""SPEC section 5: declined for one of these on a first payment, no token is left."""


@dataclass(frozen=True, slots=True)
class StoredCharge:
    """One row of the charge table. `token_new`: the token was made for this charge, on a first payment."""

    account_id: AccountId
    charge_id: ChargeId
    token_id: TokenId
    token_new: bool
    amount: Amount
    description: str
    state: ChargeState
    gateway: str
    created_at: datetime
    updated_at: datetime
    gateway_reference: str | None = None
    code: str | None = None
    security_code_check: CheckResult = CheckResult.NOT_GIVEN
    postal_code_check: CheckResult = CheckResult.NOT_GIVEN
    address_check: CheckResult = CheckResult.NOT_GIVEN

    @property
    def drops_token(self) -> bool:
        """Whether its outcome leaves no token behind."""
        return self.token_new and self.state is ChargeState.DECLINED and self.code in ADDRESS_CODES

    def asks_the_same(self, request: ChargeRequest) -> bool:
        """Whether a request under this charge's id is the one that made it."""
        return (self.token_id, self.amount, self.description) == (
            request.token_id,
            request.amount,
            request.description,
        )

    def failed(self, fault: Fault, now: datetime) -> "StoredCharge":
        """The charge with a fault of ours."""
        return replace(self, state=ChargeState.FAILED, code=fault.value, updated_at=now)

    def after(
        self, state: AttemptState, answer: GatewayAnswer | None, fault: Fault | None, now: datetime
    ) -> "StoredCharge":
        """The charge once its attempt is in `state`, for the reason that `answer` or `fault` gives."""
        moved = replace(self, state=CHARGE_STATES[state], updated_at=now, code=fault.value if fault else None)
        if answer is None or answer.verdict is Verdict.UNKNOWN:
            return moved
        return replace(
            moved,
            gateway_reference=answer.gateway_reference,
            code=answer.code.value if answer.code else moved.code,
            security_code_check=CheckResult(answer.security_code_check.value),
            postal_code_check=CheckResult(answer.postal_code_check.value),
            address_check=CheckResult(answer.address_check.value),
        )

    def result(self) -> ChargeResult:
        """What the desk may know of it."""
        return ChargeResult(
            charge_id=self.charge_id,
            account_id=self.account_id,
            token_id=None if self.drops_token else self.token_id,
            amount=self.amount,
            state=self.state,
            gateway=self.gateway,
            gateway_reference=_shown(self.gateway_reference),
            code=self.code,
            security_code_check=self.security_code_check,
            postal_code_check=self.postal_code_check,
            address_check=self.address_check,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to a gateway. `attempt_id` is its reference there; `silent_since` when we stopped waiting for its answer."""

    account_id: AccountId
    attempt_id: str
    charge_id: ChargeId
    number: int
    state: AttemptState
    gateway: str
    node: str
    created_at: datetime
    silent_since: datetime | None = None


def new_charge(
    request: ChargeRequest, gateway: str, now: datetime, *, token_new: bool, fault: Fault | None = None
) -> StoredCharge:
    """The charge that a request asks for: pending, or failed at once for `fault`."""
    charge = StoredCharge(
        account_id=request.account_id,
        charge_id=request.charge_id,
        token_id=request.token_id,
        token_new=token_new,
        amount=request.amount,
        description=request.description,
        state=ChargeState.PENDING,
        gateway=gateway,
        created_at=now,
        updated_at=now,
    )
    return charge if fault is None else charge.failed(fault, now)


def _shown(reference: str | None) -> str | None:
    """A gateway's reference if it may cross the boundary: a long number that passes Luhn looks like a card and stays here."""
    if reference is None:
        return None
    try:
        return _REFERENCE.validate_python(reference)
    except ValidationError:
        return None
