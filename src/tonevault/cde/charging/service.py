"""The cashier: charges tokens, each charge id once. Writes down before it sends, and never sends twice."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tonevault.boundary.charges import ChargeRequest, ChargeResult, ChargeState
from tonevault.boundary.tokens import TokenState
from tonevault.cde.charging import jobs, store
from tonevault.cde.charging.errors import ChargeNotFoundError, IdempotencyMismatchError
from tonevault.cde.charging.model import (
    EVENTS,
    NO_GATEWAY,
    Attempt,
    AttemptEvent,
    AttemptState,
    Fault,
    StoredCharge,
    new_charge,
)
from tonevault.cde.charging.recorder import OnChange, Recorder
from tonevault.cde.charging.settler import Settler
from tonevault.cde.charging.settling import ANSWER_LIMIT_S, OVERDUE_S
from tonevault.cde.gateway import (
    Authorisation,
    BillingDetails,
    CardInHand,
    Gateway,
    GatewayAnswer,
    Initiator,
    Terms,
    Verdict,
)
from tonevault.cde.key_custody import KeyCustodyError
from tonevault.cde.sealed.security_code import SecurityCode
from tonevault.cde.vault.errors import CardUnreadableError, TokenNotFoundError
from tonevault.cde.vault.model import SealedCard
from tonevault.cde.vault.service import OpenCard, OpeningPurpose, Vault
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import ATTEMPT, AccountId, ChargeId, Entropy, make_id
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

SWEEP_INTERVAL_S: Final = 0.5
"""How often a node looks for due jobs: half the shortest pause between look-ups."""
SHRED_INTERVAL_S: Final = 30.0
"""How long an unused single-use card may outlast its 15 minutes, during which its token is refused already."""
MAX_PAGE: Final = 100

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A charge that is written down and may be sent: `card` is in this process's hands alone if its token was single-use."""

    charge: StoredCharge
    attempt: Attempt
    gateway: Gateway
    card: SealedCard


@dataclass(frozen=True, slots=True)
class _Standing:
    """A charge that needs no sending: there before, or refused just now."""

    charge: StoredCharge
    is_new: bool


