"""Tokens and charges of the fake secure zone: every answer is the one that the test asked for."""

from datetime import datetime, timedelta
from typing import Final

from tonevault.boundary.charges import UNSETTLED, ChargeKind, ChargeRequest, ChargeResult, ChargeState, Taking
from tonevault.boundary.operations import OperationKind, OperationRequest, OperationResult, OperationState
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.reconciliations import (
    Difference,
    ReconciliationRequest,
    ReconciliationState,
    ReconciliationView,
)
from tonevault.boundary.tokens import TokenState, TokenUsage, TokenView
from tonevault.kernel import ids
from tonevault.kernel.ids import AccountId, ChargeId, Entropy, OperationId, TokenId
from tonevault.testing.fake_capture import FakeCapture

SINGLE_USE_LIFE: Final = timedelta(minutes=15)


class FakeLedger:
    """Every charge gets `next_charge` (state and code) until a test changes it. One card of one account has one multi-use token."""

    def __init__(self, entropy: Entropy) -> None:
        self.next_charge: tuple[ChargeState, str | None] = (ChargeState.SUCCEEDED, None)
        self.next_operation: tuple[OperationState, str | None] = (OperationState.SUCCEEDED, None)
        self.next_differences: list[Difference] = []
        self.operations: dict[tuple[AccountId, OperationId], OperationResult] = {}
        self.reconciliations: dict[tuple[AccountId, str], ReconciliationView] = {}
        self.tokens: dict[tuple[AccountId, TokenId], TokenView] = {}
        self.charges: dict[tuple[AccountId, ChargeId], ChargeResult] = {}
        self._entropy = entropy
        self._cards: dict[tuple[AccountId, str], TokenId] = {}

    def keep(self, capture: FakeCapture, now: datetime) -> tuple[TokenView, bool]:
        """The token of a captured card, and whether it was there before."""
        request = capture.request
        account = request.account_id
        single = request.token_usage is TokenUsage.SINGLE
        known = None if single else self._cards.get((account, capture.identity()))
        if known is not None and self.tokens[account, known].state is TokenState.ACTIVE:
            return self.tokens[account, known], True
        token = TokenView(
            token_id=TokenId(ids.make_secret_id(ids.TOKEN, self._entropy)),
            account_id=account,
            usage=request.token_usage,
            state=TokenState.ACTIVE,
            card=capture.card(),
            created_at=now,
            expires_at=now + SINGLE_USE_LIFE if single else None,
        )
        self.tokens[account, token.token_id] = token
        if not single:
            self._cards[account, capture.identity()] = token.token_id
        return token, False

    def charge(self, request: ChargeRequest, now: datetime) -> ChargeResult:
        """A charge with the answer that the test asked for, or `token_not_chargeable`; the same charge id, the same charge."""
        known = self.charges.get((request.account_id, request.charge_id))
        if known is not None:
            if (known.token_id, known.amount) != (request.token_id, request.amount):
                raise SecureZoneError(422, "idempotency_mismatch", "charge_id: stands for another charge")
            return known
        _refuse_late(request, now)
        token = self.token(request.account_id, request.token_id)
        state, code = self.next_charge
        if token.state is not TokenState.ACTIVE:
            state, code = ChargeState.FAILED, "token_not_chargeable"
        elif token.usage is TokenUsage.SINGLE:
            self._becomes(token, TokenState.CONSUMED)
        if state is ChargeState.SUCCEEDED and request.capture is Taking.MANUAL:
            state = ChargeState.AUTHORISED
        result = ChargeResult(
            charge_id=request.charge_id,
            account_id=request.account_id,
            token_id=request.token_id,
            kind=ChargeKind.PAYMENT if request.amount.amount_minor else ChargeKind.VERIFICATION,
            amount=request.amount,
            amount_captured=request.amount.amount_minor if state is ChargeState.SUCCEEDED else 0,
            capture=request.capture,
            initiator=request.initiator,
            state=state,
            gateway="simulator",
            gateway_reference=f"sim_{request.charge_id}" if state is ChargeState.SUCCEEDED else None,
            code=code,
            created_at=now,
            updated_at=now,
        )
        self.charges[request.account_id, request.charge_id] = result
        return result

    def settle(
        self, charge_id: ChargeId, state: ChargeState, code: str | None, now: datetime
    ) -> ChargeResult:
        """A charge that was unknown becomes known."""
        key = next(each for each in self.charges if each[1] == charge_id)
        self.charges[key] = self.charges[key].model_copy(
            update={"state": state, "code": code, "updated_at": now}
        )
        return self.charges[key]

    def unsettled(self) -> list[ChargeResult]:
        """Charges whose result is still to come."""
        return [each for each in self.charges.values() if each.state in UNSETTLED]

    def charge_result(self, account_id: AccountId, charge_id: ChargeId) -> ChargeResult:
        """How a charge stands. Raises SecureZoneError `not_found`."""
        known = self.charges.get((account_id, charge_id))
        if known is None:
            raise SecureZoneError(404, "not_found", "charge_id: this account has no such charge")
        return known

    def operate(self, request: OperationRequest, now: datetime) -> OperationResult:
        """An operation with the answer that the test asked for; the same id, the same operation."""
        key = (request.account_id, request.operation_id)
        charge = self.charge_result(request.account_id, request.charge_id)
        if key in self.operations:
            return self.operations[key]
        _refuse_late(request, now)
        left = charge.amount_captured - charge.amount_refunded
        possible = charge.amount.amount_minor if request.kind is not OperationKind.REFUND else left
        held = charge.state is ChargeState.AUTHORISED
        if (request.kind is OperationKind.REFUND and not left) or (
            request.kind is OperationKind.CAPTURE and not held
        ):
            refused = "not_refundable" if request.kind is OperationKind.REFUND else "not_capturable"
            raise SecureZoneError(409, refused, "charge_id: the charge does not allow it")
        amount = request.amount or charge.amount.model_copy(update={"amount_minor": possible})
        if amount.amount_minor > possible:
            raise SecureZoneError(
                422, "amount_too_large", f"amount: at most {possible} is left of this charge"
            )
        state, code = self.next_operation
        result = OperationResult(
            operation_id=request.operation_id,
            account_id=request.account_id,
            charge_id=request.charge_id,
            kind=request.kind,
            amount=amount,
            state=state,
            code=code,
            reason=request.reason,
            created_at=now,
            updated_at=now,
        )
        self.operations[key] = result
        if state is OperationState.SUCCEEDED:
            self._carry_out(result, now)
        return result

    def operation(self, account_id: AccountId, operation_id: OperationId) -> OperationResult:
        """How an operation stands. Raises SecureZoneError `not_found`."""
        known = self.operations.get((account_id, operation_id))
        if known is None:
            raise SecureZoneError(404, "not_found", "operation_id: no such operation")
        return known

    def settle_operation(self, operation_id: OperationId, now: datetime) -> OperationResult:
        """An operation that was unknown turns out to be done."""
        key = next(each for each in self.operations if each[1] == operation_id)
        done = self.operations[key].model_copy(update={"state": OperationState.SUCCEEDED, "updated_at": now})
        self.operations[key] = done
        self._carry_out(done, now)
        return done

    def reconcile(self, request: ReconciliationRequest, now: datetime) -> ReconciliationView:
        """A comparison that finds `next_differences`."""
        view = ReconciliationView(
            reconciliation_id=request.reconciliation_id,
            account_id=request.account_id,
            gateway="simulator",
            since=request.since,
            until=request.until,
            state=ReconciliationState.DONE,
            compared=len(self.charges),
            differing=len(self.next_differences),
            created_at=now,
            updated_at=now,
        )
        return self.reconciliations.setdefault((request.account_id, request.reconciliation_id), view)

    def reconciliation(self, account_id: AccountId, reconciliation_id: str) -> ReconciliationView:
        """How a comparison stands. Raises SecureZoneError `not_found`."""
        known = self.reconciliations.get((account_id, reconciliation_id))
        if known is None:
            raise SecureZoneError(404, "not_found", "reconciliation_id: no such reconciliation")
        return known

    def _carry_out(self, done: OperationResult, now: datetime) -> None:
        key = (done.account_id, done.charge_id)
        charge = self.charges[key]
        match done.kind:
            case OperationKind.CAPTURE:
                changes: dict[str, object] = {
                    "state": ChargeState.SUCCEEDED,
                    "amount_captured": done.amount.amount_minor,
                }
            case OperationKind.VOID:
                changes = {"state": ChargeState.CANCELED, "amount_captured": 0}
            case _:
                refunded = charge.amount_refunded + done.amount.amount_minor
                whole = refunded == charge.amount_captured
                state = ChargeState.REFUNDED if whole else ChargeState.PARTIALLY_REFUNDED
                changes = {"state": state, "amount_refunded": refunded}
        self.charges[key] = charge.model_copy(update=changes | {"updated_at": now})

    def token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """A token. Raises SecureZoneError `not_found`."""
        known = self.tokens.get((account_id, token_id))
        if known is None:
            raise SecureZoneError(
                404, "not_found", "token_id: this account has no such token; capture the card again"
            )
        return known

    def revoke(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """Revoke a token, once or again."""
        return self._becomes(self.token(account_id, token_id), TokenState.REVOKED)

    def replace(self, account_id: AccountId, old: TokenId | None, successor: TokenId) -> None:
        """A new card takes an old one's place."""
        known = None if old is None else self.tokens.get((account_id, old))
        if known is not None and known.token_id != successor:
            changes = {"state": TokenState.REPLACED, "replaced_by": successor}
            self.tokens[account_id, known.token_id] = known.model_copy(update=changes)

    def _becomes(self, token: TokenView, state: TokenState) -> TokenView:
        changed = token.model_copy(update={"state": state})
        self.tokens[token.account_id, token.token_id] = changed
        return changed


def _refuse_late(request: ChargeRequest | OperationRequest, now: datetime) -> None:
    if request.begin_by is not None and now > request.begin_by:
        raise SecureZoneError(409, "not_sent", "begin_by: has passed, so that nothing was begun")
