"""Captures: what the desk asks for, and how far the customer has come. Dots count keys; they never name one."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StrictBool

from tonevault.boundary.charges import Amount, ChargeResult, Taking
from tonevault.boundary.message import Message
from tonevault.boundary.text import Account, AddressLine, Call, Charge, PostalCode, Session, Token, Words
from tonevault.boundary.tokens import TokenUsage, TokenView
from tonevault.kernel.card import Brand


class FieldName(StrEnum):
    """The items that can be captured."""

    CARD_NUMBER = "card_number"
    EXPIRY = "expiry"
    SECURITY_CODE = "security_code"
    POSTAL_CODE = "postal_code"


class FieldState(StrEnum):
    """A field waits, takes keys, holds a checked value, or shows an error."""

    IDLE = "idle"
    CAPTURING = "capturing"
    CAPTURED = "captured"
    FAILED = "failed"


class FieldError(StrEnum):
    """Why a field is red."""

    INVALID_CARD_NUMBER = "invalid_card_number"
    INVALID_SECURITY_CODE = "invalid_security_code"
    INVALID_EXPIRY = "invalid_expiry"
    INVALID_POSTAL_CODE = "invalid_postal_code"
    INPUT_TIMEOUT = "input_timeout"
    CARD_TYPE_NOT_ACCEPTED = "card_type_not_accepted"
    POSTAL_CODE_MISMATCH = "postal_code_mismatch"
    """The issuer says that it is not the card holder's: key it again, or type the right one."""


class CaptureState(StrEnum):
    """A capture session is open, at work with the vault and gateway, or over."""

    OPEN = "open"
    COMPLETING = "completing"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class EndReason(StrEnum):
    """Why a capture that did not succeed is over."""

    TOO_MANY_ATTEMPTS = "too_many_attempts"
    TOKENIZATION_FAILED = "tokenization_failed"
    AUTHORISATION_DECLINED = "authorisation_declined"
    AUTHORISATION_UNKNOWN = "authorisation_unknown"
    AUTHORISATION_FAILED = "authorisation_failed"
    CANCELED_BY_AGENT = "canceled_by_agent"
    CALL_ENDED = "call_ended"
    SESSION_EXPIRED = "session_expired"
    INTERRUPTED = "interrupted"
    """The secure process stopped in mid-capture; what was keyed is gone."""


class BillingPart(StrEnum):
    """What the issuer compares with its records."""

    POSTAL_CODE = "postal_code"
    ADDRESS = "address"


class Billing(Message):
    """The card holder's address, as far as it is known. A postal code that is keyed on the phone counts before this one."""

    postal_code: PostalCode | None = None
    address_line: AddressLine | None = None


NO_BILLING: Final = Billing()


class CaptureRetry(Message):
    """Run the charge of a session again that was declined for its address, under a new charge id and with what was corrected.

    The security code died with the first run (PCI DSS 3.3.1): it is captured again, or this run goes without it.
    """

    charge_id: Charge
    billing: Billing = NO_BILLING
    without_security_code: StrictBool = False


class CaptureRequest(Message):
    """Open a capture session on a live call. With `amount`, completing it also charges, under `charge_id`.

    An `amount` of nothing verifies the card, where the gateway can.
    """

    session_id: Session
    account_id: Account
    call_id: Call
    fields: Annotated[tuple[FieldName, ...], Field(min_length=1, max_length=4)] = (
        FieldName.CARD_NUMBER,
        FieldName.EXPIRY,
        FieldName.SECURITY_CODE,
    )
    accepted_brands: tuple[Brand, ...] = tuple(Brand)
    amount: Amount | None = None
    charge_id: Charge | None = None
    description: Words = ""
    capture: Taking = Taking.AUTOMATIC
    billing: Billing = NO_BILLING
    token_usage: TokenUsage = TokenUsage.MULTI
    replaces: Token | None = None
    """A token whose customer has a new card: once this one is vaulted, it points there."""
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    first_digit_timeout_s: Annotated[float, Field(ge=1, le=600)] = 30.0
    inter_digit_timeout_s: Annotated[float, Field(ge=1, le=600)] = 10.0
    min_postal_code_length: Annotated[int, Field(ge=1, le=9)] = 4
    expires_at: datetime


class FieldView(Message):
    """One field: `dots` is the number of digits keyed so far; `masked` shows only once captured (`**** **** **** 4242`, `**/**`, `***`)."""

    name: FieldName
    state: FieldState
    dots: Annotated[int, Field(ge=0, le=19)] = 0
    masked: Annotated[str, Field(max_length=24, pattern=r"^[*/ ]*\d{0,4}$")] = ""
    error: FieldError | None = None
    attempts: Annotated[int, Field(ge=0, le=10)] = 0


class CaptureView(Message):
    """A capture session as it stands. `revision` grows with each change, so that a late view never replaces a newer one."""

    session_id: Session
    account_id: Account
    call_id: Call
    state: CaptureState
    fields: tuple[FieldView, ...]
    revision: int
    can_complete: bool = False
    brand: Brand | None = None
    reason: EndReason | None = None
    hushed: bool = False
    hushed_by_noise: bool = False
    token: TokenView | None = None
    existing: bool = False
    charge: ChargeResult | None = None
    mismatch: tuple[BillingPart, ...] = ()
    """Parts of the address that the issuer does not know: correct them and run the charge again while the session is open."""
    opened_at: datetime
    updated_at: datetime
    expires_at: datetime
