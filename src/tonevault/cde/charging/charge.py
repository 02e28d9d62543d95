"""What a charge is: what was asked for, and what its attempts have come to. Pure; the same attempts always give the same charge."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from tonevault.boundary.charges import (
    Amount,
    ChargeKind,
    ChargeRequest,
    ChargeResult,
    ChargeState,
    CheckResult,
    Initiator,
    Taking,
)
from tonevault.cde.charging.model import Attempt, AttemptState, Fault, code_of, later, shown, tells
from tonevault.cde.gateway import Check, Code, GatewayAnswer, Kind, Made, Terms
from tonevault.cde.gateway import Initiator as GatewayInitiator
from tonevault.kernel.ids import AccountId, ChargeId, TokenId

CHARGE_STATES: Final[dict[AttemptState, ChargeState]] = {
    AttemptState.NEW: ChargeState.PENDING,
    AttemptState.SENT: ChargeState.PENDING,
    AttemptState.UNKNOWN: ChargeState.UNKNOWN,
    AttemptState.APPROVED: ChargeState.SUCCEEDED,
    AttemptState.DECLINED: ChargeState.DECLINED,
    AttemptState.FAILED: ChargeState.FAILED,
}
"""What the merchant sees of the state of the attempt that pays, as long as nothing has followed it."""
ADDRESS_CODES: Final = frozenset({Code.POSTAL_CODE_MISMATCH.value, Code.ADDRESS_MISMATCH.value})
"""SPEC section 5: declined for one of these on a first payment, no token is left."""
CALLED_OFF: Final = frozenset({Fault.SESSION_EXPIRED.value, Code.CANCELED.value})
"""Codes of a payment that was stopped on purpose: it reads `canceled`, not `failed`."""


@dataclass(frozen=True, slots=True)
class StoredCharge:
    """One row of the charge table. `token_new`: the token was made for this charge, on a first payment."""

    account_id: AccountId
    charge_id: ChargeId
    token_id: TokenId
    token_new: bool
    amount: Amount
    description: str
    state: ChargeState
    gateway: str
    created_at: datetime
    updated_at: datetime
    gateway_reference: str | None = None
    code: str | None = None
    security_code_check: CheckResult = CheckResult.NOT_GIVEN
    postal_code_check: CheckResult = CheckResult.NOT_GIVEN
    address_check: CheckResult = CheckResult.NOT_GIVEN
    capture: Taking = Taking.AUTOMATIC
    initiator: Initiator = Initiator.CUSTOMER
    keeps_card: bool = False
    scheme_reference: str | None = None
    is_final: bool | None = None
    amount_captured: int = 0
    amount_refunded: int = 0
    call_off_at: datetime | None = None

    @property
    def kind(self) -> ChargeKind:
        """A charge of nothing checks the card."""
        return ChargeKind.PAYMENT if self.amount.amount_minor else ChargeKind.VERIFICATION

    @property
    def drops_token(self) -> bool:
        """Whether its outcome leaves no token behind."""
        return self.token_new and self.state is ChargeState.DECLINED and self.code in ADDRESS_CODES

    @property
    def terms(self) -> Terms:
        """What its requests say of it to a gateway."""
        return Terms(
            take_now=self.capture is Taking.AUTOMATIC,
            initiator=GatewayInitiator(self.initiator.value),
            keeps_card=self.keeps_card,
            scheme_reference=self.scheme_reference,
            description=self.description,
        )

    def asks_the_same(self, request: ChargeRequest) -> bool:
        """Whether a request under this charge's id is the one that made it."""
        mine = (self.token_id, self.amount, self.description, self.capture)
        return mine == (request.token_id, request.amount, request.description, request.capture)

    def failed(self, fault: Fault, now: datetime) -> "StoredCharge":
        """The charge with a fault of ours."""
        changed_at = later(self.updated_at, now)
        return replace(self, state=ChargeState.FAILED, code=fault.value, updated_at=changed_at)

    def paid(
        self, state: AttemptState, answer: GatewayAnswer | None, fault: Fault | None, now: datetime
    ) -> "StoredCharge":
        """The charge once the attempt that pays is in `state`, for the reason that `answer` or `fault` gives."""
        code = fault.value if fault else None
        moved = replace(self, state=CHARGE_STATES[state], updated_at=later(self.updated_at, now), code=code)
        if answer is not None and tells(answer):
            moved = replace(
                moved,
                gateway_reference=answer.gateway_reference,
                # While it is not known how it ends, there is nothing to advise.
                code=None if state is AttemptState.UNKNOWN else code_of(answer) or moved.code,
                is_final=answer.is_final if state is AttemptState.DECLINED else None,
                security_code_check=_check(answer.security_code_check, self.security_code_check),
                postal_code_check=_check(answer.postal_code_check, self.postal_code_check),
                address_check=_check(answer.address_check, self.address_check),
            )
        if moved.state is ChargeState.SUCCEEDED and moved.kind is ChargeKind.PAYMENT:
            if moved.capture is Taking.MANUAL:
                return replace(moved, state=ChargeState.AUTHORISED)
            return replace(moved, amount_captured=self.amount.amount_minor)
        if moved.state is ChargeState.FAILED and moved.code in CALLED_OFF:
            return replace(moved, state=ChargeState.CANCELED)
        return moved

    def followed(self, attempts: Sequence[Attempt], now: datetime) -> "StoredCharge":
        """The charge after its captures, voids and refunds: counted anew from all of them, so that order does not matter."""
        done = [each for each in attempts if each.state is AttemptState.APPROVED]
        captured = sum(each.amount_minor for each in done if each.kind is Kind.CAPTURE)
        refunded = sum(each.amount_minor for each in done if each.kind is Kind.REFUND)
        if self.capture is Taking.AUTOMATIC:
            captured = self.amount.amount_minor
        state = ChargeState.SUCCEEDED if captured else ChargeState.AUTHORISED
        if any(each.kind is Kind.VOID for each in done):
            state, captured = ChargeState.CANCELED, 0
        elif refunded:
            state = ChargeState.REFUNDED if refunded >= captured else ChargeState.PARTIALLY_REFUNDED
        return replace(
            self,
            state=state,
            amount_captured=captured,
            amount_refunded=refunded,
            updated_at=later(self.updated_at, now),
        )

    def result(self) -> ChargeResult:
        """What the desk may know of it."""
        return ChargeResult(
            charge_id=self.charge_id,
            account_id=self.account_id,
            token_id=None if self.drops_token else self.token_id,
            kind=self.kind,
            amount=self.amount,
            amount_captured=self.amount_captured,
            amount_refunded=self.amount_refunded,
            capture=self.capture,
            initiator=self.initiator,
            state=self.state,
            gateway=self.gateway,
            gateway_reference=shown(self.gateway_reference),
            code=self.code,
            is_final=self.is_final,
            security_code_check=self.security_code_check,
            postal_code_check=self.postal_code_check,
            address_check=self.address_check,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


def _check(told: Check, known: CheckResult) -> CheckResult:
    """A look-up may not repeat what the payment's own answer has said of a check."""
    return known if told is Check.NOT_GIVEN else CheckResult(told.value)


def new_charge(
    request: ChargeRequest,
    gateway: str,
    now: datetime,
    *,
    token_new: bool,
    keeps_card: bool = False,
    call_off_at: datetime | None = None,
    fault: Fault | None = None,
) -> StoredCharge:
    """The charge that a request asks for: pending, or failed at once for `fault`."""
    charge = StoredCharge(
        account_id=request.account_id,
        charge_id=request.charge_id,
        token_id=request.token_id,
        token_new=token_new,
        amount=request.amount,
        description=request.description,
        state=ChargeState.PENDING,
        gateway=gateway,
        created_at=now,
        updated_at=now,
        capture=request.capture,
        initiator=request.initiator,
        keeps_card=keeps_card,
        call_off_at=call_off_at,
    )
    return charge if fault is None else charge.failed(fault, now)


def made_of(charge: StoredCharge, attempt: Attempt, paying: Attempt | None = None) -> Made:
    """An attempt as a gateway knows it; `paying` is the attempt that paid, where this one follows it."""
    money = charge.amount.as_money()
    return Made(
        account_id=attempt.account_id,
        reference=attempt.attempt_id,
        kind=attempt.kind,
        money=type(money)(attempt.amount_minor, money.currency),
        made_at=attempt.created_at,
        gateway_reference=attempt.gateway_reference,
        terms=charge.terms,
        of=None if paying is None else made_of(charge, paying),
        unwanted=attempt.unwanted,
    )
