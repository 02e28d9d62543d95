"""The cashier: charges tokens, each charge id once. Writes down before it sends, and never sends twice."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tonevault.boundary.charges import ChargeKind, ChargeRequest, ChargeResult, ChargeState, Initiator, Taking
from tonevault.boundary.operations import OperationRequest, OperationResult
from tonevault.boundary.reconciliations import ReconciliationView
from tonevault.boundary.tokens import TokenState, TokenView
from tonevault.cde.charging import credentials, jobs, store
from tonevault.cde.charging.charge import StoredCharge, new_charge
from tonevault.cde.charging.errors import ChargeNotFoundError, IdempotencyMismatchError, TooLateError
from tonevault.cde.charging.follow_ups import FollowUps
from tonevault.cde.charging.hints import GatewayHints
from tonevault.cde.charging.model import NO_GATEWAY, Attempt, AttemptState, Fault
from tonevault.cde.charging.reconciler import Reconciler
from tonevault.cde.charging.recorder import OnChange, OnOperation, Recorder
from tonevault.cde.charging.sender import Begun, Sender
from tonevault.cde.charging.settler import Settler
from tonevault.cde.charging.settling import OVERDUE_S
from tonevault.cde.gateway import NO_BILLING, BillingDetails, Feature, Gateway, Kind
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.vault.errors import TokenNotFoundError
from tonevault.cde.vault.lifecycle import TokenLife
from tonevault.cde.vault.service import CardUse, OpeningPurpose, Vault
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import ATTEMPT, AccountId, ChargeId, Entropy, OperationId, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

SWEEP_INTERVAL_S: Final = 0.5
"""How often a node looks for due jobs: half the shortest pause between look-ups."""
SHRED_INTERVAL_S: Final = 30.0
"""How long an unused single-use card may outlast its 15 minutes, during which its token is refused already."""
TIDY_INTERVAL_S: Final = 600.0
"""How often old webhooks are forgotten and unused tokens ended."""
RECONCILE_INTERVAL_S: Final = 5.0
"""How soon a reconciliation that was asked for begins."""
MAX_PAGE: Final = 100

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Standing:
    """A charge that needs no sending: there before, or refused just now."""

    charge: StoredCharge
    is_new: bool


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a charge is asked for with, beside its token and amount.

    `first_payment`: the token was made for this charge, and is dropped should the address not match. `keeps_card`: the token
    stays for later charges. `call_off_at`: when nobody waits for the charge any more, so that it must not be made after.
    """

    billing: BillingDetails = NO_BILLING
    first_payment: bool = False
    keeps_card: bool = False
    call_off_at: datetime | None = None


PLAIN: Final = Circumstances()


NO_LIMITS: Final[Mapping[AccountId, timedelta]] = {}


def _ignore(result: ChargeResult | OperationResult | ReconciliationView | TokenView) -> None:
    """The listener where nobody listens."""


