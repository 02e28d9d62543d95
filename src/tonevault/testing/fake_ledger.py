"""Tokens and charges of the fake secure zone: every answer is the one that the test asked for."""

from datetime import datetime, timedelta
from typing import Final

from tonevault.boundary.charges import ChargeRequest, ChargeResult, ChargeState
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.tokens import TokenState, TokenUsage, TokenView
from tonevault.kernel import ids
from tonevault.kernel.ids import AccountId, ChargeId, Entropy, TokenId
from tonevault.testing.fake_capture import FakeCapture

SINGLE_USE_LIFE: Final = timedelta(minutes=15)
UNSETTLED: Final = frozenset((ChargeState.PENDING, ChargeState.UNKNOWN))


class FakeLedger:
    """Every charge gets `next_charge` (state and code) until a test changes it. One card of one account has one multi-use token."""

    def __init__(self, entropy: Entropy) -> None:
        self.next_charge: tuple[ChargeState, str | None] = (ChargeState.SUCCEEDED, None)
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
        token = self.token(request.account_id, request.token_id)
        state, code = self.next_charge
        if token.state is not TokenState.ACTIVE:
            state, code = ChargeState.FAILED, "token_not_chargeable"
        elif token.usage is TokenUsage.SINGLE:
            self._becomes(token, TokenState.CONSUMED)
        result = ChargeResult(
            charge_id=request.charge_id,
            account_id=request.account_id,
            token_id=request.token_id,
            amount=request.amount,
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
            raise SecureZoneError(404, "not_found", "charge_id: no such charge")
        return known

    def token(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """A token. Raises SecureZoneError `not_found`."""
        known = self.tokens.get((account_id, token_id))
        if known is None:
            raise SecureZoneError(404, "not_found", "token_id: no such token")
        return known

    def revoke(self, account_id: AccountId, token_id: TokenId) -> TokenView:
        """Revoke a token, once or again."""
        return self._becomes(self.token(account_id, token_id), TokenState.REVOKED)

    def _becomes(self, token: TokenView, state: TokenState) -> TokenView:
        changed = token.model_copy(update={"state": state})
        self.tokens[token.account_id, token.token_id] = changed
        return changed
