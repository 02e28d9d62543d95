"""A token and a charge, as the API shows them, and what a newer report makes of a charge."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from tonevault.boundary.charges import (
    UNSETTLED,
    ChargeKind,
    ChargeResult,
    ChargeState,
    CheckResult,
    Initiator,
    Taking,
)
from tonevault.boundary.tokens import TokenState, TokenUsage, TokenView
from tonevault.desk.payments.advice import SILENCE, advice_on
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import ChargeId, CustomerId, SessionId, TokenId


class Decline(StrEnum):
    """A hard decline is for good: this card must not be tried again. A soft one may pass later."""

    SOFT = "soft"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Card:
    """What may be known of a card (PCI DSS 3.4.1)."""

    brand: Brand
    first6: str
    last4: str
    length: int
    exp_month: int
    exp_year: int


@dataclass(frozen=True, slots=True)
class CardToken:
    """The stand-in for a stored card."""

    id: TokenId
    usage: TokenUsage
    state: TokenState
    card: Card
    customer_id: CustomerId | None
    replaced_by: TokenId | None
    created_at: datetime
    expires_at: datetime | None


def token_of(view: TokenView, customer_id: CustomerId | None) -> CardToken:
    """The desk's token from the vault's report."""
    card = view.card
    return CardToken(
        id=view.token_id,
        usage=view.usage,
        state=view.state,
        card=Card(card.brand, card.first6, card.last4, card.length, card.exp_month, card.exp_year),
        customer_id=customer_id,
        replaced_by=view.replaced_by,
        created_at=view.created_at,
        expires_at=view.expires_at,
    )


@dataclass(frozen=True, slots=True)
class Charge:
    """One attempt to move money. `code` says why it was declined or failed, and `advice` what to do about it.

    Amounts are in minor units of `currency`. `kind` is `verification` where the card was only checked.
    """

    id: ChargeId
    token: TokenId | None
    session_id: SessionId | None
    customer_id: CustomerId | None
    amount: int
    currency: str
    description: str
    state: ChargeState
    code: str | None
    gateway: str | None
    gateway_reference: str | None
    security_code_check: CheckResult
    postal_code_check: CheckResult
    address_check: CheckResult
    created_at: datetime
    updated_at: datetime
    kind: ChargeKind = ChargeKind.PAYMENT
    capture: Taking = Taking.AUTOMATIC
    initiator: Initiator = Initiator.CUSTOMER
    amount_captured: int = 0
    amount_refunded: int = 0
    decline: Decline | None = None
    schedule_id: str | None = None
    split_id: str | None = None
    advice: str | None = None

    def __post_init__(self) -> None:
        # Part of what the API shows, and always that of the code: nobody else may set it.
        advice = SILENCE if self.state is ChargeState.UNKNOWN else advice_on(self.code)
        object.__setattr__(self, "advice", advice)

    @property
    def is_settled(self) -> bool:
        """Whether it is known how the charge came out."""
        return self.state not in UNSETTLED

    def reported(self, result: ChargeResult) -> "Charge":
        """The charge after a report of the secure zone."""
        return replace(
            self,
            token=result.token_id or self.token,
            state=result.state,
            code=result.code,
            gateway=result.gateway,
            gateway_reference=result.gateway_reference,
            security_code_check=result.security_code_check,
            postal_code_check=result.postal_code_check,
            address_check=result.address_check,
            updated_at=result.updated_at,
            kind=result.kind,
            capture=result.capture,
            initiator=result.initiator,
            amount_captured=result.amount_captured,
            amount_refunded=result.amount_refunded,
            decline=decline_of(result.is_final),
        )

    def ended(self, state: ChargeState, code: str, now: datetime) -> "Charge":
        """The charge when the desk knows that the secure zone never began it."""
        return replace(self, state=state, code=code, updated_at=now)


def decline_of(is_final: bool | None) -> Decline | None:
    """Hard, soft, or no decline at all."""
    if is_final is None:
        return None
    return Decline.HARD if is_final else Decline.SOFT


def new_charge(
    charge_id: ChargeId,
    amount_minor: int,
    currency: str,
    description: str,
    now: datetime,
    *,
    token: TokenId | None = None,
    session_id: SessionId | None = None,
    customer_id: CustomerId | None = None,
    capture: Taking = Taking.AUTOMATIC,
    initiator: Initiator = Initiator.CUSTOMER,
    schedule_id: str | None = None,
    split_id: str | None = None,
) -> Charge:
    """The intent, which is committed before the secure zone is asked."""
    return Charge(
        id=charge_id,
        token=token,
        session_id=session_id,
        customer_id=customer_id,
        amount=amount_minor,
        currency=currency,
        description=description,
        state=ChargeState.PENDING,
        code=None,
        gateway=None,
        gateway_reference=None,
        security_code_check=CheckResult.NOT_GIVEN,
        postal_code_check=CheckResult.NOT_GIVEN,
        address_check=CheckResult.NOT_GIVEN,
        created_at=now,
        updated_at=now,
        kind=ChargeKind.PAYMENT if amount_minor else ChargeKind.VERIFICATION,
        capture=capture,
        initiator=initiator,
        schedule_id=schedule_id,
        split_id=split_id,
    )


def supersedes(result: ChargeResult, reported_at: datetime | None, state: ChargeState) -> bool:
    """Whether a report is newer than the last. Reports may overtake each other: a settled charge is not made pending again."""
    if reported_at is None:
        return True
    if result.updated_at != reported_at:
        return result.updated_at > reported_at
    # Refunds of one instant may differ in what they add up to: the later told counts.
    return result.state not in UNSETTLED or (result.state is not state and state in UNSETTLED)
