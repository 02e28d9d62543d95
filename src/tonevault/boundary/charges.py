"""Charges: an amount, a token, a result. Declines and the unknown are values here, never errors."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

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
    """SPEC section 6. `unknown` is a gateway that fell silent; it is settled by looking the charge up."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    FAILED = "failed"
    UNKNOWN = "unknown"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class CheckResult(StrEnum):
    """What the issuer said of the security code, address or postal code."""

    PASSED = "passed"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    NOT_GIVEN = "not_given"


class ChargeRequest(Message):
    """Charge a token. `charge_id` is made by the desk and is the idempotency key: sent twice, it charges once."""

    charge_id: Charge
    account_id: Account
    token_id: Token
    amount: Amount
    description: Words = ""


class ChargeResult(Message):
    """How a charge stands. `code` tells why it was declined or failed (`insufficient_funds`, `token_not_chargeable`…)."""

    charge_id: Charge
    account_id: Account
    token_id: Token | None
    amount: Amount
    state: ChargeState
    gateway: Name
    gateway_reference: Reference | None = None
    code: Name | None = None
    security_code_check: CheckResult = CheckResult.NOT_GIVEN
    postal_code_check: CheckResult = CheckResult.NOT_GIVEN
    address_check: CheckResult = CheckResult.NOT_GIVEN
    created_at: datetime
    updated_at: datetime
