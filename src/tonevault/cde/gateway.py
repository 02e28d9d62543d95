"""Port to the gateways: one set of verbs, outcomes as values. Adapters: `gateways/`, one file each."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.small_field import Expiry
from tonevault.kernel.ids import AccountId
from tonevault.kernel.money import Money


class Verdict(StrEnum):
    """What the gateway said. UNKNOWN: the request may have arrived and no answer did; never to be resent blindly."""

    APPROVED = "approved"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    FAILED = "failed"
    """The request certainly had no effect: it never left, or the gateway refused to look at it."""


class Check(StrEnum):
    """Result of one verification of the card holder's data (AVS, security code)."""

    PASSED = "passed"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    NOT_GIVEN = "not_given"


class Code(StrEnum):
    """Our words for why: every adapter maps its gateway's own codes to these, so that users learn one list."""

    DO_NOT_HONOUR = "do_not_honour"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LIMIT_EXCEEDED = "limit_exceeded"
    LOST_CARD = "lost_card"
    STOLEN_CARD = "stolen_card"
    EXPIRED_CARD = "expired_card"
    INCORRECT_SECURITY_CODE = "incorrect_security_code"
    POSTAL_CODE_MISMATCH = "postal_code_mismatch"
    ADDRESS_MISMATCH = "address_mismatch"
    PROCESSING_ERROR = "processing_error"
    REFERENCE_REUSED = "reference_reused"
    """The gateway knows our reference with another amount; it did nothing."""
    NOT_REFUNDABLE = "not_refundable"
    """No approved payment has that much left to give back."""


@dataclass(frozen=True, slots=True)
class CardInHand:
    """A card opened for one request: the number and code stay sealed until the adapter writes them to the wire."""

    number: CardNumber
    expiry: Expiry
    security_code: SecurityCode | None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One attempt to move money. `reference` is ours, unique for this attempt, written down before the request leaves."""

    account_id: AccountId
    reference: str
    money: Money
    card: CardInHand
    merchant_initiated: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """The outcome of a request or look-up. `code` is one of `Code`, or none on approval; no text of the gateway is repeated to users."""

    verdict: Verdict
    gateway_reference: str | None = None
    code: Code | None = None
    security_code_check: Check = Check.NOT_GIVEN
    postal_code_check: Check = Check.NOT_GIVEN
    address_check: Check = Check.NOT_GIVEN


@dataclass(frozen=True, slots=True)
class GatewayTraits:
    """What an adapter can promise. `visibility_lag_s`: how long after a request a look-up may wrongly answer *not found*."""

    name: str
    idempotent: bool
    key_ttl_s: float
    visibility_lag_s: float


class Gateway(Protocol):
    """A card gateway. Methods return within `timeout_s` of their settings; silence is `Verdict.UNKNOWN`, never an exception."""

    @property
    def traits(self) -> GatewayTraits:
        """What this adapter can promise."""

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """Authorise and take the money in one step."""

    async def look_up(self, account_id: AccountId, reference: str) -> GatewayAnswer | None:
        """What became of our reference: an answer, UNKNOWN when the gateway cannot be asked, None for a definite *not found*."""

    async def refund(
        self, account_id: AccountId, reference: str, of_reference: str, money: Money
    ) -> GatewayAnswer:
        """Give money back on an approved authorisation; `of_reference` is the attempt's reference that was approved."""

    async def close(self) -> None:
        """Release connections."""
