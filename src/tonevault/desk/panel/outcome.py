"""How a session came out: its banner, the lines of its result, and one line for the call's history. Pure."""

from dataclasses import dataclass
from typing import Final, assert_never

from tonevault.boundary.captures import CaptureState, EndReason, FieldState
from tonevault.boundary.charges import ChargeKind, ChargeState
from tonevault.desk.panel.wording import (
    CARD_KEPT,
    CHARGE_STATES,
    END_REASONS,
    FIELD_ERRORS,
    FIELD_TITLES,
    NO_MONEY,
)
from tonevault.desk.payments.advice import ADVICE
from tonevault.desk.payments.model import Card, Charge
from tonevault.desk.sessions.model import Session
from tonevault.kernel.card import MaskedCard
from tonevault.kernel.money import Money

SAYS_WHAT_WAS_KEPT: Final = frozenset({EndReason.AUTHORISATION_DECLINED, EndReason.AUTHORISATION_FAILED})
"""Money was asked for and none moved: the agent must hear whether the card was kept all the same."""


@dataclass(frozen=True, slots=True)
class Banner:
    """How the session came out. `tone` is good, warn or bad."""

    tone: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One line of a result. One with a `key` is an id, which can be copied."""

    name: str
    value: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class PastPayment:
    """One line of what was done earlier on the same call."""

    session_id: str
    tone: str
    verdict: str
    card: str
    amount: str
    reference: str
    token: str


def banner_of(session: Session) -> Banner:
    """What is said of a session that is over; of one that is not, only that."""
    match session.state:
        case CaptureState.SUCCEEDED:
            detail = "This card was known already; its token is the same." if session.existing else ""
            return Banner("good", "Card securely vaulted", detail)
        case CaptureState.DECLINED:
            title = "Payment declined" if session.token is None else "Card securely vaulted, payment declined"
            return Banner("warn", title, _detail(session, EndReason.AUTHORISATION_DECLINED))
        case CaptureState.UNKNOWN:
            return Banner("warn", *END_REASONS[EndReason.AUTHORISATION_UNKNOWN])
        case CaptureState.CANCELED:
            return Banner("warn", *END_REASONS[session.reason or EndReason.CANCELED_BY_AGENT])
        case CaptureState.EXPIRED:
            return Banner("warn", *END_REASONS[session.reason or EndReason.SESSION_EXPIRED])
        case CaptureState.FAILED:
            reason = session.reason or EndReason.TOKENIZATION_FAILED
            return Banner("bad", END_REASONS[reason][0], _detail(session, reason))
        case CaptureState.OPEN | CaptureState.COMPLETING:
            return Banner("warn", "In progress")
        case _:
            assert_never(session.state)


def result_of(session: Session) -> tuple[ResultLine, ...]:
    """The card, its token and what became of the money."""
    token, charge = session.token, session.charge
    lines: list[ResultLine] = []
    if token is not None:
        lines.append(ResultLine("Card", _card(token.card)))
    if charge is not None:
        lines.append(ResultLine("Result", _result(charge)))
    if token is not None:
        lines.append(ResultLine("Token", token.id, "token"))
    if charge is not None:
        lines.append(ResultLine("Charge", charge.id, "charge"))
    return tuple(lines)


def past_payment(session: Session) -> PastPayment:
    """A session that is over, in one line."""
    banner = banner_of(session)
    token = session.token
    return PastPayment(
        session.id,
        banner.tone,
        banner.title,
        "" if token is None else f"{token.card.brand.title} ··{token.card.last4}",
        amount_of(session),
        session.reference,
        "" if token is None else token.id,
    )


def amount_of(session: Session) -> str:
    """`12.50 GBP`, or nothing for a session that only takes the card."""
    if not session.amount or session.currency is None:
        return ""
    return str(Money(session.amount, session.currency))


def _detail(session: Session, reason: EndReason) -> str:
    """The advice of the charge's code, else the reason's own sentence, and what was kept."""
    code = "" if session.charge is None or session.charge.code is None else session.charge.code
    sentence = ADVICE.get(code, END_REASONS[reason][1])
    if reason is EndReason.TOO_MANY_ATTEMPTS:
        return " ".join([*_failed_fields(session), sentence])
    if reason in SAYS_WHAT_WAS_KEPT:
        return f"{sentence} {NO_MONEY if session.token is None else CARD_KEPT}"
    return sentence


def _failed_fields(session: Session) -> list[str]:
    return [
        f"{FIELD_TITLES[each.name]}: {FIELD_ERRORS[each.error].lower()}."
        for each in session.fields
        if each.state is FieldState.FAILED and each.error is not None
    ]


def _card(card: Card) -> str:
    masked = MaskedCard(
        card.brand, card.first6, card.last4, card.length, card.exp_month, card.exp_year
    ).masked_number
    return f"{card.brand.title} {masked} · {card.exp_month:02d}/{card.exp_year % 100:02d}"


def _result(charge: Charge) -> str:
    if charge.kind is ChargeKind.VERIFICATION:
        return "Card checked" if charge.state is ChargeState.SUCCEEDED else CHARGE_STATES[charge.state]
    return f"{CHARGE_STATES[charge.state]}: {Money(charge.amount, charge.currency)}"
