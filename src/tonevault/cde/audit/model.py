"""What an entry of the audit log says, and the digest that chains it to the one before. Holds ids and words of our own, no card data."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from json.encoder import encode_basestring_ascii as quoted
from typing import Final

EVERY_ACCOUNT: Final = "*"
"""Stands for the account in entries about the deployment as a whole; no account can be called so."""
NO_DIGEST: Final = bytes(32)
"""What the first link of a chain hangs on."""
MAX_DETAILS: Final = 12
MAX_DETAIL: Final = 200
"""Characters of one detail: an id or a word, or the name of a key in a key-management service."""


class Action(StrEnum):
    """What can be entered."""

    CARD_DRAWN = "card_drawn"
    """A clear card was taken for use; committed before the card is in hand. Details: purpose, and gateway, charge, attempt."""
    TOKEN_MADE = "token_made"  # noqa: S105 - a word, not a password
    TOKEN_FOUND = "token_found"  # noqa: S105
    """A card that the account has already was captured again."""
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    TOKEN_CONSUMED = "token_consumed"  # noqa: S105
    TOKEN_REPLACED = "token_replaced"  # noqa: S105
    TOKEN_UPDATED = "token_updated"  # noqa: S105
    """The expiry changed."""
    CARD_SHREDDED = "card_shredded"
    """The sealed card of a token was erased by retention."""
    CARD_RESEALED = "card_resealed"
    """Cards were sealed anew under another data key. Details: how many, from and to which epoch."""
    KEY_MADE = "key_made"
    KEY_ROTATED = "key_rotated"
    KEY_REWRAPPED = "key_rewrapped"
    KEY_RETIRED = "key_retired"
    KEY_SHREDDED = "key_shredded"
    KEY_OPENED = "key_opened"
    CEREMONY_PROPOSED = "ceremony_proposed"
    CEREMONY_APPROVED = "ceremony_approved"
    CEREMONY_CARRIED_OUT = "ceremony_carried_out"
    CEREMONY_REFUSED = "ceremony_refused"
    CUSTODIAN_ENROLLED = "custodian_enrolled"
    CUSTODIAN_LEFT = "custodian_left"
    SETTING_CHANGED = "setting_changed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `actor` is a node of the product or a custodian; `subject` the token, key or ceremony that it was done to."""

    account: str
    at: datetime
    actor: str
    action: Action
    subject: str
    detail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what would not fit its row."""
        if len(self.detail) > MAX_DETAILS:
            raise ValueError(f"detail: at most {MAX_DETAILS} facts belong to one entry")
        for name, value in self.detail.items():
            if len(value) > MAX_DETAIL:
                raise ValueError(f"detail: {name} has more than {MAX_DETAIL} characters; name it shorter")

    def detail_text(self) -> str:
        """The details as they are stored and digested: JSON with sorted names and no spaces."""
        # An encoder, made anew for each entry, would take longer than this and the digest together.
        return (
            "{"
            + ",".join(f"{quoted(name)}:{quoted(self.detail[name])}" for name in sorted(self.detail))
            + "}"
        )


def microseconds(at: datetime) -> int:
    """Since 1970, as times are stored."""
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def link(
    previous: bytes,
    chain: str,
    number: int,
    *,
    at_us: int,
    account: str,
    actor: str,
    action: str,
    subject: str,
    detail: str,
) -> bytes:
    """SHA-256 over the link before and every column of the entry. Each part goes in with its length, so that none runs into the next."""
    count, time = str(number), str(at_us)
    written = (
        f"{len(chain)}:{chain},{len(count)}:{count},{len(time)}:{time},{len(account)}:{account},"
        f"{len(actor)}:{actor},{len(action)}:{action},{len(subject)}:{subject},{len(detail)}:{detail},"
    )
    return hashlib.sha256(previous + written.encode()).digest()
