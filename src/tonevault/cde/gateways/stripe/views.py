"""Stripe's objects, as far as they are read: parsed once, at the edge. What does not fit is refused, and taken for no answer."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict


class View(BaseModel):
    """Base of the views. Unknown fields are dropped; errors repeat no value."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


def _object_or_none(value: object) -> object:
    return value if isinstance(value, dict) else None


def _id(value: object) -> object:
    return value.get("id") if isinstance(value, dict) else value


Id = Annotated[str | None, BeforeValidator(_id)]
"""The id of an object that stands there by its id, or whole where it was asked to."""
Metadata = Annotated[dict[str, str], BeforeValidator(lambda value: value or {})]


class Checks(View):
    """Each of `pass`, `fail`, `unavailable`, `unchecked`, or None for what was not given."""

    address_line1_check: str | None = None
    address_postal_code_check: str | None = None
    cvc_check: str | None = None


class CardDetails(View):
    """What became of the card in an attempt."""

    checks: Checks | None = None
    network_transaction_id: str | None = None


class MethodDetails(View):
    """The details of the method that was used; a card, always."""

    card: CardDetails | None = None


class ChargeOutcome(View):
    """Who decided: `type` is `blocked` where Stripe or the merchant's own rules refused before or after the issuer."""

    type: str | None = None
    reason: str | None = None


class Attempted(View):
    """The charge of a PaymentIntent, or the attempt of a SetupIntent."""

    id: str
    status: str | None = None
    payment_method_details: MethodDetails | None = None
    outcome: ChargeOutcome | None = None

    @property
    def card(self) -> CardDetails:
        """The card's details, empty where there are none."""
        return (self.payment_method_details and self.payment_method_details.card) or CardDetails()


class Trouble(View):
    """Why an attempt failed."""

    type: str | None = None
    code: str | None = None
    decline_code: str | None = None
    advice_code: str | None = None


class Redirect(View):
    """Where the customer authenticates."""

    url: str | None = None


class NextAction(View):
    """What must happen next."""

    redirect_to_url: Redirect | None = None


class Intent(View):
    """A PaymentIntent or SetupIntent."""

    id: str
    status: str
    amount: int = 0
    amount_received: int = 0
    currency: str | None = None
    created: int
    metadata: Metadata = {}
    latest_charge: Annotated[Attempted | None, BeforeValidator(_object_or_none)] = None
    latest_attempt: Annotated[Attempted | None, BeforeValidator(_object_or_none)] = None
    last_payment_error: Trouble | None = None
    last_setup_error: Trouble | None = None
    next_action: NextAction | None = None

    @property
    def challenge_url(self) -> str | None:
        """Where the card holder authenticates, where that is a page."""
        redirect = self.next_action.redirect_to_url if self.next_action else None
        return redirect.url if redirect else None

    @property
    def moves_money(self) -> bool:
        """Whether it is a PaymentIntent, and not a SetupIntent, which only verifies."""
        return self.id.startswith("pi_")

    @property
    def attempted(self) -> Attempted | None:
        """The newest attempt, where it was asked for whole."""
        return self.latest_charge or self.latest_attempt

    @property
    def trouble(self) -> Trouble | None:
        """Why the newest attempt failed."""
        return self.last_payment_error or self.last_setup_error


class Refund(View):
    """A refund."""

    id: str
    status: str | None = None
    amount: int
    currency: str
    created: int
    payment_intent: Id = None
    metadata: Metadata = {}


class Subject(View):
    """What an event is about: a PaymentIntent, charge, refund or dispute."""

    object: str
    id: str
    amount: int = 0
    amount_received: int = 0
    currency: str | None = None
    payment_intent: Id = None
    latest_charge: Id = None
    capture_method: str | None = None
    status: str | None = None
    metadata: Metadata = {}


class EventData(View):
    """The subject of an event, as it was then."""

    object: Subject


class Event(View):
    """Something that happened at Stripe."""

    id: str
    type: str
    created: int
    data: EventData
