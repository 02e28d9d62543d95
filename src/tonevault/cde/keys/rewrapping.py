"""Every account's keys wrapped anew under the key in force. Touches no card; may be killed at any moment and run on several nodes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select, update

from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.key_custody import KeyCustody
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.cde.keys.progress import Progress, unwatched
from tonevault.cde.schema import ACCOUNT_KEY
from tonevault.cde.vault import key_store
from tonevault.cde.vault.custody_thread import CustodyThread
from tonevault.cde.vault.key_store import Kek, StoredKey
from tonevault.plumbing.sql import Database

BATCH: Final = 50
"""Keys wrapped anew in one transaction: with a key service that takes 20 ms a question, about two seconds' work to lose."""
_PLACE: Final = (ACCOUNT_KEY.c.account_id, ACCOUNT_KEY.c.purpose, ACCOUNT_KEY.c.epoch)


class Rewrapping:
    """Moves wrapped keys from the key-encrypting keys before to the one in force. No key is made or ended, so one person may."""

    def __init__(self, database: Database, custody: KeyCustody) -> None:
        self._database = database
        self._custody = custody
        self._thread = CustodyThread()

    async def run(self, now: datetime, actor: str, progress: Progress = unwatched) -> int:
        """Rewrap until nothing is left; the number of keys done. What was done before a kill stays done."""
        done = 0
        while True:
            kek = await self._database.read(key_store.kek_in_force)
            if kek is None:
                raise KeyActRefusedError(
                    "there is no key-encrypting key yet; make one with `tonevault keys init`"
                )
            left = await self._database.read(lambda c, kek=kek: _left(c, kek))  # type: ignore[misc]
            progress(done, done + left)
            if not left:
                return done
            done += await self._batch(kek, now, actor)

    async def _batch(self, kek: Kek, now: datetime, actor: str) -> int:
        old = await self._database.read(lambda c: _some(c, kek))
        new = await self._thread.run(lambda: [self._rewrapped(key, kek) for key in old])

        def write(connection: Connection) -> int:
            standing = key_store.kek_in_force(connection, hold=True)
            if standing is None or standing.key_id != kek.key_id:
                return 0  # Rotated meanwhile: the next batch goes under the newer key.
            moved = sum(
                _replace(connection, key, wrapped, kek) for key, wrapped in zip(old, new, strict=True)
            )
            detail = {"keys": str(moved)}
            record(connection, Action.KEY_REWRAPPED, at=now, subject=kek.key_id, actor=actor, detail=detail)
            return moved

        return await self._database.transact(write)

    def _rewrapped(self, key: StoredKey, kek: Kek) -> bytes:
        opened = self._custody.unwrap(key.wrapped, key.context, key.key_id)
        return self._custody.wrap(opened, key.context, kek.key_id)


def _left(connection: Connection, kek: Kek) -> int:
    return connection.execute(
        select(func.count()).select_from(ACCOUNT_KEY).where(ACCOUNT_KEY.c.key_id != kek.key_id)
    ).scalar_one()


def _some(connection: Connection, kek: Kek) -> Sequence[StoredKey]:
    rows = connection.execute(
        select(ACCOUNT_KEY).where(ACCOUNT_KEY.c.key_id != kek.key_id).order_by(*_PLACE).limit(BATCH)
    )
    return [key_store.stored_key(row) for row in rows]


def _replace(connection: Connection, key: StoredKey, wrapped: bytes, kek: Kek) -> int:
    """Only what still stands as it was read: another node may have been here, or the account was shredded."""
    return connection.execute(
        update(ACCOUNT_KEY)
        .where(key_store.is_key(key), ACCOUNT_KEY.c.wrapped == key.wrapped)
        .values(wrapped=wrapped, key_id=kek.key_id)
    ).rowcount
