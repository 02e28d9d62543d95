"""An account leaves: its keys are deleted, so that no card of it opens again, then its tokens are revoked and their rows emptied."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, select, update

from tonevault.boundary.tokens import TokenState
from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.cde.keys.model import KeyAct, Mandate
from tonevault.cde.keys.progress import Progress, unwatched
from tonevault.cde.schema import ACCOUNT_KEY, TOKEN
from tonevault.cde.vault import key_store
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.sql import Database

BATCH: Final = 1_000
"""Tokens revoked in one transaction, so that other writers do not wait long."""


class Shredding:
    """Ends accounts for good."""

    def __init__(self, database: Database, ceremonies: Ceremonies) -> None:
        self._database = database
        self._ceremonies = ceremonies

    async def end_keys(self, mandate: Mandate, account: AccountId, now: datetime) -> int:
        """Delete the account's keys; their number. From the commit on no node can open or store a card of it, but for keys that
        are held open, which live a minute at most. Raises KeyActRefusedError."""
        mandate.require(KeyAct.SHRED, account)

        def write(connection: Connection) -> int:
            # The lock waits for whoever is storing a card under these keys.
            key_store.hold_in_force(connection, account, alone=True)
            ended = connection.execute(
                delete(ACCOUNT_KEY).where(ACCOUNT_KEY.c.account_id == account)
            ).rowcount
            if not ended:
                raise KeyActRefusedError("--account: has no keys; nothing of it can be opened")
            record(
                connection,
                Action.KEY_SHREDDED,
                at=now,
                account=account,
                subject=account,
                actor=mandate.ceremony.proposer,
                detail={"keys": str(ended)},
            )
            self._ceremonies.carried_out(connection, mandate)
            return ended

        return await self._database.transact(write)

    async def is_begun(self, account: AccountId) -> bool:
        """Whether the keys are gone and cards are left to be emptied: a shredding that a kill cut short goes on without a mandate."""

        def look(connection: Connection) -> bool:
            return not key_store.keys_of(connection, account) and bool(_with_card(connection, account, 1))

        return await self._database.read(look)

    async def empty_tokens(self, account: AccountId, now: datetime, progress: Progress = unwatched) -> int:
        """Revoke every token that has a card and erase the card; their number. Harmless when repeated."""
        done = 0
        while emptied := await self._database.transact(lambda c: _empty_some(c, account, now)):
            done += emptied
            progress(done, done)
        return done


def _with_card(connection: Connection, account: AccountId, limit: int) -> list[str]:
    here = (TOKEN.c.account_id == account, TOKEN.c.sealed.is_not(None))
    return list(connection.execute(select(TOKEN.c.token_id).where(*here).limit(limit)).scalars())


def _empty_some(connection: Connection, account: AccountId, now: datetime) -> int:
    found = _with_card(connection, account, BATCH)
    if not found:
        return 0
    emptied = connection.execute(
        update(TOKEN)
        .where(TOKEN.c.account_id == account, TOKEN.c.token_id.in_(found), TOKEN.c.sealed.is_not(None))
        .values(state=TokenState.REVOKED.value, sealed=None, card_index=None, updated_at=now)
    ).rowcount
    detail = {"tokens": str(emptied)}
    record(connection, Action.CARD_SHREDDED, at=now, account=account, subject=account, detail=detail)
    return emptied
