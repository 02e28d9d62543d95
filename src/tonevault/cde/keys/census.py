"""What keys there are, how old, and what they hold: the table of `tonevault keys status`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from tonevault.cde.keys.epochs import accounts_with_keys
from tonevault.cde.keys.retirement import cards_by_epoch
from tonevault.cde.schema import ACCOUNT_KEY
from tonevault.cde.vault import key_store
from tonevault.cde.vault.key_store import Kek, KeyPurpose, StoredKey
from tonevault.kernel.ids import AccountId


@dataclass(frozen=True, slots=True)
class KekLine:
    """One key-encrypting key, and how many keys it wraps."""

    kek: Kek
    wraps: int

    def age(self, now: datetime) -> timedelta:
        """Since it was made."""
        return now - self.kek.made_at


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One key of an account, and how many cards need it; None for an index key, which no card names."""

    account: AccountId
    purpose: KeyPurpose
    epoch: int
    in_force: bool
    made_at: datetime
    cards: int | None


@dataclass(frozen=True, slots=True)
class Census:
    """Everything, oldest first."""

    keks: list[KekLine]
    keys: list[AccountLine]


def take_census(connection: Connection) -> Census:
    """Counts cards, which takes about a second a million."""
    counted = connection.execute(
        select(ACCOUNT_KEY.c.key_id, func.count().label("wrapped")).group_by(ACCOUNT_KEY.c.key_id)
    )
    wraps: dict[str, int] = {row.key_id: row.wrapped for row in counted}
    keks = [KekLine(kek, wraps.get(kek.key_id, 0)) for kek in key_store.keks(connection)]
    lines: list[AccountLine] = []
    for account in accounts_with_keys(connection):
        cards = cards_by_epoch(connection, account)
        lines += [_line(key, cards) for key in key_store.keys_of(connection, account)]
    return Census(keks, lines)


def _line(key: StoredKey, cards: dict[int, int]) -> AccountLine:
    holds = cards.get(key.epoch, 0) if key.purpose is KeyPurpose.DATA else None
    return AccountLine(key.account, key.purpose, key.epoch, key.superseded_at is None, key.created_at, holds)
