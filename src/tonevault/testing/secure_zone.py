"""A secure zone in memory: calls ring, keys are pressed and gateways answer when a test says so. Time stands still until `advance`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

from tonevault.boundary.calls import CallState, CallView, SecuredLegs
from tonevault.boundary.captures import (
    CaptureRequest,
    CaptureRetry,
    CaptureState,
    CaptureView,
    EndReason,
    FieldName,
)
from tonevault.boundary.charges import ChargeRequest, ChargeResult, ChargeState, Initiator
from tonevault.boundary.notices import CallChanged, CaptureChanged, ChargeChanged, Notice
from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError
from tonevault.kernel import ids
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import AccountId, CallId, ChargeId, Entropy, SessionId
from tonevault.plumbing.clock import WallClock
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.testing.fake_capture import ENDED_BY_CHARGE, MISMATCHES, FakeCapture, check_request
from tonevault.testing.fake_notices import FakeListener
from tonevault.testing.fake_payments import FakePayments


class _AheadClock:
    """The fake's own time: the time of day and what was advanced, and seconds that stand still but for `advance`."""

    def __init__(self, zone: "FakeSecureZone") -> None:
        self._zone = zone

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._zone._now()  # noqa: SLF001 - one thing in two classes

    def utc(self) -> datetime:
        """The time of day in the fake."""
        return self._zone._utc()  # noqa: SLF001


