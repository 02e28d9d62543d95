"""What may follow a charge, and how much: pure rules over the attempts made so far. Refuses more than was held or taken."""

from collections.abc import Sequence
from typing import Final

from tonevault.boundary.charges import Amount, ChargeState, Taking
from tonevault.boundary.operations import OperationKind, OperationRequest, OperationResult, OperationState
from tonevault.boundary.problems import SecureZoneError
from tonevault.cde.charging.charge import StoredCharge
from tonevault.cde.charging.model import Attempt, AttemptState, shown
from tonevault.cde.gateway import Feature, GatewayTraits, Kind

OPERATION_STATES: Final = {
    AttemptState.NEW: OperationState.PENDING,
    AttemptState.SENT: OperationState.PENDING,
    AttemptState.UNKNOWN: OperationState.UNKNOWN,
    AttemptState.APPROVED: OperationState.SUCCEEDED,
    AttemptState.DECLINED: OperationState.DECLINED,
    AttemptState.FAILED: OperationState.FAILED,
}
TAKEN: Final = frozenset({ChargeState.SUCCEEDED, ChargeState.PARTIALLY_REFUNDED})


def amount_of(
    request: OperationRequest, charge: StoredCharge, attempts: Sequence[Attempt], traits: GatewayTraits
) -> int:
    """What an operation comes to, in minor units. Raises SecureZoneError where the charge or its gateway does not allow it.

    What is on its way counts as done: an unknown refund may have been made, so no second one may be let through on its account.
    """
    if request.amount is not None and request.amount.currency != charge.amount.currency:
        raise SecureZoneError(
            422, "currency_mismatch", "currency: must be that of the charge; leave it out, or give the same"
        )
    match request.kind:
        case OperationKind.CAPTURE:
            return _capture(request, charge, attempts, traits)
        case OperationKind.VOID:
            return _void(request, charge, attempts, traits)
        case _:
            return _refund(request, charge, attempts, traits)


def left_to_refund(charge: StoredCharge, attempts: Sequence[Attempt]) -> int:
    """What was taken, less all that was given back or may have been."""
    given = sum(each.amount_minor for each in attempts if each.kind is Kind.REFUND and each.is_open)
    return max(0, charge.amount_captured - given)


def _capture(
    request: OperationRequest, charge: StoredCharge, attempts: Sequence[Attempt], traits: GatewayTraits
) -> int:
    _needs(traits, Feature.HOLD)
    if charge.state is not ChargeState.AUTHORISED or _is_under_way(attempts):
        raise SecureZoneError(
            409,
            "not_capturable",
            "charge_id: nothing of it is held; only a charge that is `authorised` is captured",
        )
    amount = _wanted(request.amount, charge.amount.amount_minor, charge.amount.amount_minor)
    if amount < charge.amount.amount_minor:
        _needs(traits, Feature.PARTIAL_CAPTURE)
    return amount


def _void(
    request: OperationRequest, charge: StoredCharge, attempts: Sequence[Attempt], traits: GatewayTraits
) -> int:
    _needs(traits, Feature.VOID)
    whole = charge.state is ChargeState.AUTHORISED or (
        charge.state is ChargeState.SUCCEEDED and charge.capture is Taking.AUTOMATIC
    )
    if not whole or _is_under_way(attempts):
        raise SecureZoneError(
            409, "not_voidable", "charge_id: is not held or just taken; refund what was taken instead"
        )
    if request.amount is not None:
        raise SecureZoneError(422, "amount_not_wanted", "amount: a void is of the whole charge; leave it out")
    return charge.amount.amount_minor


def _refund(
    request: OperationRequest, charge: StoredCharge, attempts: Sequence[Attempt], traits: GatewayTraits
) -> int:
    _needs(traits, Feature.REFUND)
    voiding = any(each.kind is Kind.VOID and each.is_open for each in attempts)
    left = left_to_refund(charge, attempts)
    if charge.state not in TAKEN or voiding or not left:
        raise SecureZoneError(
            409,
            "not_refundable",
            "charge_id: nothing of it is left to give back; a charge that is `authorised` is voided, and one that is "
            "`unknown` is waited for",
        )
    amount = _wanted(request.amount, left, left)
    if amount < charge.amount_captured:
        _needs(traits, Feature.PARTIAL_REFUND)
    return amount


def _wanted(amount: Amount | None, left: int, otherwise: int) -> int:
    if amount is None:
        return otherwise
    if amount.amount_minor < 1:
        raise SecureZoneError(422, "amount_too_small", "amount: must be at least 1, in minor units")
    if amount.amount_minor > left:
        raise SecureZoneError(
            422,
            "amount_too_large",
            f"amount: at most {left} is left of this charge; ask for that, or for less",
        )
    return amount.amount_minor


def _needs(traits: GatewayTraits, feature: Feature) -> None:
    if not traits.has(feature):
        raise SecureZoneError(
            409,
            "feature_not_supported",
            f"charge_id: its gateway ({traits.name}) cannot do this ({feature.value}); do it in the gateway's own dashboard",
        )


def _is_under_way(attempts: Sequence[Attempt]) -> bool:
    """Whether a capture, void or refund has been made or still may be."""
    return any(each.operation_id is not None and each.is_open for each in attempts)


def operation_result(attempt: Attempt, currency: str) -> OperationResult:
    """What the desk may know of it."""
    if attempt.operation_id is None:
        raise ValueError("attempt: pays, and is no operation")
    return OperationResult(
        operation_id=attempt.operation_id,
        account_id=attempt.account_id,
        charge_id=attempt.charge_id,
        kind=OperationKind(attempt.kind.value),
        amount=Amount(amount_minor=attempt.amount_minor, currency=currency),
        state=OPERATION_STATES[attempt.state],
        code=attempt.code,
        gateway_reference=shown(attempt.gateway_reference),
        reason=attempt.reason,
        created_at=attempt.created_at,
        updated_at=attempt.updated_at,
    )
