"""Charges: an amount, a token, a result. Declines and the unknown are values here, never errors."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, model_validator

from tonevault.boundary.message import Message
from tonevault.boundary.text import Account, Charge, Name, Reference, Token, Words
from tonevault.kernel.money import MAX_AMOUNT_MINOR, Money


class Amount(Message):
    """Minor units and ISO 4217 currency."""

    amount_minor: Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT_MINOR)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    @model_validator(mode="after")
    def _is_money(self) -> "Amount":
        self.as_money()
        return self

    def as_money(self) -> Money:
        """The kernel's value; raises ValueError for a currency that is not charged in."""
        return Money(self.amount_minor, self.currency)


class ChargeState(StrEnum):
    """SPEC section 6. `unknown` is a gateway that fell silent; it is settled by looking the charge up.

    `authorised`: the money is held and not yet taken; only a charge with `capture: manual` comes there.
    """

    PENDING = "pending"
    AUTHORISED = "authorised"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


UNSETTLED: Final = frozenset({ChargeState.PENDING, ChargeState.UNKNOWN})
"""States that a charge does not stay in: what is not settled yet is looked up."""


class ChargeKind(StrEnum):
    """A payment, or a check of the card for no money."""

    PAYMENT = "payment"
    VERIFICATION = "verification"


class Taking(StrEnum):
    """When the money is taken: with the authorisation, or later by a capture of its own."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Initiator(StrEnum):
    """Who starts a charge on a token: the customer who is there, or the merchant, on a schedule or at need."""

    CUSTOMER = "customer"
    RECURRING = "recurring"
    UNSCHEDULED = "unscheduled"


class CheckResult(StrEnum):
    """What the issuer said of the security code, address or postal code."""

    PASSED = "passed"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    NOT_GIVEN = "not_given"


class ChargeRequest(Message):
    """Charge a token. `charge_id` is made by the desk and is the idempotency key: sent twice, it charges once.

    What is not begun by `begin_by` never will be (409 `not_sent`): whoever asked may have told so by then.
    """

    charge_id: Charge
    account_id: Account
    token_id: Token
    amount: Amount
    description: Words = ""
    capture: Taking = Taking.AUTOMATIC
    initiator: Initiator = Initiator.UNSCHEDULED
    begin_by: AwareDatetime | None = None


class ChargeResult(Message):
    """How a charge stands. `code` tells why it was declined or failed (`insufficient_funds`, `token_not_chargeable`…).

    `amount_captured` and `amount_refunded` are in minor units of `amount`'s currency; `is_final` tells a hard decline (True: no
    later try of this card can pass) from a soft one, and is None where nothing was declined.
    """

    charge_id: Charge
    account_id: Account
    token_id: Token | None
    kind: ChargeKind = ChargeKind.PAYMENT
    amount: Amount
    amount_captured: Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR)] = 0
    amount_refunded: Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR)] = 0
    capture: Taking = Taking.AUTOMATIC
    initiator: Initiator = Initiator.CUSTOMER
    state: ChargeState
    gateway: Name
    gateway_reference: Reference | None = None
    code: Name | None = None
    is_final: bool | None = None
    security_code_check: CheckResult = CheckResult.NOT_GIVEN
    postal_code_check: CheckResult = CheckResult.NOT_GIVEN
    address_check: CheckResult = CheckResult.NOT_GIVEN
    created_at: datetime
    updated_at: datetime
