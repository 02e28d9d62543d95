"""The states of fields and sessions and every way between them, as data; and what crosses between the machine and its service."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tonevault.boundary.captures import BillingPart, CaptureState, EndReason, FieldState
from tonevault.boundary.charges import ChargeResult, ChargeState, CheckResult
from tonevault.boundary.tokens import TokenView


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks: `monotonic` in seconds for spans, `utc` for the calendar."""

    monotonic: float
    utc: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What vault and gateway made of a card. No token: it could not be kept, or was not wanted after a decline."""

    token: TokenView | None
    existing: bool = False
    charge: ChargeResult | None = None


class FieldEvent(StrEnum):
    """What can happen to a field."""

    START = "start"
    ACCEPT = "accept"
    REJECT = "reject"
    LEAVE = "leave"
    CONTRADICT = "contradict"
    LAPSE = "lapse"
    DISCARD = "discard"


FIELD_TRANSITIONS: Final = {
    (FieldState.IDLE, FieldEvent.START): FieldState.CAPTURING,
    (FieldState.CAPTURED, FieldEvent.START): FieldState.CAPTURING,
    (FieldState.FAILED, FieldEvent.START): FieldState.CAPTURING,
    (FieldState.CAPTURING, FieldEvent.ACCEPT): FieldState.CAPTURED,
    (FieldState.CAPTURING, FieldEvent.REJECT): FieldState.FAILED,
    # Another field was started: what was keyed so far is gone.
    (FieldState.CAPTURING, FieldEvent.LEAVE): FieldState.IDLE,
    # The card number tells that the security code captured before it has the wrong length.
    (FieldState.CAPTURED, FieldEvent.CONTRADICT): FieldState.FAILED,
    # The security code outlived its time (PCI DSS 3.3.2 lets it live only until authorisation; we do not wait for that for ever).
    (FieldState.CAPTURED, FieldEvent.LAPSE): FieldState.IDLE,
    # The session ended without using the value.
    (FieldState.CAPTURING, FieldEvent.DISCARD): FieldState.IDLE,
    (FieldState.CAPTURED, FieldEvent.DISCARD): FieldState.IDLE,
    (FieldState.IDLE, FieldEvent.DISCARD): FieldState.IDLE,
    (FieldState.FAILED, FieldEvent.DISCARD): FieldState.FAILED,
}
"""Every way of a field. What is not here is a fault of ours and raises."""


class SessionEvent(StrEnum):
    """What can happen to a session."""

    COMPLETE = "complete"
    CANCEL = "cancel"
    CALL_END = "call_end"
    EXPIRE = "expire"
    EXHAUST = "exhaust"
    INTERRUPT = "interrupt"
    SUCCEED = "succeed"
    DECLINE = "decline"
    SILENCE = "silence"
    FAIL = "fail"
    MISMATCH = "mismatch"


SESSION_TRANSITIONS: Final = {
    (CaptureState.OPEN, SessionEvent.COMPLETE): CaptureState.COMPLETING,
    (CaptureState.OPEN, SessionEvent.CANCEL): CaptureState.CANCELED,
    (CaptureState.OPEN, SessionEvent.CALL_END): CaptureState.CANCELED,
    (CaptureState.OPEN, SessionEvent.EXPIRE): CaptureState.EXPIRED,
    (CaptureState.OPEN, SessionEvent.EXHAUST): CaptureState.FAILED,
    (CaptureState.OPEN, SessionEvent.INTERRUPT): CaptureState.FAILED,
    # A card is with the gateway: nothing but its answer, or the death of the process, ends this.
    (CaptureState.COMPLETING, SessionEvent.SUCCEED): CaptureState.SUCCEEDED,
    (CaptureState.COMPLETING, SessionEvent.DECLINE): CaptureState.DECLINED,
    (CaptureState.COMPLETING, SessionEvent.SILENCE): CaptureState.UNKNOWN,
    (CaptureState.COMPLETING, SessionEvent.FAIL): CaptureState.FAILED,
    (CaptureState.COMPLETING, SessionEvent.INTERRUPT): CaptureState.FAILED,
    # Declined for its address alone: the card is still in hand, the address can be corrected and the charge run again.
    (CaptureState.COMPLETING, SessionEvent.MISMATCH): CaptureState.OPEN,
    # A look-up at the gateway settled what was unknown.
    (CaptureState.UNKNOWN, SessionEvent.SUCCEED): CaptureState.SUCCEEDED,
    (CaptureState.UNKNOWN, SessionEvent.DECLINE): CaptureState.DECLINED,
    (CaptureState.UNKNOWN, SessionEvent.FAIL): CaptureState.FAILED,
}
"""Every way of a session. docs/capture.md draws it, and a test keeps the two together."""

LIVE: Final = frozenset({CaptureState.OPEN, CaptureState.COMPLETING})
"""The states in which a call has no room for another session."""

_CHARGE_VERDICTS: Final = {
    ChargeState.SUCCEEDED: (SessionEvent.SUCCEED, None),
    ChargeState.AUTHORISED: (SessionEvent.SUCCEED, None),
    ChargeState.REFUNDED: (SessionEvent.SUCCEED, None),
    ChargeState.PARTIALLY_REFUNDED: (SessionEvent.SUCCEED, None),
    ChargeState.DECLINED: (SessionEvent.DECLINE, EndReason.AUTHORISATION_DECLINED),
    ChargeState.PENDING: (SessionEvent.SILENCE, EndReason.AUTHORISATION_UNKNOWN),
    ChargeState.UNKNOWN: (SessionEvent.SILENCE, EndReason.AUTHORISATION_UNKNOWN),
    ChargeState.FAILED: (SessionEvent.FAIL, EndReason.AUTHORISATION_FAILED),
    ChargeState.CANCELED: (SessionEvent.FAIL, EndReason.AUTHORISATION_FAILED),
}


def verdict_on(outcome: Outcome) -> tuple[SessionEvent, EndReason | None]:
    """What an outcome means for its session. A charge decides where there is one: a decline leaves a valid token (SPEC section 5)."""
    if outcome.charge is not None:
        return _CHARGE_VERDICTS[outcome.charge.state]
    if outcome.token is not None:
        return SessionEvent.SUCCEED, None
    return SessionEvent.FAIL, EndReason.TOKENIZATION_FAILED


_PARTS: Final = {"postal_code_mismatch": BillingPart.POSTAL_CODE, "address_mismatch": BillingPart.ADDRESS}


def mismatch_of(outcome: Outcome) -> tuple[BillingPart, ...]:
    """Which parts of the address a charge was declined for; none where it was not declined for its address."""
    charge = outcome.charge
    if charge is None or charge.state is not ChargeState.DECLINED or charge.code not in _PARTS:
        return ()
    failed = [
        part
        for part, check in (
            (BillingPart.POSTAL_CODE, charge.postal_code_check),
            (BillingPart.ADDRESS, charge.address_check),
        )
        if check is CheckResult.FAILED
    ]
    return tuple(failed) or (_PARTS[charge.code],)
