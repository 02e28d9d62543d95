"""The account's keys: made once, stored wrapped, held open in a bounded cache. The key-encrypting key stays with the custody."""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from tonevault.cde.key_custody import DATA_KEY_LENGTH, KeyCustody, KeyCustodyError
from tonevault.cde.vault import key_store
from tonevault.cde.vault.custody_thread import CustodyThread
from tonevault.cde.vault.errors import CardUnreadableError, StaleKeysError
from tonevault.cde.vault.key_store import FIRST_EPOCH, Kek, KekState, KeyPurpose, StoredKey
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

CACHED_ACCOUNTS: Final = 1_000
"""Open keys held at once, about 1 kB an account; the account used longest ago goes first."""
REREAD_AFTER: Final = timedelta(seconds=60)
"""Held keys are compared with the table this often: a shredded key leaves every node's memory within it."""
MAKING_TRIES: Final = 5
"""A first key whose key-encrypting key was replaced before it was stored is wrapped again this often."""

T = TypeVar("T")
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AccountKeys:
    """The open keys of one account: its data keys by epoch, the newest of which seals, and its index keys the same way."""

    epoch: int
    ciphers: dict[int, AESGCM] = field(repr=False)
    index_epoch: int
    index_keys: dict[int, bytes] = field(repr=False)
    read_at: datetime
    born: dict[tuple[KeyPurpose, int], datetime] = field(repr=False)
    """When each was made: a key of the same epoch that was made at another time is another key."""

    @property
    def cipher(self) -> AESGCM:
        """The data key that seals new cards."""
        return self.ciphers[self.epoch]

    @property
    def index_key(self) -> bytes:
        """The key that indexes new cards."""
        return self.index_keys[self.index_epoch]

    @property
    def older_index_keys(self) -> tuple[bytes, ...]:
        """Index keys under which a card may still stand, newest first; more than none only while a re-keying of the index runs."""
        if len(self.index_keys) == 1:
            return ()
        return tuple(self.index_keys[each] for each in sorted(self.index_keys, reverse=True)[1:])


