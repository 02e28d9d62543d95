"""What the capture service needs of others: the switch's mask, the till, storage, timers. It asks for no more than it uses."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureView
from tonevault.boundary.charges import ChargeResult
from tonevault.boundary.tokens import TokenUsage, TokenView
from tonevault.cde.charging.completion import CapturedCard, Completed, NotTokenised, Sale
from tonevault.cde.media import Leg, MaskMode
from tonevault.kernel.ids import AccountId, CallId, ChargeId, SessionId, TokenId


class CallFacts(Protocol):
    """A call as the switch tells of it. Times are aware and UTC; `end_reason` is a word of ours."""

    @property
    def call_id(self) -> CallId:
        """Our own id of the call."""

    @property
    def route(self) -> str:
        """The route it took."""

    @property
    def account(self) -> AccountId:
        """The merchant whose route it is."""

    @property
    def started_at(self) -> datetime:
        """When it arrived."""

    @property
    def caller(self) -> str | None:
        """Who calls, as signalled."""

    @property
    def called(self) -> str | None:
        """Who is called, as signalled."""

    @property
    def customer_ref(self) -> str | None:
        """The value of the route's customer header."""

    @property
    def state(self) -> CallState:
        """Where it stands."""

    @property
    def answered_at(self) -> datetime | None:
        """When the agent took it."""

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""

    @property
    def end_reason(self) -> str | None:
        """Why it ended."""

    @property
    def secured(self) -> frozenset[Leg]:
        """The legs whose media are SRTP."""


class MaskSwitch(Protocol):
    """The switch's side of a capture. It is asked only about calls that it told us are answered, so a refusal is a fault."""

    def start_capture(self, call_id: CallId, mode: MaskMode) -> None:
        """From now on no key of the customer passes, and each is reported; a mask that is open stays open, in this mode."""

    def set_mask(self, call_id: CallId, mode: MaskMode) -> None:
        """Change how the customer is heard; nothing happens without an open mask."""

    def stop_capture(self, call_id: CallId, now: float) -> None:
        """Close the mask; nothing happens when it is closed or the call over."""


class Till(Protocol):
    """Ends a capture: one card in, one outcome out. Implemented by `charging.completion.Completion`."""

    async def vault_and_charge(
        self,
        account: AccountId,
        card: CapturedCard,
        *,
        usage: TokenUsage,
        sale: Sale | None,
        replaces: TokenId | None,
    ) -> Completed | NotTokenised:
        """Vault the card and, where there is a sale, charge it, once for each charge id. Destroys the security code."""


class ChargeBook(Protocol):
    """Where charges stand. Implemented by `charging.service.Cashier`."""

    async def charge_result(self, account: AccountId, charge_id: ChargeId) -> ChargeResult:
        """How a charge stands. Raises SecureZoneError `not_found`."""


class TokenBook(Protocol):
    """Where tokens stand. Implemented by `vault.service.Vault`."""

    async def token(self, account: AccountId, token_id: TokenId, now: datetime) -> TokenView:
        """What may be known of a token. Raises SecureZoneError `not_found`."""


class CaptureStore(Protocol):
    """Sessions as they outlive the process: views alone, which hold dots and masks and no card."""

    async def save(self, view: CaptureView, charge_id: ChargeId | None) -> None:
        """Write a view down, unless a newer one of its session stands there."""

    async def find(self, session_id: SessionId) -> CaptureView | None:
        """A session as last written."""

    async def unknown_of(self, account: AccountId, charge_id: ChargeId) -> CaptureView | None:
        """The session in state `unknown` that waits for this charge."""

    async def left_open(self) -> list[tuple[CaptureView, ChargeId | None]]:
        """Sessions of this node that were not over when it stopped."""


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Let it not happen; harmless when it has."""


class Timers(Protocol):
    """Calls later. Implemented by the event loop, and by simulated time in tests."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call back after `delay` seconds, on the event loop."""
