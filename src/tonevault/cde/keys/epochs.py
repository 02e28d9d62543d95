"""A new epoch of an account's keys: from its commit on no card can be stored under the one before, on any node."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.key_custody import KeyCustody
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.cde.schema import ACCOUNT_KEY
from tonevault.cde.vault import key_store
from tonevault.cde.vault.custody_thread import CustodyThread
from tonevault.cde.vault.key_store import Kek, KeyPurpose, StoredKey
from tonevault.cde.vault.keys import wrapped_key
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.sql import Database

TRIES: Final = 5
"""An epoch that another node began, or whose key-encrypting key was rotated, between reading and writing is read again this often."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose wish a new epoch is, and since when: what began after `since` fulfils it, so that a repetition begins nothing."""

    actor: str
    since: datetime
    now: datetime


class Epochs:
    """Begins epochs. A data key and, where it is wished, an index key begin together: see `rekeying`."""

    def __init__(self, database: Database, custody: KeyCustody) -> None:
        self._database = database
        self._custody = custody
        self._thread = CustodyThread()

    async def accounts(self) -> list[AccountId]:
        """Accounts that have keys."""
        return await self._database.read(accounts_with_keys)

    async def begin(self, account: AccountId, purposes: tuple[KeyPurpose, ...], wish: Wish) -> None:
        """Make the next key of each purpose and put it into force, unless that was done since the wish. Raises KeyCustodyError."""
        for _ in range(TRIES):
            kek = await self._database.read(key_store.kek_in_force)
            standing = await self._database.read(lambda c: key_store.keys_of(c, account))
            current = [each for each in standing if each.superseded_at is None and each.purpose in purposes]
            if kek is None or len(current) != len(purposes):
                raise KeyActRefusedError(f"{account}: has no keys; it gets them with its first card")
            if all(each.created_at >= wish.since for each in current):
                return
            fresh = [await self._next(each, kek, wish.now) for each in current]
            if await self._database.transact(
                lambda c, kek=kek, current=current, fresh=fresh: _replace(c, kek, current, fresh, wish)  # type: ignore[misc]
            ):
                return
        raise KeyActRefusedError(f"{account}: its keys change again and again; try again later")

    async def _next(self, key: StoredKey, kek: Kek, now: datetime) -> StoredKey:
        return await self._thread.run(
            lambda: wrapped_key(self._custody, kek, key.account, key.purpose, epoch=key.epoch + 1, now=now)
        )


def accounts_with_keys(connection: Connection) -> list[AccountId]:
    """In the order of their names."""
    rows = connection.execute(
        select(ACCOUNT_KEY.c.account_id).distinct().order_by(ACCOUNT_KEY.c.account_id)
    ).scalars()
    return [AccountId(each) for each in rows]


def _replace(
    connection: Connection,
    kek: Kek,
    current: list[StoredKey],
    fresh: list[StoredKey],
    wish: Wish,
) -> bool:
    """Supersede and insert; False, and nothing done, when the register or the account's keys have changed."""
    standing = key_store.kek_in_force(connection, hold=True)
    if standing is None or standing.key_id != kek.key_id:
        return False
    in_force = key_store.hold_in_force(connection, current[0].account, alone=True)
    if any(in_force.get(key.purpose) != key.epoch for key in current):
        return False
    for old, new in zip(current, fresh, strict=True):
        key_store.supersede(connection, old, wish.now)
        key_store.insert_key(connection, new)
        record(
            connection,
            Action.KEY_MADE,
            at=wish.now,
            account=new.account,
            actor=wish.actor,
            subject=kek.key_id,
            detail={"purpose": new.purpose.value, "epoch": str(new.epoch)},
        )
    return True
