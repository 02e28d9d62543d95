"""Port to the secure zone: everything that the desk can ask of it. Adapters: the HTTP client of the desk, and the fake in testing."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tonevault.boundary.calls import CallView
from tonevault.boundary.captures import CaptureRequest, CaptureRetry, CaptureView, FieldName
from tonevault.boundary.charges import ChargeRequest, ChargeResult
from tonevault.boundary.notices import Notice
from tonevault.boundary.operations import OperationRequest, OperationResult
from tonevault.boundary.reconciliations import Difference, ReconciliationRequest, ReconciliationView
from tonevault.boundary.tokens import TokenView
from tonevault.kernel.ids import AccountId, CallId, ChargeId, OperationId, SessionId, TokenId


class SecureZone(Protocol):
    """Commands are idempotent by the ids in them. All raise SecureZoneError when refused, SecureZoneUnreachableError on silence."""

    async def calls(self) -> list[CallView]:
        """Every call that is up, of all accounts."""

    async def open_capture(self, request: CaptureRequest) -> CaptureView:
        """Open a session on a call (`call_not_live`, `session_in_progress`)."""

    async def capture(self, session_id: SessionId) -> CaptureView:
        """How a session stands; also after it is over (`not_found`)."""

    async def start_field(self, session_id: SessionId, field: FieldName) -> CaptureView:
        """Open the capture window of a field, or take it again (`session_over`, `field_unknown`)."""

    async def complete(self, session_id: SessionId) -> CaptureView:
        """Vault the card and charge it where the session has an amount (`fields_missing`, `session_over`)."""

    async def retry(self, session_id: SessionId, retry: CaptureRetry) -> CaptureView:
        """Run a charge again that was declined for its address (`nothing_to_correct`, `fields_missing`, `session_over`)."""

    async def cancel(self, session_id: SessionId) -> CaptureView:
        """Discard what was captured; harmless when already over."""

    async def set_hush(self, call_id: CallId, *, on: bool) -> CallView:
        """Mute the customer towards the agent during captures, or let both talk."""

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """Charge a token; the same charge id answers the same charge (`token_not_chargeable` is a failed result, not an error)."""

    async def charge_result(self, account_id: AccountId, charge_id: ChargeId) -> ChargeResult:
        """How a charge stands (`not_found`)."""

    async def operate(self, request: OperationRequest) -> OperationResult:
        """Capture, void or refund a charge; the same operation id is the same operation.

        `not_capturable`, `not_voidable`, `not_refundable`, `amount_too_large`, `feature_not_supported` refuse it before anything
        is sent; a decline of the gateway is a result.
        """

    async def operation(self, account_id: AccountId, operation_id: OperationId) -> OperationResult:
        """How a capture, void or refund stands (`not_found`)."""

    async def token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """What may be known of a token (`not_found`)."""

    async def revoke_token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """Revoke a token and shred its card; harmless when already revoked."""

    async def reconcile(self, request: ReconciliationRequest) -> ReconciliationView:
        """Compare a span with the gateway's own list; the result is a notice, unless it is there already (`feature_not_supported`)."""

    async def reconciliation(self, account_id: AccountId, reconciliation_id: str) -> ReconciliationView:
        """How a comparison stands (`not_found`)."""

    async def differences(
        self, account_id: AccountId, reconciliation_id: str, after: int
    ) -> list[Difference]:
        """A page of what differs, from past number `after`: at most DIFFERENCE_PAGE."""

    def notices(self) -> AbstractAsyncContextManager[AsyncIterator[Notice]]:
        """A live stream that starts with the present state: every live call, open capture and unsettled charge, then changes."""