class Cashier:
    """Charges on the vault's tokens, through the gateway of each account."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        gateways: Mapping[AccountId, Gateway],
        clock: Clock,
        *,
        node: str = "secure",
        on_change: OnChange = _ignore,
        on_operation: OnOperation = _ignore,
        on_reconciled: Callable[[ReconciliationView], None] = _ignore,
        on_token: Callable[[TokenView], None] = _ignore,
        unused_for: Mapping[AccountId, timedelta] = NO_LIMITS,
        entropy: Entropy = SYSTEM_ENTROPY,
    ) -> None:
        """`node` names this process among those on one database, the same after each restart: `recover` goes by it.

        `unused_for`: how long an account's tokens may go uncharged before they are ended.
        `on_change` and `on_operation` are called on the event loop after each recorded change of a charge's or operation's state.
        """
        self._database = database
        self._vault = vault
        self._gateways = gateways
        self._clock = clock
        self._node = node
        self._entropy = entropy
        self._recorder = Recorder(database, vault, on_change, on_operation)
        self._sender = Sender(vault, self._recorder, clock)
        self._follow_ups = FollowUps(
            database,
            self._sender,
            gateways,
            clock,
            node=node,
            entropy=entropy,
            tell=self._recorder.tell_operation,
        )
        self.reconciler = Reconciler(
            database, gateways, clock, node=node, entropy=entropy, tell=on_reconciled
        )
        self.tokens = TokenLife(database, on_token)
        self._unused_for = unused_for
        self.hints = GatewayHints(database, gateways, clock, self.tokens, vault)
        self._settler = Settler(database, self._recorder, gateways, node)
        self._running: dict[tuple[AccountId, ChargeId], asyncio.Task[ChargeResult]] = {}
        """Of each charge that is under way, the request that came last: the next one waits for it."""
        self._tasks: set[asyncio.Task[ChargeResult]] = set()

    async def charge(
        self,
        request: ChargeRequest,
        security_code: SecurityCode | None = None,
        circumstances: Circumstances = PLAIN,
    ) -> ChargeResult:
        """Charge a token once for each charge id; the security code is destroyed whatever happens.

        A charge of nothing verifies the card, where the gateway can. A caller that goes away does not stop the charge.
        Raises TokenNotFoundError, IdempotencyMismatchError, TooLateError; every other trouble is a result.
        """
        key = (request.account_id, request.charge_id)
        # Who asks for the same charge again meanwhile learns how it ended, and not that it is under way.
        turn = self._charge(request, security_code, circumstances, after=self._running.get(key))
        task = self._running[key] = asyncio.create_task(turn)
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    async def charge_result(self, account: AccountId, charge_id: ChargeId) -> ChargeResult:
        """How a charge stands. Raises ChargeNotFoundError."""
        charge = await self.find(account, charge_id)
        if charge is None:
            raise ChargeNotFoundError
        return charge.result()

    async def find(self, account: AccountId, charge_id: ChargeId) -> StoredCharge | None:
        """A charge as it is stored: for the rooms above."""
        return await self._database.read(lambda c: store.find_charge(c, account, charge_id))

    async def charges(
        self, account: AccountId, *, limit: int = MAX_PAGE, before: ChargeId | None = None
    ) -> list[ChargeResult]:
        """An account's charges, the newest first, at most 100; `before` is the last id of the page above."""
        page = min(max(limit, 1), MAX_PAGE)
        found = await self._database.read(lambda c: store.list_charges(c, account, page, before))
        return [charge.result() for charge in found]

    async def unsettled(self) -> list[ChargeResult]:
        """Charges of all accounts that are pending or unknown, for a desk that connects anew."""
        return [charge.result() for charge in await self._database.read(store.list_unsettled)]

    async def operate(self, request: OperationRequest) -> OperationResult:
        """Capture, void or refund a charge, once for each operation id. Raises SecureZoneError where it is not allowed."""
        return await self._follow_ups.operate(request)

    async def operation(self, account: AccountId, operation_id: OperationId) -> OperationResult:
        """How an operation stands. Raises OperationNotFoundError."""
        return await self._follow_ups.result(account, operation_id)

    async def unsettled_operations(self) -> list[OperationResult]:
        """Operations of all accounts that are pending or unknown."""
        return await self._follow_ups.unsettled()

    def can_verify(self, account: AccountId) -> bool:
        """Whether the account's gateway checks cards for no money."""
        gateway = self._gateways.get(account)
        return gateway is not None and gateway.traits.has(Feature.VERIFY)

    async def recover(self) -> int:
        """Once at start, before the first charge: lay open what this node left unanswered. How many there were."""
        return await self._settler.recover(self._clock.utc())

    async def sweep(self, now: datetime | None = None) -> int:
        """Look up what is due; how many jobs there were."""
        return await self._settler.sweep(self._clock.utc() if now is None else now)

    async def run(self) -> None:
        """Settle what is due, shred tokens whose time is up, compare with the gateways daily, until cancelled.

        A database that is away is waited for.
        """
        async with asyncio.TaskGroup() as both:
            # A gateway's list may take minutes to read, and what is unknown must not wait for it.
            both.create_task(self._settle_on())
            both.create_task(self._reconcile_on())

    async def _reconcile_on(self) -> None:
        while True:
            try:
                await self.reconciler.plan(self._clock.utc())
                while await self.reconciler.sweep(self._clock.utc()):
                    pass
            except SQLAlchemyError as error:
                log.error("a reconciliation could not be begun", error=type(error).__name__)  # noqa: TRY400
            await asyncio.sleep(RECONCILE_INTERVAL_S)

    async def _settle_on(self) -> None:
        shred_at = tidy_at = self._clock.monotonic()
        while True:
            try:
                while await self.sweep():
                    pass
                if self._clock.monotonic() >= shred_at:
                    await self._vault.sweep(self._clock.utc())
                    shred_at = self._clock.monotonic() + SHRED_INTERVAL_S
                if self._clock.monotonic() >= tidy_at:
                    await self.hints.forget_old(self._clock.utc())
                    await self._end_unused()
                    tidy_at = self._clock.monotonic() + TIDY_INTERVAL_S
            except SQLAlchemyError as error:
                log.error("a sweep failed", error=type(error).__name__)  # noqa: TRY400 - no traceback with rows
            await asyncio.sleep(SWEEP_INTERVAL_S)

    async def _end_unused(self) -> None:
        """Tokens that nobody has used for as long as their account allows are ended, and their cards shredded."""
        now = self._clock.utc()
        for account, limit in self._unused_for.items():
            while await self.tokens.expire_unused(account, now - limit, now):
                pass

    async def close(self) -> None:
        """Wait for the charges that are under way: each ends within its gateway's time-out."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._follow_ups.close()

    async def _charge(
        self,
        request: ChargeRequest,
        security_code: SecurityCode | None,
        circumstances: Circumstances,
        *,
        after: asyncio.Task[ChargeResult] | None,
    ) -> ChargeResult:
        try:
            if after is not None:
                await asyncio.wait([after])
            begun = await self._database.transact(lambda c: self._begin(c, request, circumstances))
            if isinstance(begun, _Standing):
                return self._stand(begun)
            return (await self._sender.pay(begun, security_code, circumstances.billing)).result()
        finally:
            if security_code is not None:
                security_code.destroy()

    def _ended(self, key: tuple[AccountId, ChargeId], task: asyncio.Task[ChargeResult]) -> None:
        self._tasks.discard(task)
        if self._running.get(key) is task:
            del self._running[key]
        if not task.cancelled() and (error := task.exception()) is not None:
            # The caller may have gone away, and then nobody else reads it.
            log.warning("a charge was refused or not recorded", error=type(error).__name__)

    def _stand(self, standing: _Standing) -> ChargeResult:
        if standing.is_new:
            self._recorder.tell(standing.charge)
        return standing.charge.result()

    def _begin(
        self, connection: Connection, request: ChargeRequest, circumstances: Circumstances
    ) -> Begun | _Standing:
        """Write charge, attempt and job down and take the card: all of it, or none."""
        now = self._clock.utc()
        account = request.account_id
        standing = store.find_charge(connection, account, request.charge_id)
        if standing is not None:
            if not standing.asks_the_same(request):
                raise IdempotencyMismatchError
            return _Standing(standing, is_new=False)
        if request.begin_by is not None and now > request.begin_by:
            raise TooLateError
        if not self._vault.has(connection, account, request.token_id):
            raise TokenNotFoundError
        gateway = self._gateways.get(account)
        charge = new_charge(
            request,
            NO_GATEWAY if gateway is None else gateway.traits.name,
            now,
            token_new=circumstances.first_payment,
            keeps_card=circumstances.keeps_card,
            call_off_at=circumstances.call_off_at,
            fault=_fault(request, gateway),
        )
        if gateway is not None and request.initiator is not Initiator.CUSTOMER:
            known = credentials.find(connection, account, request.token_id, charge.gateway)
            charge = replace(charge, scheme_reference=known)
        if not store.insert_charge(connection, charge):
            # A rival's commit came between: what it wrote is there to be read now.
            return self._begin(connection, request, circumstances)
        if gateway is None or charge.state is not ChargeState.PENDING:
            return _Standing(charge, is_new=True)
        attempt = self._first_attempt(charge, now)
        use = CardUse(OpeningPurpose.CHARGE, charge.gateway, charge.charge_id, attempt.attempt_id)
        drawn = self._vault.draw(connection, account, request.token_id, now, use)
        if isinstance(drawn, TokenState):
            refused = charge.failed(Fault.TOKEN_NOT_CHARGEABLE, now)
            store.update_charge(connection, refused)
            return _Standing(refused, is_new=True)
        store.insert_attempt(connection, attempt)
        jobs.add(connection, account, attempt.attempt_id, now + timedelta(seconds=OVERDUE_S))
        return Begun(charge, attempt, gateway, drawn)

    def _first_attempt(self, charge: StoredCharge, now: datetime) -> Attempt:
        return Attempt(
            account_id=charge.account_id,
            attempt_id=make_id(ATTEMPT, epoch_ms(now), self._entropy),
            charge_id=charge.charge_id,
            number=1,
            kind=Kind.PAYMENT if charge.kind is ChargeKind.PAYMENT else Kind.VERIFICATION,
            amount_minor=charge.amount.amount_minor,
            state=AttemptState.NEW,
            gateway=charge.gateway,
            node=self._node,
            created_at=now,
            updated_at=now,
        )


def _fault(request: ChargeRequest, gateway: Gateway | None) -> Fault | None:
    """Why a charge is not even begun."""
    if gateway is None:
        return Fault.GATEWAY_NOT_CONFIGURED
    traits = gateway.traits
    if not traits.takes(request.amount.currency):
        return Fault.CURRENCY_NOT_SUPPORTED
    if not request.amount.amount_minor:
        return None if traits.has(Feature.VERIFY) else Fault.AMOUNT_NOT_CHARGEABLE
    if request.capture is Taking.MANUAL and not traits.has(Feature.HOLD):
        return Fault.FEATURE_NOT_SUPPORTED
    return None
