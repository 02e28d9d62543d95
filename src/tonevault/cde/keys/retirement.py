"""Keys that nothing needs any more are destroyed; of the others it says what needs them. No card loses its key by it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, select

from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.key_custody import KeyCustody
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.epochs import accounts_with_keys
from tonevault.cde.keys.model import KeyAct, Mandate
from tonevault.cde.schema import ACCOUNT_KEY, TOKEN
from tonevault.cde.vault import key_store
from tonevault.cde.vault.custody_thread import CustodyThread
from tonevault.cde.vault.key_store import Kek, KekState, KeyPurpose, StoredKey
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.sql import Database

SETTLING: Final = timedelta(minutes=2)
"""A card that was drawn just before its key was superseded is opened within a moment; twice the time after which nodes read keys anew."""


@dataclass(slots=True)
class Report:
    """What was retired and what is still needed, a sentence each."""

    retired: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class Retirement:
    """Ends superseded data and index keys, then key-encrypting keys that wrap nothing."""

    def __init__(self, database: Database, custody: KeyCustody, ceremonies: Ceremonies) -> None:
        self._database = database
        self._custody = custody
        self._ceremonies = ceremonies
        self._thread = CustodyThread()

    async def run(self, mandate: Mandate, now: datetime) -> Report:
        """Retire everything that can be. May be repeated by the same mandate until it has come to its end once."""
        mandate.require(KeyAct.RETIRE)
        report, actor = Report(), mandate.ceremony.proposer
        for account in await self._database.read(accounts_with_keys):
            await self._account(account, now, actor, report)
        await self._keks(now, actor, report)
        await self._database.transact(lambda c: self._ceremonies.carried_out(c, mandate))
        return report

    async def _account(self, account: AccountId, now: datetime, actor: str, report: Report) -> None:
        keys = await self._database.read(lambda c: key_store.keys_of(c, account))
        cards = await self._database.read(lambda c: cards_by_epoch(c, account))
        newest = max((key.epoch for key in keys if key.purpose is KeyPurpose.DATA), default=0)
        older = sum(count for epoch, count in cards.items() if epoch < newest)
        for key in keys:
            if key.superseded_at is None:
                continue
            name = f"{account}: {key.purpose.value} key, epoch {key.epoch}"
            # An index key has no epoch on the cards; as long as any card waits for the re-keying, its index may be an older one.
            needed = cards.get(key.epoch, 0) if key.purpose is KeyPurpose.DATA else older
            if needed:
                report.kept.append(f"{name}: {needed} cards need it; `tonevault keys rekey` brings them on")
            elif now - key.superseded_at < SETTLING:
                minutes = SETTLING.seconds // 60
                report.kept.append(f"{name}: was superseded less than {minutes} minutes ago; try again then")
            else:
                # Once superseded a key gets no more cards, so the count above stays true.
                await self._database.transact(lambda c, key=key: _end(c, key, now, actor))  # type: ignore[misc]
                report.retired.append(name)

    async def _keks(self, now: datetime, actor: str, report: Report) -> None:
        """Oldest first, and none after the first that is needed: some custodies can only forget from the oldest on."""
        there = await self._thread.run(self._custody.key_ids)
        for kek in await self._database.read(key_store.keks):
            if kek.state is KekState.IN_FORCE or (kek.state is KekState.RETIRED and kek.key_id not in there):
                continue
            if kek.state is KekState.KEPT:
                wrapped = await self._database.transact(
                    lambda c, kek=kek: _retire_unless_needed(c, kek, now, actor)  # type: ignore[misc]
                )
                if wrapped:
                    report.kept.append(
                        f"{kek.key_id}: wraps {wrapped} keys; `tonevault keys rewrap` moves them"
                    )
                    return
            # The register says so first: a kill between the two leaves a retired key to destroy, never a needed one destroyed.
            left = await self._thread.run(lambda kek=kek: self._custody.destroy_key(kek.key_id))  # type: ignore[misc]
            report.retired.append(f"{kek.key_id}: {left}")


def cards_by_epoch(connection: Connection, account: AccountId) -> dict[int, int]:
    """How many cards are sealed under each of an account's data keys."""
    rows = connection.execute(
        select(TOKEN.c.epoch, func.count())
        .where(TOKEN.c.account_id == account, TOKEN.c.sealed.is_not(None))
        .group_by(TOKEN.c.epoch)
    )
    return {epoch: count for epoch, count in rows}  # noqa: C416 - a Row is no tuple to mypy


def _end(connection: Connection, key: StoredKey, now: datetime, actor: str) -> None:
    if connection.execute(delete(ACCOUNT_KEY).where(key_store.is_key(key))).rowcount:
        detail = {"purpose": key.purpose.value, "epoch": str(key.epoch)}
        record(
            connection,
            Action.KEY_RETIRED,
            at=now,
            account=key.account,
            actor=actor,
            subject=key.key_id,
            detail=detail,
        )


def _retire_unless_needed(connection: Connection, kek: Kek, now: datetime, actor: str) -> int:
    """The number of keys that it wraps; none, and it is retired. Whoever wraps a key holds the one in force, which this is not."""
    wrapped = connection.execute(
        select(func.count()).select_from(ACCOUNT_KEY).where(ACCOUNT_KEY.c.key_id == kek.key_id)
    ).scalar_one()
    if not wrapped:
        key_store.set_kek_state(connection, kek.key_id, KekState.RETIRED, now)
        record(connection, Action.KEY_RETIRED, at=now, actor=actor, subject=kek.key_id)
    return wrapped
