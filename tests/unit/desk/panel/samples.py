"""Sessions, calls and charges in any state, for tests of what the panel makes of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureState, EndReason, FieldError, FieldName, FieldState
from tonevault.boundary.charges import ChargeState
from tonevault.boundary.tokens import TokenState, TokenUsage
from tonevault.desk.calls.model import PhoneCall, Secured
from tonevault.desk.payments.model import Card, CardToken, Charge, new_charge
from tonevault.desk.sessions.model import DEFAULT_FIELDS, Session, SessionField
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import CallId, ChargeId, SessionId, TokenId

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
CALL_ID = CallId("call_" + "c" * 28)
CARD = Card(Brand.VISA, "424242", "4242", 16, 12, 2030)
TOKEN = CardToken(
    TokenId("tok_" + "t" * 28), TokenUsage.MULTI, TokenState.ACTIVE, CARD, None, None, NOW, None
)
IDLE = SessionField(FieldName.CARD_NUMBER, FieldState.IDLE, 0, "", None, 0)


def field(
    name: FieldName = FieldName.CARD_NUMBER,
    state: FieldState = FieldState.IDLE,
    *,
    dots: int = 0,
    error: FieldError | None = None,
    attempts: int = 0,
) -> SessionField:
    masked = "**** **** **** 4242" if state is FieldState.CAPTURED else ""
    return SessionField(name, state, dots, masked, error, attempts)


def charge(state: ChargeState, code: str | None = None) -> Charge:
    made = new_charge(ChargeId("ch_" + "h" * 28), 1250, "GBP", "", NOW)
    return replace(made, state=state, code=code)


def session(
    state: CaptureState = CaptureState.OPEN,
    reason: EndReason | None = None,
    **changes: object,
) -> Session:
    fields = tuple(field(name) for name in DEFAULT_FIELDS)
    made = Session(
        id=SessionId("ps_" + "s" * 28),
        call_id=CALL_ID,
        customer_id=None,
        state=state,
        reason=reason,
        amount=1250,
        currency="GBP",
        reference="Invoice 1042",
        description="",
        usage=TokenUsage.MULTI,
        max_attempts=3,
        first_digit_timeout_s=30.0,
        inter_digit_timeout_s=10.0,
        fields=fields,
        can_complete=False,
        brand=None,
        hushed=False,
        hushed_by_noise=False,
        token=None,
        existing=False,
        charge=None,
        recording=None,
        revision=1,
        created_at=NOW,
        updated_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        ended_at=None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def call(
    state: CallState = CallState.ANSWERED, end_reason: str | None = None, **changes: object
) -> PhoneCall:
    made = PhoneCall(
        id=CALL_ID,
        route="support",
        state=state,
        caller="+441632960001",
        called="+441632960100",
        customer=None,
        session_id=None,
        hushed=False,
        secured=Secured(),
        created_at=NOW,
        answered_at=None if state is CallState.RINGING else NOW,
        ended_at=NOW if state is CallState.ENDED else None,
        end_reason=end_reason,
    )
    return replace(made, **changes)  # type: ignore[arg-type]
