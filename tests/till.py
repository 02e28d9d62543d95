"""A vault, a cashier and a simulated gateway on files in one folder, in simulated time: closed and opened again at will."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.databases import secure_url
from tonevault.boundary.charges import Amount, ChargeRequest, ChargeResult
from tonevault.boundary.operations import OperationKind, OperationRequest, OperationResult
from tonevault.boundary.tokens import TokenUsage, TokenView
from tonevault.cde.charging.completion import CapturedCard, Completion, Sale
from tonevault.cde.charging.service import Cashier
from tonevault.cde.custodies.file import FileCustody, SharePaths
from tonevault.cde.gateway import BillingDetails, Gateway
from tonevault.cde.gateways.simulator import SimulatorGateway
from tonevault.cde.migrations import SCRIPTS
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.service import Vault
from tonevault.kernel.ids import CHARGE, AccountId, ChargeId, OperationId, TokenId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

ACCOUNT = AccountId("acme")
VISA = b"4242424242424242"
EXPIRY = Expiry(12, 2030)
START = datetime(2027, 3, 1, 12, tzinfo=UTC)


class SimulatedClock:
    """Time that passes only when a test, or something that sleeps, says so."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._seconds = 0.0

    def monotonic(self) -> float:
        return self._seconds

    def utc(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


def number(digits: bytes = VISA) -> CardNumber:
    return CardNumber(bytearray(digits))


def code(digits: bytes = b"123") -> SecurityCode:
    return SecurityCode(bytearray(digits))


def charge_id() -> ChargeId:
    return ChargeId(make_id(CHARGE, 0, SYSTEM_ENTROPY))


def money(minor: int = 1250) -> Amount:
    return Amount(amount_minor=minor, currency="GBP")


def request(token: TokenId, minor: int = 1250, under: ChargeId | None = None) -> ChargeRequest:
    return ChargeRequest(
        charge_id=under or charge_id(), account_id=ACCOUNT, token_id=token, amount=money(minor)
    )


def operation(kind: OperationKind, charge: ChargeId, minor: int | None = None) -> OperationRequest:
    return OperationRequest(
        operation_id=OperationId(make_id(kind.prefix, 0, SYSTEM_ENTROPY)),
        account_id=ACCOUNT,
        charge_id=charge,
        kind=kind,
        amount=None if minor is None else money(minor),
    )


@dataclass
class Till:
    """Everything that a payment needs. `database` and `gateway` may be wrapped by a test before first use."""

    folder: Path
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    wrap_database: Callable[[Database], Database] = lambda database: database
    wrap_gateway: Callable[[Gateway], Gateway] = lambda gateway: gateway
    told: list[ChargeResult] = field(default_factory=list)
    operations: list[OperationResult] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Start the secure zone's services anew on whatever the files hold."""
        plain = Database(secure_url(self.folder))
        upgrade(plain, SCRIPTS)
        self.database = self.wrap_database(plain)
        self.custody = FileCustody.open_or_create(SharePaths.below(self.folder))
        self.vault = Vault(self.database, self.custody)
        self.simulator = SimulatorGateway(
            self.folder / "simulator.db", self.clock, sleep=self.clock.sleep, timeout_s=10.0
        )
        self.cashier = Cashier(
            self.database,
            self.vault,
            {ACCOUNT: self.wrap_gateway(self.simulator)},
            self.clock,
            on_change=self.told.append,
            on_operation=self.operations.append,
        )
        self.completion = Completion(self.vault, self.cashier, self.clock)

    async def close(self) -> None:
        await self.cashier.close()
        await self.simulator.close()
        await self.database.close()

    async def reopen(self) -> None:
        """What a restart does: whatever was in memory is gone."""
        await self.close()
        self.open()

    async def token(self, digits: bytes = VISA, usage: TokenUsage = TokenUsage.MULTI) -> TokenView:
        return (await self.vault.tokenise(ACCOUNT, number(digits), EXPIRY, usage, self.clock.utc()))[0]

    def card(self, digits: bytes = VISA, *, postal_code: str | None = None) -> CapturedCard:
        return CapturedCard(number(digits), EXPIRY, code(), BillingDetails(postal_code))

    def sale(self, minor: int = 1250, under: ChargeId | None = None) -> Sale:
        return Sale(under or charge_id(), money(minor))

    async def settle(self, seconds: float = 600.0) -> None:
        """Let simulated time pass in small steps, sweeping as a running node does."""
        for _ in range(int(seconds * 2)):
            self.clock.advance(0.5)
            while await self.cashier.sweep():
                pass
            if not await self.cashier.unsettled() and not await self.cashier.unsettled_operations():
                return


Story = Callable[[Till], Coroutine[None, None, None]]
Play = Callable[[Story], None]


def player(folder: Path) -> Play:
    """Plays a story on a till in `folder`, and closes the till whatever comes of it."""

    def play(story: Story) -> None:
        async def whole() -> None:
            till = Till(folder)
            try:
                await story(till)
            finally:
                await till.close()

        asyncio.run(whole())

    return play
