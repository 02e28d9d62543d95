"""A payment session: what was asked for, how the capture stands, and what a newer report makes of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tonevault.boundary.captures import (
    NO_BILLING,
    Billing,
    BillingPart,
    CaptureState,
    CaptureView,
    EndReason,
    FieldError,
    FieldName,
    FieldState,
    FieldView,
)
from tonevault.boundary.charges import Taking
from tonevault.boundary.tokens import TokenUsage
from tonevault.desk.payments.model import CardToken, Charge
from tonevault.desk.recordings.model import PauseState
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import CallId, ChargeId, CustomerId, SessionId, TokenId
from tonevault.kernel.money import Money

LIFETIME: Final = timedelta(minutes=30)
"""SPEC section 4: sessions end 30 minutes after they open, unless asked for otherwise."""
DEFAULT_FIELDS: Final = (FieldName.CARD_NUMBER, FieldName.EXPIRY, FieldName.SECURITY_CODE)
AT_WORK: Final = frozenset({CaptureState.OPEN, CaptureState.COMPLETING})
NOT_OPENED: Final = -1
"""The revision of a session that the secure zone has not confirmed yet; its own count from 0."""


@dataclass(frozen=True, slots=True)
class SessionDraft:
    """What is asked for. Without `amount` only the card is taken; without `fields` those of the account; time-outs in seconds."""

    call_id: CallId
    amount: Money | None = None
    customer_id: CustomerId | None = None
    reference: str = ""
    description: str = ""
    fields: tuple[FieldName, ...] | None = None
    usage: TokenUsage = TokenUsage.MULTI
    max_attempts: int = 3
    first_digit_timeout_s: float = 30.0
    inter_digit_timeout_s: float = 10.0
    lifetime: timedelta = LIFETIME
    capture: Taking = Taking.AUTOMATIC
    billing: Billing = NO_BILLING
    replaces: TokenId | None = None


@dataclass(frozen=True, slots=True)
class SessionField:
    """One field as the agent sees it: `dots` count keys, `masked` shows once captured."""

    name: FieldName
    state: FieldState
    dots: int
    masked: str
    error: FieldError | None
    attempts: int


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What the desk keeps of a session. `settled` once the secure zone itself has said how it came out."""

    id: SessionId
    call_id: CallId
    customer_id: CustomerId | None
    amount: Money | None
    charge_id: ChargeId | None
    reference: str
    description: str
    fields: tuple[FieldName, ...]
    usage: TokenUsage
    max_attempts: int
    first_digit_timeout_s: float
    inter_digit_timeout_s: float
    created_by: str
    state: CaptureState
    reason: EndReason | None
    revision: int
    view: CaptureView | None
    token_id: TokenId | None
    settled: bool
    cancel_asked: bool
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    capture: Taking = Taking.AUTOMATIC
    billing: Billing = NO_BILLING
    replaces: TokenId | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether it is neither over nor given up."""
        return self.state in AT_WORK

    def reported(self, view: CaptureView) -> "SessionRecord":
        """The session after a report; an equal value where the report tells nothing new.

        The secure zone's word on how a session ended counts whatever its revision, until that end is settled.
        """
        over = view.state not in AT_WORK
        if view.revision <= self.revision and (self.settled or not over):
            return self
        return replace(
            self,
            state=view.state,
            reason=view.reason,
            revision=max(view.revision, self.revision),
            view=view,
            token_id=None if view.token is None else view.token.token_id,
            charge_id=self.charge_id if view.charge is None else view.charge.charge_id,
            settled=over and view.state is not CaptureState.UNKNOWN,
            updated_at=view.updated_at,
            expires_at=view.expires_at,
            ended_at=(self.ended_at or view.updated_at) if over else None,
        )

    def given_up(
        self, state: CaptureState, reason: EndReason, now: datetime, *, settled: bool
    ) -> "SessionRecord":
        """The session when the secure zone is silent (`settled` false: its word still counts) or knows it no more."""
        return replace(
            self,
            state=state,
            reason=reason,
            settled=settled,
            updated_at=now,
            ended_at=self.ended_at or now,
        )

    def concluded(
        self,
        state: CaptureState,
        reason: EndReason | None,
        token_id: TokenId | None,
        now: datetime,
        *,
        settled: bool,
    ) -> "SessionRecord":
        """The session when only its charge still tells how it came out."""
        return replace(
            self,
            state=state,
            reason=reason,
            token_id=token_id,
            settled=settled,
            updated_at=now,
            ended_at=self.ended_at or now,
        )


def new_record(
    session_id: SessionId, draft: SessionDraft, charge_id: ChargeId | None, created_by: str, now: datetime
) -> SessionRecord:
    """The intent, which is committed before the secure zone is asked."""
    return SessionRecord(
        id=session_id,
        call_id=draft.call_id,
        customer_id=draft.customer_id,
        amount=draft.amount,
        charge_id=charge_id,
        reference=draft.reference,
        description=draft.description,
        fields=draft.fields or DEFAULT_FIELDS,
        usage=draft.usage,
        max_attempts=draft.max_attempts,
        first_digit_timeout_s=draft.first_digit_timeout_s,
        inter_digit_timeout_s=draft.inter_digit_timeout_s,
        created_by=created_by,
        state=CaptureState.OPEN,
        reason=None,
        revision=NOT_OPENED,
        view=None,
        token_id=None,
        settled=False,
        cancel_asked=False,
        created_at=now,
        updated_at=now,
        expires_at=now + draft.lifetime,
        ended_at=None,
        capture=draft.capture,
        billing=draft.billing,
        replaces=draft.replaces,
    )


@dataclass(frozen=True, slots=True)
class Session:
    """A payment session as the API shows it. `revision` grows with each change, so that a late picture never replaces a newer one.

    `mismatch` names the parts of the address that the issuer does not know: correct them by `retry`.
    """

    id: SessionId
    call_id: CallId
    customer_id: CustomerId | None
    state: CaptureState
    reason: EndReason | None
    amount: int | None
    currency: str | None
    reference: str
    description: str
    usage: TokenUsage
    max_attempts: int
    first_digit_timeout_s: float
    inter_digit_timeout_s: float
    fields: tuple[SessionField, ...]
    can_complete: bool
    brand: Brand | None
    hushed: bool
    hushed_by_noise: bool
    token: CardToken | None
    existing: bool
    charge: Charge | None
    recording: PauseState | None
    revision: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    mismatch: tuple[BillingPart, ...] = ()
    capture: Taking = Taking.AUTOMATIC
    replaces: TokenId | None = None


def shown(
    record: SessionRecord,
    *,
    token: CardToken | None = None,
    charge: Charge | None = None,
    recording: PauseState | None = None,
) -> Session:
    """The session with what belongs to it."""
    view = record.view
    return Session(
        id=record.id,
        call_id=record.call_id,
        customer_id=record.customer_id,
        state=record.state,
        reason=record.reason,
        amount=None if record.amount is None else record.amount.amount_minor,
        currency=None if record.amount is None else record.amount.currency,
        reference=record.reference,
        description=record.description,
        usage=record.usage,
        max_attempts=record.max_attempts,
        first_digit_timeout_s=record.first_digit_timeout_s,
        inter_digit_timeout_s=record.inter_digit_timeout_s,
        fields=_fields(record),
        can_complete=view is not None and view.can_complete and record.state is CaptureState.OPEN,
        mismatch=view.mismatch if view is not None and record.state is CaptureState.OPEN else (),
        brand=None if view is None else view.brand,
        hushed=view is not None and view.hushed,
        hushed_by_noise=view is not None and view.hushed_by_noise,
        token=token,
        existing=view is not None and view.existing,
        charge=charge,
        capture=record.capture,
        replaces=record.replaces,
        recording=recording,
        revision=record.revision,
        created_at=record.created_at,
        updated_at=record.updated_at,
        expires_at=record.expires_at,
        ended_at=record.ended_at,
    )


def with_keys(session: Session, view: CaptureView) -> Session:
    """The session with the dots of a newer view: the picture of one more key."""
    return replace(
        session,
        fields=tuple(_field(each) for each in view.fields),
        revision=view.revision,
        updated_at=view.updated_at,
    )


def _fields(record: SessionRecord) -> tuple[SessionField, ...]:
    if record.view is None:
        return tuple(SessionField(name, FieldState.IDLE, 0, "", None, 0) for name in record.fields)
    fields = tuple(_field(each) for each in record.view.fields)
    if record.is_at_work or record.view.state not in AT_WORK:
        return fields
    # Given up by the desk alone: what was keyed counts no longer, and no window stays open on the screen.
    return tuple(replace(each, state=FieldState.IDLE, dots=0, masked="") for each in fields)


def _field(view: FieldView) -> SessionField:
    return SessionField(view.name, view.state, view.dots, view.masked, view.error, view.attempts)
