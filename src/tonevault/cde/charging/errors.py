"""What charging refuses; declines, failures and the unknown are results, not errors. The narrow interface hands these on."""

from tonevault.boundary.problems import SecureZoneError


class ChargeNotFoundError(SecureZoneError):
    """The account has no such charge."""

    def __init__(self) -> None:
        super().__init__(404, "not_found", "charge_id: this account has no such charge")


class IdempotencyMismatchError(SecureZoneError):
    """The charge id was used before, for something else. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            422,
            "idempotency_mismatch",
            "charge_id: stands for a charge of another token, amount or description; use a new id for a new charge",
        )


class TooLateError(SecureZoneError):
    """The request says of itself that it is too old. Nothing was sent, and nothing will be under this id."""

    def __init__(self) -> None:
        super().__init__(
            409, "not_sent", "begin_by: has passed, so that nothing was begun; ask anew under a new id"
        )


class OperationNotFoundError(SecureZoneError):
    """The account has no such capture, void or refund."""

    def __init__(self) -> None:
        super().__init__(404, "not_found", "operation_id: this account has no such capture, void or refund")


class OperationMismatchError(SecureZoneError):
    """The operation id was used before, for something else. Nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            422,
            "idempotency_mismatch",
            "operation_id: stands for another charge, amount or reason; use a new id for something new",
        )


class GatewayGoneError(SecureZoneError):
    """The charge was made at a gateway that its account no longer has, or was never sent to one."""

    def __init__(self) -> None:
        super().__init__(
            409,
            "gateway_not_configured",
            "charge_id: was not made at the gateway that the account has now; configure that gateway again",
        )


class ReconciliationNotFoundError(SecureZoneError):
    """The account has no such reconciliation."""

    def __init__(self) -> None:
        super().__init__(404, "not_found", "reconciliation_id: this account has no such reconciliation")
