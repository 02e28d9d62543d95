"""The payment box: what the agent sees and may press for one session in its present state. Pure; the templates only lay it out."""

from dataclasses import dataclass
from typing import Final

from tonevault.boundary.captures import CaptureState, EndReason, FieldState
from tonevault.boundary.charges import ChargeState
from tonevault.desk.panel.wording import CODES, END_REASONS, FIELD_ERRORS, FIELD_TITLES
from tonevault.desk.payments.model import Card, CardToken, Charge
from tonevault.desk.sessions.model import Session, SessionField
from tonevault.kernel.card import MaskedCard
from tonevault.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Row:
    """One field."""

    name: str
    title: str
    state: str
    dots: int
    masked: str
    error: str
    button: str
    is_busy: bool
    announce: str


@dataclass(frozen=True, slots=True)
class Banner:
    """How the session came out. `tone` is good, warn or bad."""

    tone: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """Everything the payment section shows. `result` has (name, value, is it an id)."""

    title: str
    session_id: str = ""
    amount: str = ""
    banner: Banner | None = None
    result: tuple[tuple[str, str, bool], ...] = ()
    rows: tuple[Row, ...] = ()
    notice: str = ""
    can_start: bool = False
    start_label: str = "Start"
    can_complete: bool = False
    is_working: bool = False
    can_cancel: bool = False
    can_hush: bool = False
    hushed: bool = False


@dataclass(frozen=True, slots=True)
class PastPayment:
    """One line of what was done earlier on the same call."""

    tone: str
    verdict: str
    card: str
    amount: str
    token: str


def box_of(session: Session | None, *, call_is_up: bool) -> Box:
    """The box for a call's newest session; without one, or after one, it offers to start where the call is up."""
    if session is None:
        return Box("Take a payment", can_start=call_is_up)
    if session.state is CaptureState.OPEN:
        return _open(session)
    if session.state is CaptureState.COMPLETING:
        return Box(
            "Securing the card",
            session.id,
            amount_of(session),
            rows=tuple(_row(each, can_capture=False) for each in session.fields),
            is_working=True,
        )
    banner = _banner(session)
    again = session.state in {CaptureState.SUCCEEDED, CaptureState.DECLINED, CaptureState.UNKNOWN}
    return Box(
        "Payment" if session.amount is not None else "Card",
        session.id,
        amount_of(session),
        banner=banner,
        result=_result(session),
        can_start=call_is_up,
        start_label="Start New Capture" if again else "Try Again",
    )


def past_payment(session: Session) -> PastPayment:
    """A session that is over, in one line."""
    banner = _banner(session)
    token = session.token
    return PastPayment(
        banner.tone,
        banner.title,
        "" if token is None else f"{token.card.brand.title} ··{token.card.last4}",
        amount_of(session),
        "" if token is None else token.id,
    )


def amount_of(session: Session) -> str:
    """`12.50 GBP`, or nothing for a session that only takes the card."""
    if session.amount is None or session.currency is None:
        return ""
    return str(Money(session.amount, session.currency))


def _open(session: Session) -> Box:
    return Box(
        "Capture the card",
        session.id,
        amount_of(session),
        rows=tuple(_row(each, can_capture=True) for each in session.fields),
        notice=_notice(session),
        can_complete=session.can_complete,
        can_cancel=True,
        can_hush=True,
        hushed=session.hushed,
    )


def _notice(session: Session) -> str:
    if session.hushed_by_noise:
        return "The line is noisy, so the customer is muted towards you while keying. You can still be heard."
    if session.hushed:
        return "The customer is muted towards you while keying. You can still be heard."
    return ""


def _row(field: SessionField, *, can_capture: bool) -> Row:
    title = FIELD_TITLES[field.name]
    error = "" if field.error is None else FIELD_ERRORS[field.error]
    taken_before = field.state in {FieldState.CAPTURED, FieldState.FAILED} or field.attempts > 0
    button = ("Re-capture" if taken_before else "Capture") if can_capture else ""
    announce = {
        FieldState.IDLE: "",
        FieldState.CAPTURING: f"{title}: awaiting input",
        FieldState.CAPTURED: f"{title} captured",
        FieldState.FAILED: f"{title}: {error}",
    }[field.state]
    is_busy = field.state is FieldState.CAPTURING
    return Row(field.name, title, field.state, field.dots, field.masked, error, button, is_busy, announce)


def _banner(session: Session) -> Banner:
    code = "" if session.charge is None or session.charge.code is None else session.charge.code
    match session.state:
        case CaptureState.SUCCEEDED:
            detail = "This card was known already; its token is the same." if session.existing else ""
            return Banner("good", "Card securely vaulted", detail)
        case CaptureState.DECLINED:
            return Banner(
                "warn",
                "Card securely vaulted, payment declined",
                CODES.get(code, END_REASONS[EndReason.AUTHORISATION_DECLINED][1]),
            )
        case CaptureState.UNKNOWN:
            return Banner("warn", *END_REASONS[EndReason.AUTHORISATION_UNKNOWN])
        case CaptureState.CANCELED:
            return Banner("warn", *END_REASONS[session.reason or EndReason.CANCELED_BY_AGENT])
        case CaptureState.EXPIRED:
            return Banner("warn", *END_REASONS[session.reason or EndReason.SESSION_EXPIRED])
        case _:
            title, detail = END_REASONS[session.reason or EndReason.TOKENIZATION_FAILED]
            return Banner("bad", title, CODES.get(code, detail))


def _result(session: Session) -> tuple[tuple[str, str, bool], ...]:
    lines: list[tuple[str, str, bool]] = []
    if session.token is not None:
        lines += _card(session.token)
    if session.charge is not None:
        lines += _charge(session.charge)
    return tuple(lines)


def _card(token: CardToken) -> list[tuple[str, str, bool]]:
    card = token.card
    return [
        ("Card", f"{card.brand.title} {_masked(card)}", False),
        ("Expires", f"{card.exp_month:02d}/{card.exp_year % 100:02d}", False),
        ("Token", token.id, True),
    ]


def _masked(card: Card) -> str:
    return MaskedCard(
        card.brand, card.first6, card.last4, card.length, card.exp_month, card.exp_year
    ).masked_number


_CHARGE_STATES: Final = {
    ChargeState.PENDING: "On its way",
    ChargeState.SUCCEEDED: "Charged",
    ChargeState.DECLINED: "Declined",
    ChargeState.FAILED: "Not charged",
    ChargeState.UNKNOWN: "Being looked up",
    ChargeState.CANCELED: "Canceled",
    ChargeState.REFUNDED: "Refunded",
    ChargeState.PARTIALLY_REFUNDED: "Partly refunded",
}


def _charge(charge: Charge) -> list[tuple[str, str, bool]]:
    money = Money(charge.amount, charge.currency)
    return [("Result", f"{_CHARGE_STATES[charge.state]}: {money}", False), ("Charge", charge.id, True)]
