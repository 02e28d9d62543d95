"""The account's keys: made once, stored wrapped, held open in a bounded cache. The key-encrypting key stays with the custody."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select

from tonevault.cde.key_custody import KeyCustody
from tonevault.cde.schema import ACCOUNT_KEY
from tonevault.cde.vault.errors import CardUnreadableError
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.insert import insert_if_absent
from tonevault.plumbing.sql import Database

KEY_LENGTH: Final = 32
FIRST_EPOCH: Final = 1
CACHED_ACCOUNTS: Final = 1_000
"""Open keys held at once, about 1 kB an account; the account used longest ago goes first."""


class KeyPurpose(StrEnum):
    """A key seals cards or indexes them, never both (NIST SP 800-57 part 1, section 5.2)."""

    DATA = "data"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The open keys of one account: its data keys by epoch, the newest of which seals, and its index key."""

    epoch: int
    ciphers: dict[int, AESGCM] = field(repr=False)
    index_key: bytes = field(repr=False)

    @property
    def cipher(self) -> AESGCM:
        """The data key that seals new cards."""
        return self.ciphers[self.epoch]


class KeyRing:
    """Opens accounts' keys, making them on an account's first card."""

    def __init__(self, database: Database, custody: KeyCustody) -> None:
        self._database = database
        self._custody = custody
        self._open: OrderedDict[AccountId, AccountKeys] = OrderedDict()

    async def of(self, account: AccountId, now: datetime) -> AccountKeys:
        """The account's keys, made if it has none. Raises KeyCustodyError when the custody cannot open them."""
        held = self._open.get(account)
        if held is not None:
            self._open.move_to_end(account)
            return held
        return self._hold(account, await self._database.transact(lambda c: self._load(c, account, now)))

    async def cipher(self, account: AccountId, epoch: int, now: datetime) -> AESGCM:
        """The data key of one epoch. Read anew when it is not held: another node may have begun an epoch."""
        keys = await self.of(account, now)
        if epoch not in keys.ciphers:
            keys = self._hold(account, await self._database.transact(lambda c: self._load(c, account, now)))
        try:
            return keys.ciphers[epoch]
        except KeyError:
            raise CardUnreadableError(
                "the data key of this card was shredded; capture the card again"
            ) from None

    def _hold(self, account: AccountId, keys: AccountKeys) -> AccountKeys:
        self._open[account] = keys
        self._open.move_to_end(account)
        if len(self._open) > CACHED_ACCOUNTS:
            self._open.popitem(last=False)
        return keys

    def _load(self, connection: Connection, account: AccountId, now: datetime) -> AccountKeys:
        rows = self._read(connection, account)
        if len({purpose for purpose, _ in rows}) < len(KeyPurpose):
            self._make(connection, account, now)
            rows = self._read(connection, account)
        ciphers = {epoch: AESGCM(key) for (purpose, epoch), key in rows.items() if purpose is KeyPurpose.DATA}
        return AccountKeys(max(ciphers), ciphers, rows[KeyPurpose.INDEX, FIRST_EPOCH])

    def _read(self, connection: Connection, account: AccountId) -> dict[tuple[KeyPurpose, int], bytes]:
        rows = connection.execute(select(ACCOUNT_KEY).where(ACCOUNT_KEY.c.account_id == account))
        return {
            (purpose := KeyPurpose(row.purpose), row.epoch): self._custody.unwrap(
                row.wrapped, _context(account, purpose, row.epoch), row.key_id
            )
            for row in rows
        }

    def _make(self, connection: Connection, account: AccountId, now: datetime) -> None:
        for purpose in KeyPurpose:
            wrapped = self._custody.wrap(
                secrets.token_bytes(KEY_LENGTH), _context(account, purpose, FIRST_EPOCH)
            )
            # A node that was first keeps its key: every node then reads the one that stands.
            insert_if_absent(
                connection,
                ACCOUNT_KEY,
                {
                    "account_id": account,
                    "purpose": purpose.value,
                    "epoch": FIRST_EPOCH,
                    "key_id": self._custody.key_id,
                    "wrapped": wrapped,
                    "created_at": now,
                },
            )


def _context(account: AccountId, purpose: KeyPurpose, epoch: int) -> bytes:
    return f"tonevault-key|{account}|{purpose.value}|{epoch}".encode("ascii")
