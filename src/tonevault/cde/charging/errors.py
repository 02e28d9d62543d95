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
