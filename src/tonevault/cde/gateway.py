"""Port to the gateways: one set of verbs, outcomes as values. Adapters: `gateways/`, one file each."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from tonevault.cde.gateway_codes import FINAL, Code
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.small_field import Expiry
from tonevault.kernel.ids import AccountId
from tonevault.kernel.money import Money

__all__ = [
    "NO_BILLING",
    "Authorisation",
    "BillingDetails",
    "CardInHand",
    "Channel",
    "Check",
    "Code",
    "Feature",
    "Gateway",
    "GatewayAnswer",
    "GatewayTraits",
    "GatewayUnreachableError",
    "Hint",
    "HintAbout",
    "Initiator",
    "Kind",
    "Listed",
    "Made",
    "Terms",
    "Verdict",
    "WebhookRefusedError",
]


class Verdict(StrEnum):
    """What the gateway said. UNKNOWN: the request may have arrived and no answer did; never to be resent blindly."""

    APPROVED = "approved"
    DECLINED = "declined"
    UNKNOWN = "unknown"
    FAILED = "failed"
    """The request certainly had no effect: it never left, or the gateway refused to look at it."""
    CHALLENGED = "challenged"
    """The card holder must authenticate at `challenge_url` first. On the telephone an adapter never answers it."""


class Kind(StrEnum):
    """What a request asks for; every attempt row has one."""

    PAYMENT = "payment"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    VERIFICATION = "verification"


class Channel(StrEnum):
    """How the card came to us: the MOTO flag, or e-commerce."""

    TELEPHONE = "telephone"
    WEB = "web"


class Initiator(StrEnum):
    """Who starts a payment: the customer, card in hand; or the merchant, on a schedule or at need, with the card on file."""

    CUSTOMER = "customer"
    RECURRING = "recurring"
    UNSCHEDULED = "unscheduled"


class Feature(StrEnum):
    """A verb or a variant of one that an adapter may lack."""

    HOLD = "hold"
    """Authorise now, take later."""
    PARTIAL_CAPTURE = "partial_capture"
    VOID = "void"
    """Let a held payment go. One that was taken may be voided too, where the gateway allows it before settlement."""
    REFUND = "refund"
    PARTIAL_REFUND = "partial_refund"
    VERIFY = "verify"
    LIST = "list"
    CHALLENGE = "challenge"
    WEBHOOK = "webhook"


class Check(StrEnum):
    """Result of one verification of the card holder's data (AVS, security code)."""

    PASSED = "passed"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    NOT_GIVEN = "not_given"


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """What the issuer compares with its records (AVS). Personal data, so never shown by `repr`."""

    postal_code: str | None = field(default=None, repr=False)
    address_line: str | None = field(default=None, repr=False)


NO_BILLING: Final = BillingDetails()
"""Nothing to compare."""


@dataclass(frozen=True, slots=True)
class CardInHand:
    """A card opened for one request: the number and code stay sealed until the adapter writes them to the wire."""

    number: CardNumber
    expiry: Expiry
    security_code: SecurityCode | None
    billing: BillingDetails = NO_BILLING


@dataclass(frozen=True, slots=True)
class Terms:
    """How a payment is meant. Kept with the attempt, so that whoever must replay a request without its card can say the same."""

    take_now: bool = True
    """False: hold the money; a CAPTURE takes it later."""
    channel: Channel = Channel.TELEPHONE
    initiator: Initiator = Initiator.CUSTOMER
    keeps_card: bool = False
    """First use of a card that is kept for later charges."""
    scheme_reference: str | None = None
    """The network's id of the first authorisation of this card: merchant-initiated payments refer to it."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One attempt to move or check money. `reference` is ours, unique for this attempt, written down before the request leaves."""

    account_id: AccountId
    reference: str
    money: Money
    card: CardInHand
    terms: Terms = Terms()
    return_url: str | None = None
    """Where the card holder's browser goes after a challenge; on the web alone."""


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt of ours, as much of it as is known: what look-ups, follow-ups and cancelling go by.

    `of` is the payment that a capture, void or refund belongs to; `gateway_reference` is None where no answer ever came.
    """

    account_id: AccountId
    reference: str
    kind: Kind
    money: Money
    made_at: datetime
    gateway_reference: str | None = None
    terms: Terms = Terms()
    of: "Made | None" = None
    unwanted: Code | None = None
    """The payment is held and must be let go, for this reason: its adapter said so when it fell silent. A look-up sees to it first."""


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """The outcome of a request or look-up. `code` tells why, on anything but approval; no text of the gateway is repeated to users.

    UNKNOWN with a `code`: the payment was answered, is not wanted for that reason, and nobody knows whether it was let go. Look-ups of it
    get the code as `Made.unwanted`, and answer UNKNOWN until it was.
    """

    verdict: Verdict
    gateway_reference: str | None = None
    code: Code | None = None
    security_code_check: Check = Check.NOT_GIVEN
    postal_code_check: Check = Check.NOT_GIVEN
    address_check: Check = Check.NOT_GIVEN
    scheme_reference: str | None = None
    taken: bool = True
    """False: approved, but only held (or, for a verification, never meant to be taken)."""
    challenge_url: str | None = None
    final: bool | None = None
    """The gateway's own advice, where it gives one: True, never send this card again; False, it may pass later."""

    @property
    def is_final(self) -> bool:
        """Whether a decline is hard. The gateway's advice counts before our table."""
        return self.final if self.final is not None else self.code in FINAL


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the gateway's own list of what happened, for reconciliation. `reference` is ours, where the gateway has kept it."""

    reference: str | None
    gateway_reference: str
    kind: Kind
    money: Money
    verdict: Verdict
    at: datetime


