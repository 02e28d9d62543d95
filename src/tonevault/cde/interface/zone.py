"""The secure zone from the inside: the boundary's port on the capture, the cashier and the vault of this process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from tonevault.boundary.calls import CallView
from tonevault.boundary.captures import CaptureRequest, CaptureRetry, CaptureView, FieldName
from tonevault.boundary.charges import ChargeRequest, ChargeResult
from tonevault.boundary.notices import CallChanged, CaptureChanged, ChargeChanged, Notice, OperationChanged
from tonevault.boundary.operations import OperationRequest, OperationResult
from tonevault.boundary.problems import SecureZoneUnreachableError
from tonevault.boundary.reconciliations import Difference, ReconciliationRequest, ReconciliationView
from tonevault.boundary.tokens import TokenView
from tonevault.cde.capture.notice_board import Listener
from tonevault.cde.capture.service import CaptureService
from tonevault.cde.charging.errors import ChargeNotFoundError, OperationNotFoundError
from tonevault.cde.charging.service import Cashier
from tonevault.cde.vault.service import Vault
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, CallId, ChargeId, OperationId, SessionId, TokenId

T = TypeVar("T")
CHARGE_WAIT_S: Final = 45.0
"""How long `charge` waits for the gateway before it answers how the charge stands; the outcome is then a notice."""


class LocalSecureZone:
    """Implements SecureZone."""

    def __init__(self, *, captures: CaptureService, cashier: Cashier, vault: Vault, clock: Clock) -> None:
        self._captures = captures
        self._cashier = cashier
        self._vault = vault
        self._clock = clock

    async def calls(self) -> list[CallView]:
        """See SecureZone."""
        return self._captures.calls()

    async def open_capture(self, request: CaptureRequest) -> CaptureView:
        """See SecureZone."""
        return await self._captures.open(request)

    async def capture(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        return await self._captures.find(session_id)

    async def start_field(self, session_id: SessionId, field: FieldName) -> CaptureView:
        """See SecureZone."""
        return await self._captures.start_field(session_id, field)

    async def complete(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        return await self._captures.complete(session_id)

    async def retry(self, session_id: SessionId, retry: CaptureRetry) -> CaptureView:
        """See SecureZone."""
        return await self._captures.retry(session_id, retry)

    async def cancel(self, session_id: SessionId) -> CaptureView:
        """See SecureZone."""
        return await self._captures.cancel(session_id)

    async def set_hush(self, call_id: CallId, *, on: bool) -> CallView:
        """See SecureZone."""
        return self._captures.set_hush(call_id, on=on)

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See SecureZone."""
        try:
            async with asyncio.timeout(CHARGE_WAIT_S):
                return await self._cashier.charge(request)
        except TimeoutError:
            # The cashier goes on by itself; this is only who waited for it.
            return await self._standing(self._cashier.charge_result(request.account_id, request.charge_id))

    async def charge_result(self, account_id: AccountId, charge_id: ChargeId) -> ChargeResult:
        """See SecureZone."""
        return await self._cashier.charge_result(account_id, charge_id)

    async def operate(self, request: OperationRequest) -> OperationResult:
        """See SecureZone."""
        try:
            async with asyncio.timeout(CHARGE_WAIT_S):
                return await self._cashier.operate(request)
        except TimeoutError:
            return await self._standing(self._cashier.operation(request.account_id, request.operation_id))

    @staticmethod
    async def _standing(look: Awaitable[T]) -> T:
        """How something stands that is under way. What is not written down by now still will be: *not found* would be believed."""
        try:
            return await look
        except (ChargeNotFoundError, OperationNotFoundError):
            raise SecureZoneUnreachableError(
                "the database takes nothing in at the moment; ask again under the same id"
            ) from None

    async def operation(self, account_id: AccountId, operation_id: OperationId) -> OperationResult:
        """See SecureZone."""
        return await self._cashier.operation(account_id, operation_id)

    async def token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """See SecureZone."""
        return await self._vault.token(account_id, token_id, self._clock.utc())

    async def revoke_token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """See SecureZone."""
        return await self._vault.revoke(account_id, token_id, self._clock.utc())

    async def reconcile(self, request: ReconciliationRequest) -> ReconciliationView:
        """See SecureZone."""
        return await self._cashier.reconciler.request(request)

    async def reconciliation(self, account_id: AccountId, reconciliation_id: str) -> ReconciliationView:
        """See SecureZone."""
        return await self._cashier.reconciler.find(account_id, reconciliation_id)

    async def differences(
        self, account_id: AccountId, reconciliation_id: str, after: int
    ) -> list[Difference]:
        """See SecureZone."""
        return await self._cashier.reconciler.differences(account_id, reconciliation_id, after)

    @asynccontextmanager
    async def notices(self) -> AsyncIterator[AsyncIterator[Notice]]:
        """See SecureZone. Raises TooManyListenersError."""
        with self._captures.board.listen() as listener:
            present: list[Notice] = [
                *(CallChanged(call=each) for each in self._captures.calls()),
                *(CaptureChanged(capture=each) for each in self._captures.captures()),
            ]
            # What changes while this is read waits in the listener, and comes after it.
            present += [ChargeChanged(charge=each) for each in await self._cashier.unsettled()]
            present += [
                OperationChanged(operation=each) for each in await self._cashier.unsettled_operations()
            ]
            yield _stream(present, listener)


async def _stream(present: list[Notice], listener: Listener) -> AsyncIterator[Notice]:
    for notice in present:
        yield notice
    async for notice in listener:
        yield notice
    raise SecureZoneUnreachableError("the notice stream was cut off; open it again")
