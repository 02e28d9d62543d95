"""What can happen to one request at a gateway's double, and the test cards and amounts that ask for it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from tonevault.cde.gateway import Check, Verdict
from tonevault.cde.gateway_codes import Code
from tonevault.cde.gateways.simulator import outcomes
from tonevault.cde.gateways.simulator.cards import AMOUNTS, CARDS
from tonevault.cde.gateways.simulator.outcomes import Given, Outcome

KNOWN_POSTAL_CODE: Final = "10001"
KNOWN_ADDRESS: Final = "1 Main Street"
"""What the issuers of the mismatch cards have on file: with it they are approved."""


class Step(StrEnum):
    """What a request is for, in one vocabulary for every wire format."""

    PREPARE = "prepare"
    """Moves nothing and carries no decision: opening a payment, handing a card over."""
    AUTHORISE = "authorise"
    VERIFY = "verify"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    LOOK_UP = "look_up"
    LIST = "list"


class Fault(StrEnum):
    """A refusal of the whole request, spelt by each wire format in its own way. Nothing is done."""

    RATE_LIMITED = "rate_limited"
    CONFLICT = "conflict"
    BROKEN = "broken"
    """500, and nobody says whether anything was done. With `Behaviour.done` it was."""
    UNAVAILABLE = "unavailable"
    CREDENTIALS = "credentials"
    REFUSED = "refused"
    """The request as such is not accepted: certainly nothing happened."""
    GARBLED = "garbled"
    """200 with a body that is not the format's."""


FAULT_STATUSES: Final = {
    Fault.RATE_LIMITED: 429,
    Fault.CONFLICT: 409,
    Fault.BROKEN: 500,
    Fault.UNAVAILABLE: 503,
    Fault.CREDENTIALS: 401,
    Fault.REFUSED: 400,
}
"""The HTTP status of each, in wire formats that tell faults by status alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What happens to one request. The default: it arrives, is done as it says, and is answered at once."""

    arrives: bool = True
    """False: lost on the way. Nothing is done, the connection ends without an answer."""
    answers: bool = True
    """False: done, but the connection ends without an answer."""
    arrives_after_s: float = 0.0
    """The request lies about on the way for so long, and is done only then."""
    delay_s: float = 0.0
    """The answer, or the end of the connection, comes so much later than the deed."""
    decline: Code | None = None
    native: str | None = None
    """The wire format's own decline code, where the test wants one that `decline` does not name."""
    fault: Fault | None = None
    done: bool = False
    """With a fault: the deed was done all the same."""
    security_code: Check | None = None
    postal_code: Check | None = None
    address: Check | None = None
    """What the issuer's checks say; None: passed where the datum was given."""
    look_up_lag_s: float = 0.0
    """How long look-ups and lists do not see what was done."""
    silent_look_up_s: float = 0.0
    """How long look-ups of it get no answer."""
    challenge: bool = False
    """The issuer wants the card holder to authenticate."""


PLAIN: Final = Behaviour()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What came with a card, as far as the issuer's checks go."""

    security_code: bool = False
    postal_code: str | None = field(default=None, repr=False)
    address_line: str | None = field(default=None, repr=False)

    @property
    def wrong_postal_code(self) -> bool:
        """Whether one was given that the mismatch card's issuer does not know."""
        return self.postal_code not in (None, KNOWN_POSTAL_CODE)

    @property
    def wrong_address(self) -> bool:
        """The same of the address."""
        return self.address_line not in (None, KNOWN_ADDRESS)


def _of(outcome: Outcome, shown: Shown) -> Behaviour:
    strikes = {
        None: True,
        Given.CODE: shown.security_code,
        Given.POSTAL: shown.wrong_postal_code,
        Given.ADDRESS: shown.wrong_address,
        Given.ADDRESS_AND_POSTAL: shown.wrong_address or shown.wrong_postal_code,
    }[outcome.when_given]
    asks_address = outcome.when_given in (Given.ADDRESS, Given.ADDRESS_AND_POSTAL)
    asks_postal = outcome.when_given in (Given.POSTAL, Given.ADDRESS_AND_POSTAL)
    return Behaviour(
        arrives=outcome.arrives,
        answers=outcome.answers,
        delay_s=outcome.delay_s,
        decline=outcome.code if outcome.verdict is Verdict.DECLINED and strikes else None,
        fault=Fault.REFUSED if outcome.verdict is Verdict.FAILED else None,
        security_code=Check.FAILED if strikes and outcome.when_given is Given.CODE else None,
        postal_code=Check.FAILED if asks_postal and shown.wrong_postal_code else None,
        address=Check.FAILED if asks_address and shown.wrong_address else None,
        look_up_lag_s=outcome.look_up_lag_s,
        silent_look_up_s=outcome.silent_look_up_s,
    )


CHALLENGED_CARD: Final = "4000002500003155"
"""The card whose issuer wants the customer to authenticate, on the web; by telephone it is approved."""


def card_name(number: str) -> str:
    """A name for a test card by which its behaviour is found again, so that no number need be kept: its place in the table."""
    if number == CHALLENGED_CARD:
        return "challenged"
    return next((str(place) for place, card in enumerate(CARDS) if card.number.decode() == number), "plain")


def by_card(name: str, amount_minor: int, shown: Shown, *, by_telephone: bool = True) -> Behaviour:
    """What a card of this name does; then, where it would approve, what the amount asks for (docs/test-cards.md)."""
    if name == "challenged":
        return Behaviour(challenge=not by_telephone)
    outcome = CARDS[int(name)].outcome if name.isdigit() else outcomes.APPROVED
    if outcome is outcomes.APPROVED:
        outcome = AMOUNTS.get(amount_minor, outcome)
    return PLAIN if outcome is outcomes.APPROVED else _of(outcome, shown)
