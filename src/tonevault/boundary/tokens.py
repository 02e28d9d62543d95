"""Tokens and the little of a card that stands beside them. The fingerprint stays in the vault (PCI SSC FAQ 1117)."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from tonevault.boundary.message import Message
from tonevault.boundary.text import Account, FirstSix, LastFour, Token
from tonevault.kernel.card import Brand


class TokenUsage(StrEnum):
    """A multi-use token charges until it ends; a single-use token charges once, within 15 minutes."""

    MULTI = "multi"
    SINGLE = "single"


class TokenState(StrEnum):
    """Only an active token can be charged."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REVOKED = "revoked"
    CONSUMED = "consumed"


class CardView(Message):
    """The card as everyone may see it."""

    brand: Brand
    first6: FirstSix
    last4: LastFour
    length: Annotated[int, Field(ge=12, le=19)]
    exp_month: Annotated[int, Field(ge=1, le=12)]
    exp_year: Annotated[int, Field(ge=2000, le=2099)]


class TokenView(Message):
    """A token and what may be known of its card."""

    token_id: Token
    account_id: Account
    usage: TokenUsage
    state: TokenState
    card: CardView
    created_at: datetime
    expires_at: datetime | None = None
    replaced_by: Token | None = None
