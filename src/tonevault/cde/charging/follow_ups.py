"""Captures, voids and refunds of charges: each operation id once, never more than was held or taken, whatever runs at once."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from tonevault.boundary.operations import OperationRequest, OperationResult
from tonevault.cde.charging import jobs, store
from tonevault.cde.charging.charge import StoredCharge
from tonevault.cde.charging.errors import (
    ChargeNotFoundError,
    GatewayGoneError,
    OperationMismatchError,
    OperationNotFoundError,
    TooLateError,
)
from tonevault.cde.charging.model import Attempt, AttemptState
from tonevault.cde.charging.operation import amount_of, operation_result
from tonevault.cde.charging.sender import Following, Sender
from tonevault.cde.charging.settling import OVERDUE_S
from tonevault.cde.gateway import Gateway, Kind
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import ATTEMPT, AccountId, Entropy, OperationId, make_id
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Standing:
    """An operation that was there before."""

    attempt: Attempt
    charge: StoredCharge


class FollowUps:
    """Carries operations out. A caller that goes away does not stop one."""

    def __init__(
        self,
        database: Database,
        sender: Sender,
        gateways: Mapping[AccountId, Gateway],
        clock: Clock,
        *,
        node: str,
        entropy: Entropy,
        tell: Callable[[Attempt, str], None],
    ) -> None:
        self._database = database
        self._sender = sender
        self._gateways = gateways
        self._clock = clock
        self._node = node
        self._entropy = entropy
        self._tell = tell
        self._running: dict[OperationId, asyncio.Task[OperationResult]] = {}

    async def operate(self, request: OperationRequest) -> OperationResult:
        """Do it once for its id. Raises SecureZoneError where it is not allowed; then nothing was sent or written."""
        running = self._running.get(request.operation_id)
        if running is None:
            running = asyncio.create_task(self._operate(request))
            self._running[request.operation_id] = running
            running.add_done_callback(lambda task: self._ended(request.operation_id, task))
            return await asyncio.shield(running)
        await asyncio.wait({running})
        # Whoever comes second is answered from the books, after its request was compared with what stands there.
        return await self._operate(request)

    async def result(self, account: AccountId, operation_id: OperationId) -> OperationResult:
        """How an operation stands. Raises OperationNotFoundError."""

        def read(connection: Connection) -> OperationResult | None:
            attempt = store.find_operation(connection, account, operation_id)
            charge = attempt and store.find_charge(connection, account, attempt.charge_id)
            return operation_result(attempt, charge.amount.currency) if attempt and charge else None

        result = await self._database.read(read)
        if result is None:
            raise OperationNotFoundError
        return result

    async def unsettled(self) -> list[OperationResult]:
        """Operations of all accounts whose outcome is open."""
        found = await self._database.read(store.open_operations)
        return [operation_result(attempt, currency) for attempt, currency in found]

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _ended(self, operation_id: OperationId, task: asyncio.Task[OperationResult]) -> None:
        self._running.pop(operation_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The caller may have gone away, and then nobody else reads it.
            log.info("an operation was refused", operation=operation_id, error=type(error).__name__)

    async def _operate(self, request: OperationRequest) -> OperationResult:
        begun = await self._database.transact(lambda c: self._begin(c, request))
        currency = begun.charge.amount.currency
        if isinstance(begun, _Standing):
            return operation_result(begun.attempt, currency)
        self._tell(begun.attempt, currency)
        return operation_result(await self._sender.follow(begun), currency)

    def _begin(self, connection: Connection, request: OperationRequest) -> Following | _Standing:
        """Check what is left and write the attempt and its job down: both, or neither. The charge is locked against its rivals."""
        account, now = request.account_id, self._clock.utc()
        charge = store.find_charge(connection, account, request.charge_id, lock=True)
        standing = store.find_operation(connection, account, request.operation_id)
        if charge is None:
            raise ChargeNotFoundError
        if standing is not None:
            if not _asks_the_same(request, standing):
                raise OperationMismatchError
            return _Standing(standing, charge)
        if request.begin_by is not None and now > request.begin_by:
            raise TooLateError
        attempts = store.attempts_of(connection, account, request.charge_id)
        gateway = self._gateways.get(account)
        if gateway is None or gateway.traits.name != charge.gateway or not attempts:
            raise GatewayGoneError
        attempt = Attempt(
            account_id=account,
            attempt_id=make_id(ATTEMPT, epoch_ms(now), self._entropy),
            charge_id=request.charge_id,
            number=attempts[-1].number + 1,
            kind=Kind(request.kind.value),
            amount_minor=amount_of(request, charge, attempts, gateway.traits),
            state=AttemptState.NEW,
            gateway=charge.gateway,
            node=self._node,
            created_at=now,
            updated_at=now,
            operation_id=request.operation_id,
            reason=request.reason,
        )
        store.insert_attempt(connection, attempt)
        jobs.add(connection, account, attempt.attempt_id, now + timedelta(seconds=OVERDUE_S))
        return Following(charge, attempt, gateway, attempts[0])


def _asks_the_same(request: OperationRequest, standing: Attempt) -> bool:
    asked = None if request.amount is None else request.amount.amount_minor
    return (
        (request.charge_id, request.kind.value) == (standing.charge_id, standing.kind.value)
        and asked in (None, standing.amount_minor)
        and request.reason == standing.reason
    )