def _ignore(result: ChargeResult) -> None:
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
        entropy: Entropy = SYSTEM_ENTROPY,
    ) -> None:
        """`node` names this process among those on one database, the same after each restart: `recover` goes by it.

        `on_change` is called on the event loop after each recorded change of a charge's state.
        """
        self._database = database
        self._vault = vault
        self._gateways = gateways
        self._clock = clock
        self._node = node
        self._entropy = entropy
        self._recorder = Recorder(database, vault, on_change)
        self._settler = Settler(database, self._recorder, gateways, node)
        self._running: dict[tuple[AccountId, ChargeId], asyncio.Task[ChargeResult]] = {}
        self._tasks: set[asyncio.Task[ChargeResult]] = set()

    async def charge(
        self,
        request: ChargeRequest,
        security_code: SecurityCode | None = None,
        postal_code: str | None = None,
        *,
        first_payment: bool = False,
    ) -> ChargeResult:
        """Charge a token once for each charge id; the security code is destroyed whatever happens.

        `first_payment`: the token was made for this charge, and is dropped should the address not match. A caller that goes
        away does not stop the charge. Raises TokenNotFoundError, IdempotencyMismatchError; every other trouble is a result.
        """
        key = (request.account_id, request.charge_id)
        task = asyncio.create_task(
            self._charge(request, security_code, postal_code, first_payment=first_payment)
        )
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if key not in self._running:
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
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

    async def recover(self) -> int:
        """Once at start, before the first charge: lay open what this node left unanswered. How many there were."""
        return await self._settler.recover(self._clock.utc())

    async def sweep(self, now: datetime | None = None) -> int:
        """Look up what is due; how many jobs there were."""
        return await self._settler.sweep(self._clock.utc() if now is None else now)

    async def run(self) -> None:
        """Settle what is due and shred tokens whose time is up, until cancelled. A database that is away is waited for."""
        shred_at = self._clock.monotonic()
        while True:
            try:
                while await self.sweep():
                    pass
                if self._clock.monotonic() >= shred_at:
                    await self._vault.sweep(self._clock.utc())
                    shred_at = self._clock.monotonic() + SHRED_INTERVAL_S
            except SQLAlchemyError as error:
                log.error("a sweep failed", error=type(error).__name__)  # noqa: TRY400 - no traceback with rows
            await asyncio.sleep(SWEEP_INTERVAL_S)

    async def close(self) -> None:
        """Wait for the charges that are under way: each ends within its gateway's time-out."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _charge(
        self,
        request: ChargeRequest,
        security_code: SecurityCode | None,
        postal_code: str | None,
        *,
        first_payment: bool,
    ) -> ChargeResult:
        try:
            begun = await self._database.transact(
                lambda c: self._begin(c, request, first_payment=first_payment)
            )
            if isinstance(begun, _Standing):
                return await self._stand(begun)
            return (await self._send(begun, security_code, postal_code)).result()
        finally:
            if security_code is not None:
                security_code.destroy()

    def _ended(self, task: asyncio.Task[ChargeResult]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The caller may have gone away, and then nobody else reads it.
            log.warning("a charge was refused or not recorded", error=type(error).__name__)

    async def _stand(self, standing: _Standing) -> ChargeResult:
        charge = standing.charge
        if standing.is_new:
            self._recorder.tell(charge)
        running = self._running.get((charge.account_id, charge.charge_id))
        if charge.state is ChargeState.PENDING and running and running is not asyncio.current_task():
            return await asyncio.shield(running)
        return charge.result()

    def _begin(
        self, connection: Connection, request: ChargeRequest, *, first_payment: bool
    ) -> _Begun | _Standing:
        """Write charge, attempt and job down and take the card: all of it, or none."""
        now = self._clock.utc()
        account = request.account_id
        standing = store.find_charge(connection, account, request.charge_id)
        if standing is not None:
            if not standing.asks_the_same(request):
                raise IdempotencyMismatchError
            return _Standing(standing, is_new=False)
        if not self._vault.has(connection, account, request.token_id):
            raise TokenNotFoundError
        gateway = self._gateways.get(account)
        name = NO_GATEWAY if gateway is None else gateway.traits.name
        fault = None if request.amount.amount_minor else Fault.AMOUNT_NOT_CHARGEABLE
        if gateway is None:
            fault = Fault.GATEWAY_NOT_CONFIGURED
        charge = new_charge(request, name, now, token_new=first_payment, fault=fault)
        if not store.insert_charge(connection, charge):
            # A rival's commit came between: what it wrote is there to be read now.
            return self._begin(connection, request, first_payment=first_payment)
        if gateway is None or fault is not None:
            return _Standing(charge, is_new=True)
        drawn = self._vault.draw(connection, account, request.token_id, now)
        if isinstance(drawn, TokenState):
            refused = charge.failed(Fault.TOKEN_NOT_CHARGEABLE, now)
            store.update_charge(connection, refused)
            return _Standing(refused, is_new=True)
        attempt = Attempt(
            account_id=account,
            attempt_id=make_id(ATTEMPT, epoch_ms(now), self._entropy),
            charge_id=request.charge_id,
            number=1,
            state=AttemptState.NEW,
            gateway=name,
            node=self._node,
            created_at=now,
        )
        store.insert_attempt(connection, attempt)
        jobs.add(connection, account, attempt.attempt_id, now + timedelta(seconds=OVERDUE_S))
        return _Begun(charge, attempt, gateway, drawn)

    async def _send(
        self, begun: _Begun, security_code: SecurityCode | None, postal_code: str | None
    ) -> StoredCharge:
        attempt = begun.attempt
        try:
            async with self._vault.open_drawn(begun.card, OpeningPurpose.CHARGE, self._clock.utc()) as card:
                sent = await self._recorder.record(attempt, AttemptEvent.SEND, self._clock.utc())
                if not sent.by_this:
                    return sent.charge
                answer = await self._ask(begun, card, security_code, postal_code)
        except (CardUnreadableError, KeyCustodyError) as error:
            log.error("a card could not be opened", error=type(error).__name__)  # noqa: TRY400
            fault = Fault.CARD_UNREADABLE
            return (
                await self._recorder.record(attempt, AttemptEvent.FAIL, self._clock.utc(), fault=fault)
            ).charge
        finally:
            # PCI DSS 3.3.1: authorisation is over, so the code is gone, before even the answer is written down.
            if security_code is not None:
                security_code.destroy()
        return await self._answered(begun, answer)

    async def _ask(
        self, begun: _Begun, card: OpenCard, security_code: SecurityCode | None, postal_code: str | None
    ) -> GatewayAnswer:
        charge = begun.charge
        request = Authorisation(
            account_id=charge.account_id,
            reference=begun.attempt.attempt_id,
            money=charge.amount.as_money(),
            card=CardInHand(card.number, card.expiry, security_code, BillingDetails(postal_code)),
            terms=Terms(
                initiator=Initiator.CUSTOMER
                if security_code is not None or charge.token_new
                else Initiator.UNSCHEDULED,
                description=charge.description,
            ),
        )
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                return await begun.gateway.authorise(request)
        except Exception as error:  # noqa: BLE001 - whatever an adapter lets through, the request may have arrived
            log.error("a gateway adapter failed", gateway=charge.gateway, error=type(error).__name__)  # noqa: TRY400
            return GatewayAnswer(Verdict.UNKNOWN)

    async def _answered(self, begun: _Begun, answer: GatewayAnswer) -> StoredCharge:
        now = self._clock.utc()
        try:
            return (
                await self._recorder.record(begun.attempt, EVENTS[answer.verdict], now, answer=answer)
            ).charge
        except SQLAlchemyError as error:
            # The answer is lost with the database; the attempt stands as sent, and its job will look it up.
            log.error("an answer could not be recorded", error=type(error).__name__)  # noqa: TRY400
            return begun.charge.after(AttemptState.UNKNOWN, None, None, now)
