"""What the adapter must be told of a merchant's contract with Worldpay."""

from dataclasses import dataclass, field
from typing import Final

LIVE: Final = "https://access.worldpay.com"
TRY: Final = "https://try.access.worldpay.com"
"""Worldpay's test environment."""


@dataclass(frozen=True, slots=True)
class WorldpayAccess:
    """`entity` routes payments to the merchant's contract; `narrative` stands on the card holder's statement (at most 24 characters)."""

    username: str
    password: str = field(repr=False)
    entity: str
    narrative: str
    country: str = "GB"
    """ISO 3166-1: where billing addresses are."""
    webhook_keys: tuple[str, ...] = field(default=(), repr=False)
    """The shared keys that may have signed a webhook: the one in force and, during a change, its predecessor."""
    url: str = LIVE