class FakeSecureZone(FakePayments):
    """Implements `SecureZone`. What a test drives: `ring`, `answer`, `hang_up`, `press`, `advance`, `crash`, `settle`, and the settings

    - `ledger.next_charge`: state and code that every charge gets until it is changed;
    - `tokenization_fails`: completing answers `tokenization_failed`;
    - `unreachable`: every command raises SecureZoneUnreachableError, and streams break;
    - `hold_completions()`: while its block runs, sessions stay `completing`.
    """

    def __init__(self, *, clock: Clock | None = None, entropy: Entropy = SYSTEM_ENTROPY) -> None:
        """`clock` gives the time of day; the fake's time-outs move by `advance` alone."""
        super().__init__(entropy)
        self.tokenization_fails = False
        self._clock = clock or WallClock()
        self.clock: Clock = _AheadClock(self)
        self._entropy = entropy
        self._ahead = 0.0
        self._unreachable = False
        self._released = asyncio.Event()
        self._released.set()
        self._calls: dict[CallId, CallView] = {}
        self._captures: dict[SessionId, FakeCapture] = {}
        self._listeners: list[FakeListener] = []

    # What a test does to the world.

    def ring(
        self,
        *,
        account_id: str = "acme",
        route: str = "support",
        caller: str | None = "+441632960001",
        called: str | None = "+441632960100",
        customer_header: str | None = None,
    ) -> CallView:
        """A customer calls."""
        call = CallView(
            call_id=CallId(self._make_id(ids.CALL)),
            account_id=AccountId(account_id),
            route=route,
            state=CallState.RINGING,
            caller=caller,
            called=called,
            customer_header=customer_header,
            started_at=self._utc(),
        )
        return self._call_changed(call)

    def answer(self, call_id: CallId) -> CallView:
        """The agent takes the call."""
        return self._call_changed(self._calls[call_id], state=CallState.ANSWERED, answered_at=self._utc())

    def live_call(self, **caller: str) -> CallView:
        """A call that rings and is answered at once; arguments as for `ring`."""
        return self.answer(self.ring(**caller).call_id)

    def secure(self, call_id: CallId, legs: SecuredLegs) -> CallView:
        """Voice is encrypted on these legs from now on, as peers negotiate it at any time of a call."""
        return self._call_changed(self._calls[call_id], secured=legs)

    def hang_up(self, call_id: CallId, reason: str = "customer_hung_up") -> CallView:
        """Either party ends the call; an open capture is discarded."""
        call = self._calls[call_id]
        ended = self._call_changed(call, state=CallState.ENDED, ended_at=self._utc(), end_reason=reason)
        self._end_open(CaptureState.CANCELED, EndReason.CALL_ENDED, call_id)
        return ended

    def hush_by_noise(self, call_id: CallId, *, on: bool = True) -> None:
        """The line of an open capture is too noisy to tell keys apart and mutes the customer by itself, or it is quiet again."""
        capture = self._open_on(call_id)
        if capture is not None and capture.hushed_by_noise is not on:
            capture.hushed_by_noise = on
            self._changed(capture)

    def press(self, call_id: CallId, keys: str) -> None:
        """The customer presses keys: digits of a published test card, `*`, `#`. One notice a key that changed something."""
        capture = self._open_on(call_id)
        if capture is None:
            return
        for key in keys:
            before = capture.view()
            capture.press(key, self._now(), (self._utc().year, self._utc().month))
            if capture.view() != before:
                self._changed(capture)

    def advance(self, seconds: float) -> None:
        """Let time pass: fields time out, sessions expire."""
        self._ahead += seconds
        for capture in self._captures.values():
            if not capture.over and capture.time_out(self._now()):
                self._changed(capture)
            if capture.state is CaptureState.OPEN and capture.request.expires_at <= self._utc():
                capture.end(CaptureState.EXPIRED, EndReason.SESSION_EXPIRED)
                self._changed(capture)

    def crash(self) -> None:
        """The secure process dies and starts again: streams break, calls are gone, open captures read `interrupted`."""
        self._cut_streams()
        for call in self._live_calls():
            self._call_changed(call, state=CallState.ENDED, ended_at=self._utc(), end_reason="interrupted")
        self._end_open(CaptureState.FAILED, EndReason.INTERRUPTED)

    def settle(self, charge_id: ChargeId, state: ChargeState, code: str | None = None) -> ChargeResult:
        """A later look-up at the gateway settles a charge that was unknown; its capture follows."""
        settled = self.ledger.settle(charge_id, state, code, self._utc())
        self._tell(ChargeChanged(charge=settled))
        for capture in self._captures.values():
            if capture.state is CaptureState.UNKNOWN and capture.request.charge_id == charge_id:
                capture.charge = settled
                capture.state, capture.reason = ENDED_BY_CHARGE[state]
                self._changed(capture)
        return settled

    @property
    def unreachable(self) -> bool:
        """Whether the zone answers nothing."""
        return self._unreachable

    @unreachable.setter
    def unreachable(self, value: bool) -> None:
        self._unreachable = value
        if value:
            self._cut_streams()

    @contextmanager
    def hold_completions(self) -> Iterator[None]:
        """Keep sessions in `completing` while the block runs. Use it on the zone's event loop."""
        self._released.clear()
        try:
            yield
        finally:
            self._released.set()

    # The port.

    async def calls(self) -> list[CallView]:
        """See SecureZone."""
        self._reach()
        return self._live_calls()

    async def open_capture(self, request: CaptureRequest) -> CaptureView:
        """See SecureZone."""
        self._reach()
        known = self._captures.get(request.session_id)
        if known is not None:
            if known.request != request:
                raise SecureZoneError(409, "session_id_reused", "session_id: belongs to another session")
            return known.view()
        check_request(request, self._utc())
        call = self._calls.get(request.call_id)
        if call is None or call.state is not CallState.ANSWERED or call.account_id != request.account_id:
            raise SecureZoneError(
                409, "call_not_live", "call_id: no such call is up; open the session on a live call"
            )
        if self._open_on(request.call_id) is not None:
            raise SecureZoneError(
                409,
                "session_in_progress",
                "call_id: a session is open on this call; complete or cancel it first",
            )
        capture = FakeCapture(request, self._utc(), self._utc(), hushed=call.hushed)
        self._captures[request.session_id] = capture
        self._tell(CaptureChanged(capture=capture.view()))
        return capture.view()

    async def capture(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        self._reach()
        return self._session(session_id).view()

    async def start_field(self, session_id: SessionId, field: FieldName) -> CaptureView:
        """See SecureZone."""
        self._reach()
        capture = self._session(session_id)
        if capture.state is not CaptureState.OPEN:
            raise SecureZoneError(
                409, "session_over", "session_id: the session takes no more input; open a new one"
            )
        if field not in capture.fields:
            raise SecureZoneError(422, "field_unknown", "field: the session does not ask for it")
        before = capture.view()
        capture.start(field, self._now())
        return self._changed(capture) if capture.view() != before else before

    async def complete(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        self._reach()
        capture = self._session(session_id)
        if capture.completed:
            await self._released.wait()
            return capture.view()
        if capture.over:
            raise SecureZoneError(409, "session_over", "session_id: the session is over; open a new one")
        if capture.mismatch:
            raise SecureZoneError(409, "correction_needed", "session_id: correct the address and retry")
        if not capture.complete:
            raise SecureZoneError(409, "fields_missing", "fields: capture every field before completing")
        capture.completed, capture.state = True, CaptureState.COMPLETING
        self._changed(capture)
        await self._released.wait()
        return self._finish(capture)

    async def retry(self, session_id: SessionId, retry: CaptureRetry) -> CaptureView:
        """See SecureZone."""
        self._reach()
        capture = self._session(session_id)
        if capture.request.charge_id == retry.charge_id:
            return capture.view()
        if capture.over:
            raise SecureZoneError(409, "session_over", "session_id: the session is over; open a new one")
        if not capture.mismatch:
            raise SecureZoneError(409, "nothing_to_correct", "session_id: nothing waits for a correction")
        needed = {FieldName.CARD_NUMBER, FieldName.EXPIRY}
        if not retry.without_security_code:
            needed.add(FieldName.SECURITY_CODE)
        corrected = retry.billing.postal_code or retry.billing.address_line
        keyed = FieldName.POSTAL_CODE in capture.fields and capture.captured(FieldName.POSTAL_CODE)
        if not capture.captured(*needed) or not (corrected or keyed):
            raise SecureZoneError(
                409,
                "fields_missing",
                "billing: give what is to be corrected; capture the security code again or set without_security_code",
            )
        capture.request = capture.request.model_copy(update={"charge_id": retry.charge_id})
        capture.mismatch, capture.completed, capture.state = (), True, CaptureState.COMPLETING
        self._changed(capture)
        return self._finish(capture)

    async def cancel(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        self._reach()
        capture = self._session(session_id)
        if capture.state is CaptureState.OPEN:
            capture.end(CaptureState.CANCELED, EndReason.CANCELED_BY_AGENT)
            return self._changed(capture)
        return capture.view()

    async def set_hush(self, call_id: CallId, *, on: bool) -> CallView:
        """See SecureZone."""
        self._reach()
        call = self._calls.get(call_id)
        if call is None or call.state is CallState.ENDED:
            raise SecureZoneError(404, "not_found", "call_id: no such call is up")
        capture = self._open_on(call_id)
        if capture is not None and capture.hushed is not on:
            capture.hushed = on
            self._changed(capture)
        return self._call_changed(call, hushed=on) if call.hushed is not on else call

    @asynccontextmanager
    async def notices(self) -> AsyncIterator[AsyncIterator[Notice]]:
        """See SecureZone."""
        self._reach()
        listener = FakeListener()
        for notice in self._snapshot():
            listener.tell(notice)
        self._listeners.append(listener)
        try:
            yield listener.notices()
        finally:
            if listener in self._listeners:
                self._listeners.remove(listener)

    # What the fake does by itself.

    def _now(self) -> float:
        return self._ahead

    def _utc(self) -> datetime:
        return self._clock.utc() + timedelta(seconds=self._ahead)

    def _make_id(self, prefix: str) -> str:
        return ids.make_id(prefix, epoch_ms(self._utc()), self._entropy)

    def _reach(self) -> None:
        if self._unreachable:
            raise SecureZoneUnreachableError("the secure zone does not answer")

    def _live_calls(self) -> list[CallView]:
        return [each for each in self._calls.values() if each.state is not CallState.ENDED]

    def _snapshot(self) -> list[Notice]:
        return [
            *(CallChanged(call=each) for each in self._live_calls()),
            *(CaptureChanged(capture=each.view()) for each in self._captures.values()),
            *(ChargeChanged(charge=each) for each in self.ledger.unsettled()),
        ]

    def _session(self, session_id: SessionId) -> FakeCapture:
        if session_id not in self._captures:
            raise SecureZoneError(404, "not_found", "session_id: no such session")
        return self._captures[session_id]

    def _open_on(self, call_id: CallId) -> FakeCapture | None:
        captures = self._captures.values()
        return next((each for each in captures if not each.over and each.request.call_id == call_id), None)

    def _end_open(self, state: CaptureState, reason: EndReason, call_id: CallId | None = None) -> None:
        for capture in self._captures.values():
            if capture.state is CaptureState.OPEN and call_id in (None, capture.request.call_id):
                capture.end(state, reason)
                self._changed(capture)

    def _finish(self, capture: FakeCapture) -> CaptureView:
        request, now = capture.request, self._utc()
        if self.tokenization_fails:
            capture.completed = False
            capture.end(CaptureState.FAILED, EndReason.TOKENIZATION_FAILED)
            capture.completed = True
            return self._changed(capture)
        capture.token, capture.existing = self.ledger.keep(capture, now)
        self.ledger.replace(request.account_id, request.replaces, capture.token.token_id)
        if request.amount is None or request.charge_id is None:
            capture.end(CaptureState.SUCCEEDED, None)
            return self._changed(capture)
        charge = ChargeRequest(
            charge_id=request.charge_id,
            account_id=request.account_id,
            token_id=capture.token.token_id,
            amount=request.amount,
            description=request.description,
            capture=request.capture,
            initiator=Initiator.CUSTOMER,
        )
        capture.charge = self.ledger.charge(charge, now)
        capture.token = self.ledger.token(request.account_id, capture.token.token_id)
        self._tell(ChargeChanged(charge=capture.charge))
        if capture.charge.code in MISMATCHES:
            capture.token = None
            capture.await_correction(MISMATCHES[capture.charge.code])
            return self._changed(capture)
        capture.end(*ENDED_BY_CHARGE[capture.charge.state])
        return self._changed(capture)

    def _call_changed(self, call: CallView, **changes: object) -> CallView:
        changed = call.model_copy(update=changes)
        self._calls[call.call_id] = changed
        self._tell(CallChanged(call=changed))
        return changed

    def _changed(self, capture: FakeCapture) -> CaptureView:
        capture.revision += 1
        capture.updated_at = self._utc()
        self._tell(CaptureChanged(capture=capture.view()))
        return capture.view()

    def _tell(self, notice: Notice) -> None:
        for listener in self._listeners:
            listener.tell(notice)

    def _cut_streams(self) -> None:
        for listener in self._listeners:
            listener.tell(None)
        self._listeners.clear()
