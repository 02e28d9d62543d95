"""What a token is and how it may change: every transition stands in one table. Knows no key and no digit."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tonevault.boundary.tokens import TokenState, TokenUsage, TokenView
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault.errors import TransitionError
from tonevault.kernel.card import Brand
from tonevault.kernel.ids import AccountId, TokenId

SINGLE_USE_LIFETIME: Final = timedelta(minutes=15)
"""SPEC section 5: long enough to finish one call, short enough that an unused card is not kept (PCI DSS 3.2.1)."""
LAST_ZONE: Final = timedelta(hours=12)
"""A card is good to the end of its month where its holder is; the last place to leave a month is UTC-12."""


class TokenEvent(StrEnum):
    """What can happen to a stored token."""

    EXPIRE = "expire"
    REPLACE = "replace"
    CONSUME = "consume"
    REVOKE = "revoke"


TRANSITIONS: Final[dict[tuple[TokenState, TokenEvent], TokenState]] = {
    (TokenState.ACTIVE, TokenEvent.EXPIRE): TokenState.EXPIRED,
    (TokenState.ACTIVE, TokenEvent.REPLACE): TokenState.REPLACED,
    (TokenState.ACTIVE, TokenEvent.CONSUME): TokenState.CONSUMED,
    (TokenState.ACTIVE, TokenEvent.REVOKE): TokenState.REVOKED,
    (TokenState.EXPIRED, TokenEvent.REVOKE): TokenState.REVOKED,
    (TokenState.REPLACED, TokenEvent.REVOKE): TokenState.REVOKED,
    (TokenState.CONSUMED, TokenEvent.REVOKE): TokenState.REVOKED,
    # Revoking twice is harmless, so that a merchant may repeat a request whose answer was lost.
    (TokenState.REVOKED, TokenEvent.REVOKE): TokenState.REVOKED,
}
"""Stored state and event to the next stored state; what is absent is refused. Only `active` holds a card, and nothing leads back to it."""


def next_state(state: TokenState, event: TokenEvent) -> TokenState:
    """Where `event` leads from `state`. Raises TransitionError where the table has no such step."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise TransitionError(f"a token that is {state.value} cannot {event.value}") from None


def states_before(event: TokenEvent) -> tuple[TokenState, ...]:
    """The states in which `event` may happen."""
    return tuple(state for state, each in TRANSITIONS if each is event)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """One row of the token table but for its sealed card. `state` is as stored: a card's own expiry is computed by `state_at`."""

    account_id: AccountId
    token_id: TokenId
    usage: TokenUsage
    state: TokenState
    brand: Brand
    first6: str
    last4: str
    length: int
    expiry: Expiry
    created_at: datetime
    expires_at: datetime | None
    replaced_by: TokenId | None

    def state_at(self, now: datetime) -> TokenState:
        """The state as it counts: an active token whose card or time has run out is expired, and a newer expiry revives the card."""
        if self.state is TokenState.ACTIVE and (
            card_is_past(self.expiry, now) or (self.expires_at is not None and self.expires_at <= now)
        ):
            return TokenState.EXPIRED
        return self.state

    def view(self, now: datetime) -> TokenView:
        """What may be known of it outside the vault."""
        # Both models by one validation: a view is made for every card that is stored.
        card = {
            "brand": self.brand,
            "first6": self.first6,
            "last4": self.last4,
            "length": self.length,
            "exp_month": self.expiry.month,
            "exp_year": self.expiry.year,
        }
        view = {
            "token_id": self.token_id,
            "account_id": self.account_id,
            "usage": self.usage,
            "state": self.state_at(now),
            "card": card,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "replaced_by": self.replaced_by,
        }
        return TokenView.model_validate(view)


@dataclass(frozen=True, slots=True)
class SealedCard:
    """A card as it lies in the database, ready to be opened: `sealed` is nonce, ciphertext and tag under data key `epoch`."""

    account_id: AccountId
    token_id: TokenId
    epoch: int
    sealed: bytes
    expiry: Expiry


def card_is_past(expiry: Expiry, now: datetime) -> bool:
    """Whether the card's last month is over everywhere on earth at `now` (aware, UTC)."""
    there = now - LAST_ZONE
    return expiry.is_past((there.year, there.month))
