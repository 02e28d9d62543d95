"""What the vault refuses: one small tree. The narrow interface hands these on as they are."""

from tonevault.boundary.problems import SecureZoneError


class TokenNotFoundError(SecureZoneError):
    """The account has no such token."""

    def __init__(self) -> None:
        super().__init__(404, "not_found", "token_id: this account has no such token; capture the card again")


class TokenNotChargeableError(SecureZoneError):
    """The token is no longer active, so its card cannot be opened."""

    def __init__(self) -> None:
        super().__init__(
            409, "token_not_chargeable", "token_id: the token is not active; capture the card again"
        )


class CardUnreadableError(Exception):
    """A sealed card does not open under its key: the row, its key or its place in the table was changed."""


class TransitionError(Exception):
    """A token was told to do what its state does not allow."""


class StaleKeysError(Exception):
    """The keys that sealed a card are no longer in force: read them anew and seal it again."""
