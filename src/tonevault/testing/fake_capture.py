"""One capture session of the fake secure zone, written apart from the real machine so that each checks the other."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tonevault.boundary.captures import (
    BillingPart,
    CaptureRequest,
    CaptureState,
    CaptureView,
    EndReason,
    FieldError,
    FieldName,
    FieldState,
    FieldView,
)
from tonevault.boundary.charges import ChargeResult, ChargeState
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.tokens import CardView, TokenView
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.kernel.card import mask_number

MAX_DOTS: Final = 19
MISMATCHES: Final = {
    "postal_code_mismatch": BillingPart.POSTAL_CODE,
    "address_mismatch": BillingPart.ADDRESS,
}
OVER: Final = frozenset(CaptureState) - {CaptureState.OPEN, CaptureState.COMPLETING}

ENDED_BY_CHARGE: Final = {
    ChargeState.SUCCEEDED: (CaptureState.SUCCEEDED, None),
    ChargeState.AUTHORISED: (CaptureState.SUCCEEDED, None),
    ChargeState.DECLINED: (CaptureState.DECLINED, EndReason.AUTHORISATION_DECLINED),
    ChargeState.UNKNOWN: (CaptureState.UNKNOWN, EndReason.AUTHORISATION_UNKNOWN),
    ChargeState.FAILED: (CaptureState.FAILED, EndReason.AUTHORISATION_FAILED),
}
"""How a session ends by what its charge comes to."""


@dataclass(slots=True)
class _Field:
    """A field and the test digits in it: this is a fake, whose cards are published test cards."""

    view: FieldView
    keyed: str = ""
    value: str = ""
    touched_at: float = 0.0


@dataclass(slots=True)
class FakeCapture:
    """A session. `now` is in seconds of the fake's own clock, `utc` the moment shown in views."""

    request: CaptureRequest
    opened_at: datetime
    updated_at: datetime
    state: CaptureState = CaptureState.OPEN
    reason: EndReason | None = None
    revision: int = 1
    active: FieldName | None = None
    hushed: bool = False
    hushed_by_noise: bool = False
    token: TokenView | None = None
    existing: bool = False
    charge: ChargeResult | None = None
    mismatch: tuple[BillingPart, ...] = ()
    completed: bool = False
    fields: dict[FieldName, _Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fields = {
            name: _Field(FieldView(name=name, state=FieldState.IDLE)) for name in self.request.fields
        }

    @property
    def over(self) -> bool:
        """Whether the session takes no more commands."""
        return self.state in OVER

    @property
    def complete(self) -> bool:
        """Whether every field is captured."""
        return all(each.view.state is FieldState.CAPTURED for each in self.fields.values())

    def view(self) -> CaptureView:
        """The session as it crosses the boundary."""
        number = self._value(FieldName.CARD_NUMBER)
        issuer = CardNumber(bytearray(number, "ascii")).issuer if number else None
        return CaptureView(
            session_id=self.request.session_id,
            account_id=self.request.account_id,
            call_id=self.request.call_id,
            state=self.state,
            fields=tuple(each.view for each in self.fields.values()),
            revision=self.revision,
            can_complete=self.state is CaptureState.OPEN and self.complete and not self.mismatch,
            brand=issuer.brand if issuer else None,
            reason=self.reason,
            hushed=self.hushed,
            hushed_by_noise=self.hushed_by_noise,
            token=self.token,
            existing=self.existing,
            charge=self.charge,
            mismatch=self.mismatch if self.state is CaptureState.OPEN else (),
            opened_at=self.opened_at,
            updated_at=self.updated_at,
            expires_at=self.request.expires_at,
        )

    def start(self, name: FieldName, now: float) -> None:
        """Open a field's window; the one that was open closes and forgets."""
        if self.active is name:
            return
        self._leave()
        chosen = self.fields[name]
        chosen.keyed = chosen.value = ""
        chosen.touched_at = now
        self._show(name, state=FieldState.CAPTURING, dots=0, masked="", error=None)
        self.active = name

    def press(self, key: str, now: float, today: tuple[int, int]) -> None:
        """One key of the keypad: a digit, `*` or `#`. Ignored when no field is active."""
        if self.active is None or self.over:
            return
        chosen = self.fields[self.active]
        chosen.touched_at = now
        if key == "#":
            if chosen.keyed:
                self._judge(self.active, today)
            return
        if key == "*":
            chosen.keyed = ""
        elif len(chosen.keyed) < MAX_DOTS:
            chosen.keyed += key
        self._show(self.active, dots=len(chosen.keyed))
        if self.active is FieldName.CARD_NUMBER and len(chosen.keyed) == MAX_DOTS:
            self._judge(self.active, today)

    def time_out(self, now: float) -> bool:
        """Let the active field's time-out pass, if it has. Answers whether something changed."""
        if self.active is None or self.over:
            return False
        chosen = self.fields[self.active]
        limit = self.request.inter_digit_timeout_s if chosen.keyed else self.request.first_digit_timeout_s
        if now - chosen.touched_at < limit:
            return False
        self._fail(self.active, FieldError.INPUT_TIMEOUT)
        return True

    def end(self, state: CaptureState, reason: EndReason | None) -> None:
        """The session is over and forgets what was keyed, but for the masks of a card that was taken."""
        self.state, self.reason = state, reason
        if not self.completed:
            for name, each in self.fields.items():
                each.value = ""
                if each.view.state is not FieldState.FAILED:
                    self._show(name, state=FieldState.IDLE, dots=0, masked="")
        for each in self.fields.values():
            each.keyed = ""
        self.active = None

    def await_correction(self, *parts: BillingPart) -> None:
        """The charge was declined for its address: open again, the code spent, the postal code red."""
        self.state, self.mismatch, self.completed = CaptureState.OPEN, parts, False
        for name in (FieldName.SECURITY_CODE, FieldName.POSTAL_CODE):
            if name in self.fields:
                self.fields[name].value = ""
                self._show(name, state=FieldState.IDLE, dots=0, masked="")
        if FieldName.POSTAL_CODE in self.fields and BillingPart.POSTAL_CODE in parts:
            attempts = self.fields[FieldName.POSTAL_CODE].view.attempts + 1
            error = FieldError.POSTAL_CODE_MISMATCH
            self._show(FieldName.POSTAL_CODE, state=FieldState.FAILED, error=error, attempts=attempts)

    def captured(self, *names: FieldName) -> bool:
        """Whether these fields, as far as the session has them, are captured."""
        return all(
            self.fields[name].view.state is FieldState.CAPTURED for name in names if name in self.fields
        )

    def card(self) -> CardView:
        """The captured card, as a token's neighbour."""
        number, expiry = self._value(FieldName.CARD_NUMBER), self._value(FieldName.EXPIRY)
        issuer = CardNumber(bytearray(number, "ascii")).issuer
        if issuer is None:
            raise AssertionError("a captured number has an issuer")
        return CardView(
            brand=issuer.brand,
            first6=number[:6],
            last4=number[-4:],
            length=len(number),
            exp_month=int(expiry[:2]),
            exp_year=2000 + int(expiry[2:]),
        )

    def identity(self) -> str:
        """What makes two captures the same card: the number."""
        return self._value(FieldName.CARD_NUMBER)

    def _value(self, name: FieldName) -> str:
        return self.fields[name].value if name in self.fields else ""

    def _leave(self) -> None:
        if self.active is not None:
            self.fields[self.active].keyed = ""
            self._show(self.active, state=FieldState.IDLE, dots=0)
            self.active = None

    def _judge(self, name: FieldName, today: tuple[int, int]) -> None:
        chosen = self.fields[name]
        error = self._error(name, chosen.keyed, today)
        if error is not None:
            self._fail(name, error)
            return
        chosen.value, chosen.keyed = chosen.keyed, ""
        self._show(
            name, state=FieldState.CAPTURED, dots=len(chosen.value), masked=self._mask(name, chosen.value)
        )
        self.active = None
        code = self._value(FieldName.SECURITY_CODE)
        if name is FieldName.CARD_NUMBER and code and len(code) != self._code_length():
            self._fail(FieldName.SECURITY_CODE, FieldError.INVALID_SECURITY_CODE)

    def _error(self, name: FieldName, keyed: str, today: tuple[int, int]) -> FieldError | None:
        match name:
            case FieldName.CARD_NUMBER:
                number = CardNumber(bytearray(keyed, "ascii")) if len(keyed) >= 12 else None
                if number is None or not number.is_valid or number.issuer is None:
                    return FieldError.INVALID_CARD_NUMBER
                if number.issuer.brand not in self.request.accepted_brands:
                    return FieldError.CARD_TYPE_NOT_ACCEPTED
                return None
            case FieldName.EXPIRY:
                good = len(keyed) == 4 and 1 <= int(keyed[:2]) <= 12
                when = (2000 + int(keyed[2:]), int(keyed[:2])) if good else (0, 0)
                return None if good and today <= when <= (today[0] + 20, 12) else FieldError.INVALID_EXPIRY
            case FieldName.SECURITY_CODE:
                known = self._value(FieldName.CARD_NUMBER)
                right = len(keyed) == self._code_length() if known else len(keyed) in (3, 4)
                return None if right else FieldError.INVALID_SECURITY_CODE
            case FieldName.POSTAL_CODE:
                right = self.request.min_postal_code_length <= len(keyed) <= 9
                return None if right else FieldError.INVALID_POSTAL_CODE

    def _code_length(self) -> int:
        issuer = CardNumber(bytearray(self._value(FieldName.CARD_NUMBER), "ascii")).issuer
        return issuer.code_length if issuer else 3

    def _mask(self, name: FieldName, value: str) -> str:
        match name:
            case FieldName.CARD_NUMBER:
                issuer = CardNumber(bytearray(value, "ascii")).issuer
                if issuer is None:
                    raise AssertionError("a captured number has an issuer")
                return mask_number(issuer.brand, len(value), value[-4:])
            case FieldName.EXPIRY:
                return "**/**"
            case FieldName.SECURITY_CODE | FieldName.POSTAL_CODE:
                return "*" * len(value)

    def _fail(self, name: FieldName, error: FieldError) -> None:
        chosen = self.fields[name]
        chosen.keyed = chosen.value = ""
        attempts = chosen.view.attempts + 1
        self._show(name, state=FieldState.FAILED, dots=0, masked="", error=error, attempts=attempts)
        if self.active is name:
            self.active = None
        if attempts >= self.request.max_attempts:
            self.end(CaptureState.FAILED, EndReason.TOO_MANY_ATTEMPTS)

    def _show(self, name: FieldName, **changes: object) -> None:
        self.fields[name].view = self.fields[name].view.model_copy(update=changes)


def check_request(request: CaptureRequest, now: datetime) -> None:
    """What the real zone refuses beyond the message's own rules."""
    if {FieldName.CARD_NUMBER, FieldName.EXPIRY} - set(request.fields):
        raise SecureZoneError(422, "fields_insufficient", "fields: must contain card_number and expiry")
    if len(set(request.fields)) != len(request.fields):
        raise SecureZoneError(422, "fields_repeated", "fields: name each field once")
    if (request.amount is None) is not (request.charge_id is None):
        raise SecureZoneError(422, "charge_id_missing", "charge_id: goes with amount; give both or neither")
    if request.expires_at <= now:
        raise SecureZoneError(422, "expires_at_past", "expires_at: must lie in the future")
