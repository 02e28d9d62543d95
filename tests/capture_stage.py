"""The capture on a real vault, cashier and database, in simulated time, with a switch that only remembers and keys on demand."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.till import ACCOUNT, SimulatedClock, Till
from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureRequest, CaptureView, FieldName
from tonevault.boundary.charges import Amount, ChargeResult
from tonevault.boundary.notices import OperationChanged
from tonevault.boundary.operations import OperationResult
from tonevault.boundary.problems import SecureZoneError
from tonevault.cde.capture.finisher import Finisher
from tonevault.cde.capture.service import CaptureService
from tonevault.cde.capture.store import SqlCaptureStore
from tonevault.cde.interface.zone import LocalSecureZone
from tonevault.cde.media import Carrier, KeyReport, Leg, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.kernel.ids import CALL, CHARGE, SESSION, AccountId, CallId, ChargeId, SessionId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY

KEY_GAP_S = 0.2
GOOD = {FieldName.CARD_NUMBER: "4242424242424242", FieldName.EXPIRY: "1230", FieldName.SECURITY_CODE: "123"}


@dataclass(order=True)
class _Due:
    at: float
    number: int
    callback: Callable[[], None] = field(compare=False)
    canceled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.canceled = True


class SimulatedTimers:
    """Timers that fire, in order, while `advance` moves the clock past them."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._due: list[_Due] = []
        self._numbers = itertools.count()

    def call_later(self, delay: float, callback: Callable[[], None]) -> _Due:
        due = _Due(self._clock.monotonic() + delay, next(self._numbers), callback)
        heapq.heappush(self._due, due)
        return due

    def advance(self, seconds: float) -> None:
        end = self._clock.monotonic() + seconds
        while self._due and self._due[0].at <= end:
            due = heapq.heappop(self._due)
            if not due.canceled:
                self._clock.advance(max(0.0, due.at - self._clock.monotonic()))
                due.callback()
        self._clock.advance(max(0.0, end - self._clock.monotonic()))

    @property
    def waiting(self) -> int:
        """Timers that will still fire."""
        return sum(not due.canceled for due in self._due)


@dataclass(frozen=True)
class Facts:
    """A call as a switch tells of it."""

    call_id: CallId
    started_at: datetime
    route: str = "support"
    account: AccountId = ACCOUNT
    caller: str | None = "+441632960001"
    called: str | None = "+441632960100"
    customer_ref: str | None = None
    state: CallState = CallState.RINGING
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None
    secured: frozenset[Leg] = frozenset()


@dataclass
class RememberingSwitch:
    """What was asked of the switch: `masks` holds the calls that are masked, `acts` every command in order."""

    masks: dict[CallId, MaskMode] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)

    def start_capture(self, call_id: CallId, mode: MaskMode) -> None:
        self.masks[call_id] = mode
        self.acts.append(f"start {mode.value}")

    def set_mask(self, call_id: CallId, mode: MaskMode) -> None:
        self.masks[call_id] = mode
        self.acts.append(f"set {mode.value}")

    def stop_capture(self, call_id: CallId, now: float) -> None:
        del self.masks[call_id]
        self.acts.append("stop")


class _Told(list[ChargeResult]):
    """What the cashier tells, handed on to the service."""

    def __init__(self, stage: "CaptureStage") -> None:
        super().__init__()
        self._stage = stage

    def append(self, item: ChargeResult) -> None:
        super().append(item)
        self._stage.service.charge_changed(item)


class _ToldOperations(list[OperationResult]):
    """The same of captures, voids and refunds."""

    def __init__(self, stage: "CaptureStage") -> None:
        super().__init__()
        self._stage = stage

    def append(self, item: OperationResult) -> None:
        super().append(item)
        self._stage.service.board.publish(OperationChanged(operation=item))


