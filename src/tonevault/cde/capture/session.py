"""One capture session as a machine without a clock: it takes tellings, commands and the time, and shows a view. It does no I/O."""

from typing import Final

from tonevault.boundary.captures import (
    Billing,
    BillingPart,
    CaptureRequest,
    CaptureRetry,
    CaptureState,
    CaptureView,
    EndReason,
    FieldError,
    FieldName,
    FieldState,
)
from tonevault.cde.capture.card_draft import Accepted, CardDraft
from tonevault.cde.capture.field import CaptureField
from tonevault.cde.capture.model import (
    SESSION_TRANSITIONS,
    Moment,
    Outcome,
    SessionEvent,
    mismatch_of,
    verdict_on,
)
from tonevault.cde.capture.telling import Telling
from tonevault.cde.capture.window import CaptureWindow
from tonevault.cde.gateway import CardInHand
from tonevault.cde.media import Carrier
from tonevault.kernel.card import Brand

SECURITY_CODE_LIFE_S: Final = 600.0
"""How long a captured security code waits for Complete. PCI DSS 3.3.2 allows it until authorisation; ten minutes outlast any pause."""

SELF_CHECKING: Final = frozenset({FieldName.CARD_NUMBER, FieldName.EXPIRY, FieldName.SECURITY_CODE})
"""Fields in which a value that lost a digit almost never passes, so that a good one need not wait for a slow carrier's account of it."""


