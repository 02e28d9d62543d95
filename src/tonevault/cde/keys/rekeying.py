"""Cards sealed anew under the newest data key, in batches, while the vault serves: no read fails, and a kill loses nothing.

What is done stands in the rows themselves, so there is no place to remember: a run begins at the first card, passes over what is done, and
may be repeated, cut short, or run on several nodes at once. A card is changed only where it still is what was read.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.key_custody import KeyCustody
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.epochs import Epochs, Wish
from tonevault.cde.keys.first_look import accounts_meant
from tonevault.cde.keys.model import KeyAct, Mandate
from tonevault.cde.keys.progress import Progress, unwatched
from tonevault.cde.keys.reseal import START, NewCard, OldCard, read_batch, reseal, write_batch
from tonevault.cde.schema import ACCOUNT_KEY, TOKEN
from tonevault.cde.vault.key_store import KeyPurpose
from tonevault.cde.vault.keys import AccountKeys, KeyRing
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.sql import Database

IN_FLIGHT: Final = 2
"""Batches that are being written at once, so that neither this process nor the database waits for the other."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An account some of whose cards are not under its newest data key."""

    account: AccountId
    cards: int


class Rekeying:
    """Begins epochs by a mandate and brings every card into the newest."""

    def __init__(self, database: Database, custody: KeyCustody, ceremonies: Ceremonies) -> None:
        self._database = database
        self._ring = KeyRing(database, custody)
        self._epochs = Epochs(database, custody)
        self._ceremonies = ceremonies

    async def begin(self, mandate: Mandate, now: datetime) -> list[AccountId]:
        """Begin an epoch of every account that the mandate is about, its index key's too where it says so; repeated, none twice."""
        subject, index = mandate.ceremony.subject, mandate.ceremony.act is KeyAct.REKEY_INDEX
        mandate.require(KeyAct.REKEY_INDEX if index else KeyAct.REKEY, subject)
        accounts = accounts_meant(await self._epochs.accounts(), subject)
        purposes = tuple(KeyPurpose) if index else (KeyPurpose.DATA,)
        wish = Wish(mandate.ceremony.proposer, mandate.ceremony.proposed_at, now)
        for account in accounts:
            await self._epochs.begin(account, purposes, wish)
        await self._database.transact(lambda c: self._ceremonies.carried_out(c, mandate))
        return accounts

    async def unfinished(self, account: AccountId | None = None) -> list[Unfinished]:
        """Accounts with cards under older keys, which `run` brings on; no mandate is needed for that, for their epochs had one."""
        accounts = [account] if account is not None else await self._epochs.accounts()
        found = [Unfinished(each, await self._left(each)) for each in accounts]
        return [each for each in found if each.cards]

    async def run(self, account: AccountId, now: datetime, progress: Progress = unwatched) -> int:
        """Bring every card of an account into its newest epoch; the number of cards done here."""
        done = 0
        while left := await self._left(account):
            done += await self._pass(account, now, _further(progress, done, done + left))
        progress(done, done)
        return done

    async def _pass(self, account: AccountId, now: datetime, progress: Progress) -> int:
        """Once through the account's cards. The next cards are read and sealed while those before are written."""
        keys = await self._ring.reread(account, now)
        writing: deque[asyncio.Task[int]] = deque()
        done, after = 0, START
        try:
            while cards := await self._database.read(_reader(account, keys.epoch, after)):
                fresh = await asyncio.to_thread(reseal, account, cards, keys)
                writing.append(asyncio.create_task(self._stored(account, fresh, keys, now)))
                after = cards[-1].place
                if len(writing) == IN_FLIGHT:
                    done += await writing.popleft()
                    progress(done, done)
            while writing:
                done += await writing.popleft()
                progress(done, done)
        finally:
            if writing:
                await asyncio.wait(writing)
        return done

    async def _stored(
        self, account: AccountId, fresh: list[NewCard], keys: AccountKeys, now: datetime
    ) -> int:
        return await self._database.transact(lambda c: self._write(c, account, fresh, keys, now))

    def _write(
        self,
        connection: Connection,
        account: AccountId,
        fresh: list[NewCard],
        keys: AccountKeys,
        now: datetime,
    ) -> int:
        moved = write_batch(connection, account, fresh, keys.epoch)
        detail = {"cards": str(moved), "epoch": str(keys.epoch)}
        record(connection, Action.CARD_RESEALED, at=now, account=account, subject=account, detail=detail)
        return moved

    async def _left(self, account: AccountId) -> int:
        return await self._database.read(lambda c: _under_older_keys(c, account))


def _reader(account: AccountId, newest: int, after: str) -> Callable[[Connection], list[OldCard]]:
    return lambda connection: read_batch(connection, account, newest, after)


def _further(progress: Progress, before: int, counted: int) -> Progress:
    def told(done: int, whole: int) -> None:  # noqa: ARG001 - the whole is known better here
        progress(before + done, max(counted, before + done))

    return told


def _under_older_keys(connection: Connection, account: AccountId) -> int:
    newest = (
        select(func.max(ACCOUNT_KEY.c.epoch))
        .where(ACCOUNT_KEY.c.account_id == account, ACCOUNT_KEY.c.purpose == KeyPurpose.DATA.value)
        .scalar_subquery()
    )
    return connection.execute(
        select(func.count())
        .select_from(TOKEN)
        .where(TOKEN.c.account_id == account, TOKEN.c.epoch < newest, TOKEN.c.sealed.is_not(None))
    ).scalar_one()
