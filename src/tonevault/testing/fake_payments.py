"""Charges, operations and tokens of the fake secure zone: the part of the port that knows no call. Time and notices come from the whole."""

from abc import ABC, abstractmethod
from datetime import datetime

from tonevault.boundary.charges import ChargeRequest, ChargeResult
from tonevault.boundary.notices import ChargeChanged, Notice, OperationChanged
from tonevault.boundary.operations import OperationRequest, OperationResult
from tonevault.boundary.reconciliations import Difference, ReconciliationRequest, ReconciliationView
from tonevault.boundary.tokens import TokenView
from tonevault.kernel.ids import AccountId, ChargeId, Entropy, OperationId, TokenId
from tonevault.testing.fake_ledger import FakeLedger


class FakePayments(ABC):
    """`ledger` holds what the test wants answered."""

    def __init__(self, entropy: Entropy) -> None:
        self.ledger = FakeLedger(entropy)

    async def charge(self, request: ChargeRequest) -> ChargeResult:
        """See SecureZone."""
        self._reach()
        is_new = (request.account_id, request.charge_id) not in self.ledger.charges
        result = self.ledger.charge(request, self._utc())
        if is_new:
            self._tell(ChargeChanged(charge=result))
        return result

    async def charge_result(self, account_id: AccountId, charge_id: ChargeId) -> ChargeResult:
        """See SecureZone."""
        self._reach()
        return self.ledger.charge_result(account_id, charge_id)

    async def operate(self, request: OperationRequest) -> OperationResult:
        """See SecureZone."""
        self._reach()
        known = self.ledger.operations.get((request.account_id, request.operation_id))
        result = self.ledger.operate(request, self._utc())
        if known is None:
            self._tell(OperationChanged(operation=result))
            self._tell(ChargeChanged(charge=self.ledger.charges[request.account_id, request.charge_id]))
        return result

    async def operation(self, account_id: AccountId, operation_id: OperationId) -> OperationResult:
        """See SecureZone."""
        self._reach()
        return self.ledger.operation(account_id, operation_id)

    async def token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """See SecureZone."""
        self._reach()
        return self.ledger.token(account_id, token_id)

    async def revoke_token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """See SecureZone."""
        self._reach()
        return self.ledger.revoke(account_id, token_id)

    async def reconcile(self, request: ReconciliationRequest) -> ReconciliationView:
        """See SecureZone."""
        self._reach()
        return self.ledger.reconcile(request, self._utc())

    async def reconciliation(self, account_id: AccountId, reconciliation_id: str) -> ReconciliationView:
        """See SecureZone."""
        self._reach()
        return self.ledger.reconciliation(account_id, reconciliation_id)

    async def differences(
        self, account_id: AccountId, reconciliation_id: str, after: int
    ) -> list[Difference]:
        """See SecureZone."""
        self._reach()
        self.ledger.reconciliation(account_id, reconciliation_id)
        return [each for each in self.ledger.next_differences if each.number > after]

    def settle_operation(self, operation_id: OperationId) -> OperationResult:
        """A look-up settles an operation that was unknown: it was done."""
        result = self.ledger.settle_operation(operation_id, self._utc())
        self._tell(OperationChanged(operation=result))
        self._tell(ChargeChanged(charge=self.ledger.charges[result.account_id, result.charge_id]))
        return result

    @abstractmethod
    def _reach(self) -> None:
        """Raise SecureZoneUnreachableError while the test wants it."""

    @abstractmethod
    def _utc(self) -> datetime:
        """The time of day in the fake."""

    @abstractmethod
    def _tell(self, notice: Notice) -> None:
        """Tell every listener."""