class CaptureSession:
    """A session from its opening to its end. `revision` grows with every change that shows."""

    def __init__(self, request: CaptureRequest, at: Moment, *, hushed: bool = False) -> None:
        self.request = request
        self.state = CaptureState.OPEN
        self.revision = 1
        self._hushed = hushed
        self._hushed_by_noise = False
        self._reason: EndReason | None = None
        self._brand: Brand | None = None
        self._outcome = Outcome(None)
        self._mismatch: tuple[BillingPart, ...] = ()
        self._runs = 0
        self._fields = {name: CaptureField(name) for name in request.fields}
        self._draft = CardDraft(request)
        self._window = CaptureWindow(
            first_digit_timeout_s=request.first_digit_timeout_s,
            inter_digit_timeout_s=request.inter_digit_timeout_s,
        )
        self._code_dies_at: float | None = None
        self._opened_at = self._updated_at = at.utc
        self._expires_at = at.monotonic + (request.expires_at - at.utc).total_seconds()

    # What is asked of it.

    @property
    def is_capturing(self) -> bool:
        """Whether a field's window is open."""
        return self._window.field is not None

    @property
    def can_complete(self) -> bool:
        """Whether every field is captured, and no charge has been run yet."""
        return (
            self.state is CaptureState.OPEN
            and not self._mismatch
            and all(each.state is FieldState.CAPTURED for each in self._fields.values())
        )

    @property
    def awaits_correction(self) -> bool:
        """Whether its charge was declined for the address, and can be run again with a better one."""
        return self.state is CaptureState.OPEN and bool(self._mismatch)

    def can_retry(self, retry: CaptureRetry) -> bool:
        """Whether everything is there that a second run needs: the card, a code or the word to go without, something corrected."""
        spent = {FieldName.POSTAL_CODE}
        if retry.without_security_code:
            spent.add(FieldName.SECURITY_CODE)
        there = {name for name, each in self._fields.items() if each.state is FieldState.CAPTURED}
        corrected = (
            bool(retry.billing.postal_code or retry.billing.address_line) or FieldName.POSTAL_CODE in there
        )
        return self.awaits_correction and corrected and set(self._fields) - spent <= there

    @property
    def deadline(self) -> float | None:
        """When `tick` is due next, in monotonic seconds; None once nothing can time out."""
        if self.state is not CaptureState.OPEN:
            return None
        code_dies_at = self._expires_at if self._code_dies_at is None else self._code_dies_at
        return min(self._expires_at, code_dies_at, self._window.deadline)

    def view(self) -> CaptureView:
        """The session as it crosses the boundary."""
        return CaptureView(
            session_id=self.request.session_id,
            account_id=self.request.account_id,
            call_id=self.request.call_id,
            state=self.state,
            fields=tuple(each.view() for each in self._fields.values()),
            revision=self.revision,
            can_complete=self.can_complete,
            brand=self._brand,
            reason=self._reason,
            hushed=self._hushed,
            hushed_by_noise=self._hushed_by_noise,
            token=self._outcome.token,
            existing=self._outcome.existing,
            charge=self._outcome.charge,
            mismatch=self._mismatch if self.state is CaptureState.OPEN else (),
            opened_at=self._opened_at,
            updated_at=self._updated_at,
            expires_at=self.request.expires_at,
        )

    # What happens to it.

    def start(self, name: FieldName, at: Moment) -> None:
        """Open a field's window, or take the field again. The one that was open closes, and forgets what was keyed.

        Asked again for the field that is open, it changes nothing: a command repeated after a lost answer clears no digit.
        """
        if self.state is not CaptureState.OPEN:
            raise RuntimeError("capture session: takes no input in this state")
        if self._window.field is name:
            return
        if self._window.field is not None:
            self._fields[self._window.field].leave()
        self._draft.drop(name)
        if name is FieldName.SECURITY_CODE:
            self._code_dies_at = None
        if name is FieldName.CARD_NUMBER:
            self._brand = None
        self._fields[name].start()
        self._window.open(name, at.monotonic)
        self._touch(at)

    def tell(self, telling: Telling, at: Moment) -> None:
        """A carrier tells of a key press. Outside a window it is remembered only to know its twin from another carrier."""
        if self.state is not CaptureState.OPEN:
            return
        self._window.tell(telling)
        self._consider(at)

    def held(self, carrier: Carrier, until: float, at: Moment) -> None:
        """The key that a carrier told of last was down until then, in monotonic seconds, or is down again (infinity)."""
        if self.state is CaptureState.OPEN:
            self._window.held(carrier, until, at.monotonic)

    def tick(self, at: Moment) -> None:
        """Time has passed: carry out whatever is due."""
        if self.state is not CaptureState.OPEN:
            return
        now = at.monotonic
        if now >= self._expires_at:
            self._end(SessionEvent.EXPIRE, EndReason.SESSION_EXPIRED, at)
            return
        if self._code_dies_at is not None and now >= self._code_dies_at:
            self._code_dies_at = None
            self._draft.drop(FieldName.SECURITY_CODE)
            self._fields[FieldName.SECURITY_CODE].lapse()
            self._touch(at)
        self._window.forget_old(now)
        if self._window.field is not None and now >= self._window.deadline:
            if self._window.reading.confirmed_by is None:
                self._reject(self._fields[self._window.field], FieldError.INPUT_TIMEOUT, at)
            else:
                self._consider(at)

    def complete(self, at: Moment) -> CardInHand:
        """Every field is captured: hand the card over. The session waits for `finish`, whatever else happens."""
        if not self.can_complete:
            raise RuntimeError("capture session: fields are missing")
        return self._hand_over(self.request.billing, at)

    def retry(self, retry: CaptureRetry, at: Moment) -> CardInHand:
        """Hand the card over once more, with a better address and under another charge id."""
        if not self.can_retry(retry):
            raise RuntimeError("capture session: nothing to run again")
        if retry.without_security_code:
            self._draft.drop(FieldName.SECURITY_CODE)
        known = self.request.billing
        billing = Billing(
            postal_code=retry.billing.postal_code or known.postal_code,
            address_line=retry.billing.address_line or known.address_line,
        )
        if retry.billing.postal_code:
            self._draft.drop(FieldName.POSTAL_CODE)
        self.request = self.request.model_copy(update={"charge_id": retry.charge_id, "billing": billing})
        return self._hand_over(billing, at)

    def finish(self, outcome: Outcome, at: Moment, card: CardInHand | None = None) -> bool:
        """Vault and gateway have answered. With `card`: it may come back for another run; whether it did, or is the caller's to destroy."""
        self._outcome = outcome
        self._mismatch = mismatch_of(outcome)
        if card is not None and self._mismatch and self._runs < self.request.max_attempts:
            self._take_back(card)
            self._touch(at)
            return True
        event, self._reason = verdict_on(outcome)
        self._move(event)
        self._touch(at)
        return False

    def cancel(self, at: Moment) -> None:
        """The agent gives up. Harmless when over, and without effect once the card is with the gateway."""
        self._end(SessionEvent.CANCEL, EndReason.CANCELED_BY_AGENT, at)

    def call_ended(self, at: Moment) -> None:
        """The call is over. A card that is with the gateway stays there, and its answer still comes."""
        self._end(SessionEvent.CALL_END, EndReason.CALL_ENDED, at)

    def interrupt(self, at: Moment) -> None:
        """The process stops."""
        self._end(SessionEvent.INTERRUPT, EndReason.INTERRUPTED, at)

    def hush(self, *, on: bool, by_noise: bool, at: Moment) -> None:
        """How the customer is heard: muted as asked (`on`), or by the relay itself because of noise."""
        if (on, by_noise) != (self._hushed, self._hushed_by_noise) and self.state is CaptureState.OPEN:
            self._hushed, self._hushed_by_noise = on, by_noise
            self._touch(at)

    # How it goes about it.

    def _hand_over(self, billing: Billing, at: Moment) -> CardInHand:
        self._move(SessionEvent.COMPLETE)
        self._runs += 1
        self._mismatch = ()
        self._window.wipe()
        self._code_dies_at = None
        self._touch(at)
        return self._draft.hand_over(billing)

    def _take_back(self, card: CardInHand) -> None:
        """Number and expiry stay captured; the code is spent, and a postal code that is not the holder's is red."""
        self._move(SessionEvent.MISMATCH)
        self._draft.take_back(card)
        code, postal = (
            self._fields.get(FieldName.SECURITY_CODE),
            self._fields.get(FieldName.POSTAL_CODE),
        )
        if code is not None and code.state is FieldState.CAPTURED:
            code.lapse()
        if postal is not None and postal.state is FieldState.CAPTURED:
            if BillingPart.POSTAL_CODE in self._mismatch:
                postal.contradict(FieldError.POSTAL_CODE_MISMATCH)
            else:
                postal.lapse()

    def _consider(self, at: Moment) -> None:
        if self._window.field is None:
            return
        field, reading = self._fields[self._window.field], self._window.reading
        if field.show_dots(len(reading.digits)):
            self._touch(at)
        if reading.confirmed_by is None:
            return
        settled = at.monotonic >= self._window.deadline
        if not settled and field.name not in SELF_CHECKING:
            return
        verdict = self._draft.take(field.name, reading.entry(), at.utc)
        if isinstance(verdict, Accepted):
            self._accept(field, verdict, at)
        elif settled:
            self._reject(field, verdict, at)

    def _accept(self, field: CaptureField, verdict: Accepted, at: Moment) -> None:
        self._window.close(at.monotonic)
        field.accept(verdict.masked)
        self._touch(at)
        if field.name is FieldName.SECURITY_CODE:
            self._code_dies_at = at.monotonic + SECURITY_CODE_LIFE_S
        elif field.name is FieldName.CARD_NUMBER:
            self._brand = self._draft.brand
            if self._draft.code_contradicts_number:
                self._draft.drop(FieldName.SECURITY_CODE)
                self._code_dies_at = None
                code = self._fields[FieldName.SECURITY_CODE]
                code.contradict(FieldError.INVALID_SECURITY_CODE)
                self._count(code, at)

    def _reject(self, field: CaptureField, error: FieldError, at: Moment) -> None:
        self._window.close(at.monotonic)
        field.reject(error)
        self._touch(at)
        self._count(field, at)

    def _count(self, field: CaptureField, at: Moment) -> None:
        if field.attempts >= self.request.max_attempts:
            self._end(SessionEvent.EXHAUST, EndReason.TOO_MANY_ATTEMPTS, at)

    def _end(self, event: SessionEvent, reason: EndReason, at: Moment) -> None:
        if self.state is not CaptureState.OPEN:
            return
        self._move(event)
        self._reason = reason
        self._brand = None
        self._code_dies_at = None
        self._window.wipe()
        self._draft.destroy()
        for field in self._fields.values():
            field.discard()
        self._touch(at)

    def _move(self, event: SessionEvent) -> None:
        try:
            self.state = SESSION_TRANSITIONS[self.state, event]
        except KeyError:
            raise RuntimeError(f"capture session: no way from {self.state} by {event}") from None

    def _touch(self, at: Moment) -> None:
        self.revision += 1
        self._updated_at = at.utc