class CaptureStage:
    """One secure node. Use it inside a running event loop; `crash` loses its memory and starts it again on the same files."""

    service: CaptureService
    zone: LocalSecureZone

    def __init__(self, folder: Path, *, hushed_routes: Collection[str] = ()) -> None:
        self.clock = SimulatedClock()
        self.timers = SimulatedTimers(self.clock)
        self.switch = RememberingSwitch()
        self.calls: dict[CallId, Facts] = {}
        self._hushed_routes = hushed_routes
        self.till = Till(folder, self.clock, told=_Told(self), operations=_ToldOperations(self))
        self.open()

    def open(self) -> None:
        """Wire the node on whatever the files hold."""
        self.service = CaptureService(
            finisher=Finisher(self.till.completion, self.till.cashier, self.till.vault, self.clock),
            store=SqlCaptureStore(self.till.database),
            clock=self.clock,
            timers=self.timers,
            hushed_routes=self._hushed_routes,
        )
        self.service.attach(self.switch)
        self.zone = LocalSecureZone(
            captures=self.service, cashier=self.till.cashier, vault=self.till.vault, clock=self.clock
        )

    async def crash(self) -> None:
        """The process is killed and starts again: calls and captures in memory are gone."""
        self.service.board.close()
        self.timers = SimulatedTimers(self.clock)
        self.switch = RememberingSwitch()
        self.calls.clear()
        await self.till.reopen()
        self.open()
        await self.till.cashier.recover()
        await self.service.recover()

    async def close(self) -> None:
        await self.service.close()
        await self.till.close()

    # Calls and keys.

    def ring(self, **facts: str | None) -> CallId:
        call_id = CallId(make_id(CALL, 0, SYSTEM_ENTROPY))
        self.calls[call_id] = replace(Facts(call_id, self.clock.utc()), **facts)  # type: ignore[arg-type]
        self.service.observer.call_arrived(self.calls[call_id])
        return call_id

    def answer(self, call_id: CallId) -> None:
        answered = replace(self.calls[call_id], state=CallState.ANSWERED, answered_at=self.clock.utc())
        self.calls[call_id] = answered
        self.service.observer.call_answered(answered)

    def secure(self, call_id: CallId, *legs: Leg) -> None:
        self.calls[call_id] = replace(self.calls[call_id], secured=frozenset(legs))
        self.service.observer.legs_secured(self.calls[call_id])

    def live_call(self, **facts: str | None) -> CallId:
        call_id = self.ring(**facts)
        self.answer(call_id)
        return call_id

    def hang_up(self, call_id: CallId, reason: str = "customer_hung_up") -> None:
        call = self.calls.pop(call_id)
        self.switch.masks.pop(call_id, None)
        self.service.observer.call_ended(
            replace(call, state=CallState.ENDED, ended_at=self.clock.utc(), end_reason=reason)
        )

    def key(self, call_id: CallId, keys: str, *carriers: Carrier) -> None:
        """Press keys, told at once by each carrier if the mask is open, as the edge does it."""
        for character in keys:
            self.press(call_id, character, *(carriers or (Carrier.EVENT,)))
            self.advance(KEY_GAP_S / 2)
            for carrier in carriers or (Carrier.EVENT,):
                self.lets_go(call_id, carrier)
            self.advance(KEY_GAP_S / 2)

    def press(self, call_id: CallId, character: str, *carriers: Carrier) -> None:
        """A key goes down, and each carrier tells of it."""
        for carrier in carriers:
            if call_id in self.switch.masks:
                key = Key.from_character(ord(character))
                self.service.observer.key_pressed(KeyReport(call_id, key, carrier, self.clock.monotonic()))

    def lets_go(self, call_id: CallId, carrier: Carrier) -> None:
        """The key that an event or tone told of last is up, as a relay says it."""
        if carrier is not Carrier.INFO:
            self.service.observer.key_held(call_id, carrier, self.clock.monotonic())

    def advance(self, seconds: float) -> None:
        self.timers.advance(seconds)

    # Sessions.

    def request(self, call_id: CallId, *, amount: int | None = 1250, **changes: object) -> CaptureRequest:
        wanted: dict[str, object] = {
            "session_id": SessionId(make_id(SESSION, 0, SYSTEM_ENTROPY)),
            "account_id": ACCOUNT,
            "call_id": call_id,
            "expires_at": self.clock.utc() + timedelta(minutes=30),
        }
        if amount is not None:
            wanted["amount"] = Amount(amount_minor=amount, currency="GBP")
            wanted["charge_id"] = ChargeId(make_id(CHARGE, 0, SYSTEM_ENTROPY))
        return CaptureRequest.model_validate(wanted | changes)

    async def capture_all(self, view: CaptureView, **keys: str) -> CaptureView:
        """Key every field of a session; `card_number="…"` and so on in place of the good ones."""
        for name in (each.name for each in view.fields):
            await self.zone.start_field(view.session_id, name)
            self.key(view.call_id, keys.get(name.value, GOOD.get(name, "10001")) + "#")
        return await self.zone.capture(view.session_id)


def play(
    story: Callable[[CaptureStage], Awaitable[None]], folder: Path, *, hushed_routes: Collection[str] = ()
) -> None:
    """Run an async story on a stage of its own."""

    async def whole() -> None:
        stage = CaptureStage(folder, hushed_routes=hushed_routes)
        try:
            await story(stage)
        finally:
            await stage.close()

    asyncio.run(whole())


async def refused(asking: Awaitable[object]) -> str:
    """The code with which the zone refuses."""
    with pytest.raises(SecureZoneError) as caught:
        await asking
    return caught.value.code