class HintAbout(StrEnum):
    """What a webhook speaks of."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    CARD_UPDATED = "card_updated"


@dataclass(frozen=True, slots=True)
class Hint:
    """What a verified webhook tells. It is never believed for money: it is a reason to look the attempt up now.

    So duplicates and any order are harmless. `event_id` is the gateway's own id of the event. A CARD_UPDATED carries the new
    expiry and last four at most, and `gateway_reference` is then that of a payment made with the card.
    """

    event_id: str
    about: HintAbout
    reference: str | None = None
    gateway_reference: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    last4: str | None = None


class WebhookRefusedError(Exception):
    """A webhook is not the gateway's, is too old, or cannot be read. `reason` is a sentence of ours that repeats nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class GatewayTraits:
    """What an adapter can promise. `visibility_lag_s`: how long after a request a look-up may wrongly answer *not found*."""

    name: str
    idempotent: bool
    key_ttl_s: float
    visibility_lag_s: float
    features: frozenset[Feature] = frozenset()
    currencies: frozenset[str] | None = None
    """None: every currency that the kernel knows."""

    def has(self, feature: Feature) -> bool:
        """Whether the adapter can do this."""
        return feature in self.features

    def takes(self, currency: str) -> bool:
        """Whether the adapter charges in this currency."""
        return self.currencies is None or currency in self.currencies


class Gateway(Protocol):
    """A card gateway. Methods return within `timeout_s` of their settings; silence is `Verdict.UNKNOWN`, never an exception.

    What an adapter has no Feature for answers FAILED with `feature_not_supported`, and sends nothing.
    """

    @property
    def traits(self) -> GatewayTraits:
        """What this adapter can promise."""

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        """Authorise, and take the money in one step unless `terms.take_now` is False (Feature.HOLD)."""

    async def verify(self, request: Authorisation) -> GatewayAnswer:
        """Check card, security code and address for no money (Feature.VERIFY); `request.money` has amount 0."""

    async def follow_up(self, made: Made) -> GatewayAnswer:
        """CAPTURE, VOID or REFUND by `made.kind`, under `made.reference`, of the payment `made.of`, to the amount `made.money`."""

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        """What became of an attempt: an answer, UNKNOWN when the gateway cannot be asked, None for a definite *not found*."""

    async def cancel(self, made: Made) -> GatewayAnswer:
        """Call a PAYMENT off whose outcome nobody waits for any more. Looks first.

        APPROVED or DECLINED: so it had ended already, and so it stays. FAILED with `canceled`: it was not made, and never
        will be. UNKNOWN: ask again later. None is never answered: what is not found within the visibility lag is UNKNOWN.
        """

    def listed(self, account_id: AccountId, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        """The gateway's own list of approved payments, captures, voids and refunds made in `since` <= at < `until` (Feature.LIST).

        Raises GatewayUnreachableError where the list cannot be read whole.
        """

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
        """The hints of a webhook, once its signature and time are verified (Feature.WEBHOOK); header names in lower case.

        Raises WebhookRefusedError.
        """

    async def close(self) -> None:
        """Release connections."""


class GatewayUnreachableError(Exception):
    """The gateway's list could not be read: its line, its credentials or its answer failed. Says nothing of what it sent."""