class KeyRing:
    """Opens accounts' keys, making them on an account's first card."""

    def __init__(self, database: Database, custody: KeyCustody) -> None:
        self._database = database
        self._custody = custody
        self._thread = CustodyThread()
        self._open: OrderedDict[AccountId, AccountKeys] = OrderedDict()
        self._loading: dict[tuple[AccountId, Otherwise], asyncio.Task[AccountKeys]] = {}

    async def of(self, account: AccountId, now: datetime) -> AccountKeys:
        """The account's keys, made if it has none. Raises KeyCustodyError when the custody cannot open them."""
        return await self._held_or_read(account, now, _or_made)

    async def present(self, account: AccountId, now: datetime) -> AccountKeys | None:
        """The account's keys, or None for one that has none; none are made. Raises KeyCustodyError when they cannot be opened."""
        try:
            return await self._held_or_read(account, now, _or_shredded)
        except CardUnreadableError:
            return None

    async def cipher(self, account: AccountId, epoch: int, now: datetime) -> AESGCM:
        """The data key of one epoch. Read anew when it is not held: another node may have begun an epoch.

        Raises CardUnreadableError when it was shredded, KeyCustodyError when it cannot be opened.
        """
        keys = await self._held_or_read(account, now, _or_shredded)
        if epoch not in keys.ciphers:
            keys = await self._read(account, now, _or_shredded)
        try:
            return keys.ciphers[epoch]
        except KeyError:
            raise _shredded() from None

    async def reread(self, account: AccountId, now: datetime) -> AccountKeys:
        """The account's keys as the table has them now, made if it has none."""
        return await self._read(account, now, _or_made)

    async def _held_or_read(self, account: AccountId, now: datetime, otherwise: "Otherwise") -> AccountKeys:
        held = self._open.get(account)
        if held is None:
            return await self._read(account, now, otherwise)
        self._open.move_to_end(account)
        if now - held.read_at < REREAD_AFTER:
            return held
        try:
            return await self._read(account, now, otherwise)
        except KeyCustodyError as error:
            # The keys that are open still open every card that they sealed; a card under a new key cannot be sealed or opened.
            log.error("keys could not be read anew", account=account, error=str(error))  # noqa: TRY400
            return held

    async def _read(self, account: AccountId, now: datetime, otherwise: "Otherwise") -> AccountKeys:
        """Several that ask at once are answered by one reading."""
        loading = self._loading.get((account, otherwise))
        if loading is None or loading.get_loop() is not asyncio.get_running_loop():
            loading = asyncio.get_running_loop().create_task(self._load(account, now, otherwise))
            loading.add_done_callback(lambda task: self._loaded((account, otherwise), task))
            self._loading[account, otherwise] = loading
        return await asyncio.shield(loading)

    def confirm(self, connection: Connection, account: AccountId, keys: AccountKeys) -> None:
        """Hold the keys in force until the caller's transaction ends. Raises StaleKeysError when `keys` no longer are.

        Who stores a sealed card calls this first in the same transaction: a card can then never appear under a key whose
        time is over, which is what makes a re-keying finish and a retirement safe.
        """
        in_force = key_store.hold_in_force(connection, account)
        if in_force != {KeyPurpose.DATA: keys.epoch, KeyPurpose.INDEX: keys.index_epoch}:
            raise StaleKeysError

    def _loaded(self, asked: "tuple[AccountId, Otherwise]", task: "asyncio.Task[AccountKeys]") -> None:
        if self._loading.get(asked) is task:
            del self._loading[asked]
        if not task.cancelled():
            task.exception()  # Whoever waited has it; if nobody waits any more it is not to be warned of.

    async def _load(self, account: AccountId, now: datetime, otherwise: "Otherwise") -> AccountKeys:
        rows = await self._database.read(lambda c: key_store.keys_of(c, account))
        if {row.purpose for row in rows} != set(KeyPurpose):
            self._open.pop(account, None)
            rows = await otherwise(self, account, now)
        return self._hold(account, await self._opened(account, rows, now))

    async def _opened(self, account: AccountId, rows: list[StoredKey], now: datetime) -> AccountKeys:
        held = self._open.get(account)
        ciphers: dict[int, AESGCM] = {}
        index_keys: dict[int, bytes] = {}
        for row in rows:
            known = held is not None and held.born.get((row.purpose, row.epoch)) == row.created_at
            if row.purpose is KeyPurpose.DATA:
                ciphers[row.epoch] = (
                    held.ciphers[row.epoch] if held and known else AESGCM(await self._unwrap(row))
                )
            else:
                index_keys[row.epoch] = (
                    held.index_keys[row.epoch] if held and known else await self._unwrap(row)
                )
        born = {(row.purpose, row.epoch): row.created_at for row in rows}
        return AccountKeys(max(ciphers), ciphers, max(index_keys), index_keys, now, born)

    async def _unwrap(self, row: StoredKey) -> bytes:
        return await self._ask(lambda: self._custody.unwrap(row.wrapped, row.context, row.key_id))

    async def _ask(self, work: Callable[[], T]) -> T:
        return await self._thread.run(work)

    def _hold(self, account: AccountId, keys: AccountKeys) -> AccountKeys:
        self._open[account] = keys
        self._open.move_to_end(account)
        if len(self._open) > CACHED_ACCOUNTS:
            self._open.popitem(last=False)
        return keys

    async def make(self, account: AccountId, now: datetime) -> list[StoredKey]:
        """Wrap first keys outside the transaction, for the custody may be slow, and store them if its key is still in force."""
        for _ in range(MAKING_TRIES):
            kek = await self._database.read(key_store.kek_in_force) or await self._first_kek(now)
            made = [await self._new_key(account, purpose, kek, now) for purpose in KeyPurpose]
            if rows := await self._database.transact(lambda c, made=made: _store(c, made)):  # type: ignore[misc]
                return rows
        raise KeyCustodyError("the key-encrypting key is being replaced again and again; try again later")

    async def _new_key(self, account: AccountId, purpose: KeyPurpose, kek: Kek, now: datetime) -> StoredKey:
        return await self._ask(
            lambda: wrapped_key(self._custody, kek, account, purpose, epoch=FIRST_EPOCH, now=now)
        )

    async def _first_kek(self, now: datetime) -> Kek:
        key_ids = await self._ask(self._custody.key_ids)
        if not key_ids:
            raise KeyCustodyError("there is no key-encrypting key yet; make one with `tonevault keys init`")
        kek = Kek(key_ids[-1], self._custody.kind, KekState.IN_FORCE, now)
        await self._database.transact(lambda c: register_first_kek(c, kek))
        return kek


Otherwise = Callable[[KeyRing, AccountId, datetime], Awaitable[list[StoredKey]]]
"""What to do for an account that has no keys."""


async def _or_made(ring: KeyRing, account: AccountId, now: datetime) -> list[StoredKey]:
    return await ring.make(account, now)


async def _or_shredded(ring: KeyRing, account: AccountId, now: datetime) -> list[StoredKey]:  # noqa: ARG001 - as Otherwise
    raise _shredded()


def _shredded() -> CardUnreadableError:
    return CardUnreadableError("the data key of this card was shredded; capture the card again")


def wrapped_key(
    custody: KeyCustody, kek: Kek, account: AccountId, purpose: KeyPurpose, *, epoch: int, now: datetime
) -> StoredKey:
    """A fresh key of an account, wrapped by `kek` and not stored yet. Raises KeyCustodyError."""
    row = StoredKey(account, purpose, epoch, kek.key_id, b"", now)
    wrapped = custody.wrap(secrets.token_bytes(DATA_KEY_LENGTH), row.context, kek.key_id)
    return StoredKey(account, purpose, epoch, kek.key_id, wrapped, now)


def register_first_kek(connection: Connection, kek: Kek) -> None:
    """Enter the first key of a deployment; where another node was first, its key stands."""
    if key_store.kek_in_force(connection, hold=True) is None:
        key_store.register_kek(connection, kek)


def _store(connection: Connection, made: list[StoredKey]) -> list[StoredKey]:
    """Store first keys and answer what stands then; nothing when their key-encrypting key is no longer in force."""
    kek = key_store.kek_in_force(connection, hold=True)
    if kek is None or any(key.key_id != kek.key_id for key in made):
        return []
    for key in made:
        key_store.insert_key(connection, key)
    return key_store.keys_of(connection, made[0].account)
