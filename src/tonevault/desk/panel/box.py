"""The payment box: what the agent sees and may press for one session in its present state. Pure; the templates only lay it out."""

from dataclasses import dataclass
from typing import Final

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureState, FieldState
from tonevault.desk.panel.correction import CorrectionForm, correction_of
from tonevault.desk.panel.outcome import Banner, ResultLine, amount_of, banner_of, result_of
from tonevault.desk.panel.wording import FIELD_ERRORS, FIELD_TITLES
from tonevault.desk.recordings.model import PauseState
from tonevault.desk.sessions.model import NOT_OPENED, Session, SessionField

UNCONFIRMED: Final = "The secure zone has not confirmed the session yet. Try again, or cancel it."
WATCH_ONLY: Final = "Your role may watch, but not take payments."
AFTER_THE_ANSWER: Final = "A payment can be taken once the call is answered."
MONEY_MAY_HAVE_MOVED: Final = frozenset({CaptureState.SUCCEEDED, CaptureState.UNKNOWN})
"""After these the next capture begins empty: the same amount again would be a second payment."""
TRY_AGAIN: Final = frozenset({CaptureState.FAILED, CaptureState.CANCELED, CaptureState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Row:
    """One field. `is_busy` while its window is open: its button then only says so."""

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
class StartForm:
    """The form that opens a session, and what it is filled with at first: `amount` as typed (`12.50`).

    It `is_main` where pressing it is the next thing to do.
    """

    label: str = "Start"
    amount: str = ""
    currency: str = ""
    reference: str = ""
    is_main: bool = True


@dataclass(frozen=True, slots=True)
class Box:
    """Everything the payment section shows.

    `expires_at` is an ISO time while the session takes input; `waits` says why nothing can be done. Where it
    `awaits_fields`, a place is kept for the button that completes: nothing that can be pressed may move under a finger
    when the last field turns green.
    """

    title: str
    session_id: str = ""
    amount: str = ""
    reference: str = ""
    banner: Banner | None = None
    result: tuple[ResultLine, ...] = ()
    rows: tuple[Row, ...] = ()
    notice: str = ""
    recording: str = ""
    expires_at: str = ""
    waits: str = ""
    start: StartForm | None = None
    correction: CorrectionForm | None = None
    awaits_fields: bool = False
    can_open_again: bool = False
    can_complete: bool = False
    is_working: bool = False
    can_cancel: bool = False
    can_hush: bool = False
    hushed: bool = False


def box_of(session: Session | None, *, call: CallState, may_act: bool) -> Box:
    """The box for a call's newest session; without one, or after one, it offers to start where the call is up.

    `may_act` is false for those who only watch: they see everything and press nothing.
    """
    if session is None:
        can_start = may_act and call is CallState.ANSWERED
        return Box("Take a payment", start=StartForm() if can_start else None, waits=_waits(call, may_act))
    match session.state:
        case CaptureState.OPEN if session.revision == NOT_OPENED:
            return _unconfirmed(session, may_act=may_act)
        case CaptureState.OPEN:
            return _open(session, may_act=may_act)
        case CaptureState.COMPLETING:
            return _completing(session, may_act=may_act)
        case _:
            return _over(session, can_start=may_act and call is CallState.ANSWERED)


def _waits(call: CallState, may_act: bool) -> str:
    if call is CallState.ENDED:
        return "No payment was taken on this call."
    if not may_act:
        return WATCH_ONLY
    return AFTER_THE_ANSWER if call is CallState.RINGING else ""


def _unconfirmed(session: Session, *, may_act: bool) -> Box:
    """The secure zone fell silent while it was asked to open the session: it may have, or not."""
    return Box(
        "Opening the session",
        session.id,
        amount_of(session),
        session.reference,
        waits=UNCONFIRMED if may_act else WATCH_ONLY,
        can_open_again=may_act,
        can_cancel=may_act,
    )


def _open(session: Session, *, may_act: bool) -> Box:
    correction = correction_of(session) if may_act else None
    return Box(
        "Capture the card",
        session.id,
        amount_of(session),
        session.reference,
        rows=tuple(_row(each, can_capture=may_act) for each in session.fields),
        notice=_notice(session),
        recording=_recording(session),
        expires_at=session.expires_at.isoformat(),
        correction=correction,
        awaits_fields=may_act and correction is None and not session.can_complete,
        waits="" if may_act else WATCH_ONLY,
        can_complete=session.can_complete and may_act,
        can_cancel=may_act,
        can_hush=may_act,
        hushed=session.hushed,
    )


def _completing(session: Session, *, may_act: bool) -> Box:
    return Box(
        "Capture the card",
        session.id,
        amount_of(session),
        session.reference,
        rows=tuple(_row(each, can_capture=False) for each in session.fields),
        recording=_recording(session),
        waits="" if may_act else WATCH_ONLY,
        is_working=True,
    )


def _over(session: Session, *, can_start: bool) -> Box:
    return Box(
        "Payment" if session.amount is not None else "Card",
        session.id,
        amount_of(session),
        session.reference,
        banner=banner_of(session),
        result=result_of(session),
        start=_next_start(session) if can_start else None,
    )


def _next_start(session: Session) -> StartForm:
    """The form after a session. Where no money moved, it holds what was asked for, so that nobody types it twice."""
    label = "Try Again" if session.state in TRY_AGAIN else "Start New Capture"
    if session.state in MONEY_MAY_HAVE_MOVED:
        return StartForm(label, is_main=session.state is CaptureState.SUCCEEDED)
    typed = amount_of(session).partition(" ")[0]
    return StartForm(label, typed, session.currency or "", session.reference)


def _notice(session: Session) -> str:
    if session.hushed_by_noise:
        return (
            "You do not hear the customer while they key: the line is noisy, or its sound cannot be checked. "
            "They still hear you."
        )
    if session.hushed:
        return "You do not hear the customer while they key. They still hear you."
    return ""


def _recording(session: Session) -> str:
    match session.recording:
        case PauseState.PAUSING | PauseState.PAUSED:
            return "Recording paused"
        case PauseState.FAILED:
            return "Recording not paused; it hears beeps, no digits"
        case _:
            return ""


def _row(field: SessionField, *, can_capture: bool) -> Row:
    title = FIELD_TITLES[field.name]
    error = "" if field.error is None else FIELD_ERRORS[field.error]
    announce = {
        FieldState.IDLE: "",
        FieldState.CAPTURING: f"{title}: awaiting input.",
        FieldState.CAPTURED: f"{title} captured.",
        FieldState.FAILED: f"{title}: {error}.",
    }[field.state]
    is_busy = field.state is FieldState.CAPTURING
    button = _button(field) if can_capture else ""
    return Row(field.name, title, field.state, field.dots, field.masked, error, button, is_busy, announce)


def _button(field: SessionField) -> str:
    if field.state is FieldState.CAPTURING:
        return "Capturing"
    taken_before = field.state in {FieldState.CAPTURED, FieldState.FAILED} or field.attempts > 0
    return "Re-capture" if taken_before else "Capture"
