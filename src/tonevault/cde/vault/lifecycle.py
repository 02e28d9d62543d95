"""What happens to tokens without a capture of their own card: replaced by a successor, told a new expiry, ended for lack of use."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from tonevault.boundary.tokens import TokenState, TokenUsage, TokenView
from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.schema import CHARGE, TOKEN
from tonevault.cde.sealed.small_field import Expiry
from tonevault.cde.vault import store
from tonevault.cde.vault.model import StoredToken, TokenEvent
from tonevault.kernel.ids import AccountId, TokenId
from tonevault.plumbing.sql import Database

BATCH: Final = 100
"""Tokens ended in one transaction, so that a sweep never holds the writer for long."""

Tell = Callable[[TokenView], None]


class TokenLife:
    """Every change is in the audit log with its transaction, and told afterwards."""

    def __init__(self, database: Database, tell: Tell) -> None:
        self._database = database
        self._tell = tell

    async def replace(
        self, account: AccountId, old: TokenId, successor: TokenId | None, now: datetime
    ) -> TokenView | None:
        """End a token in favour of another one, shredding its card. None where it was not active, or is the successor itself.

        Without a successor the issuer has given out another number that nobody has captured yet.
        """
        if old == successor:
            return None

        def work(connection: Connection) -> StoredToken | None:
            token = store.find(connection, account, old)
            if token is None or token.state is not TokenState.ACTIVE:
                return None
            if not store.change(connection, token, TokenEvent.REPLACE, now, successor):
                return None
            detail = {} if successor is None else {"successor": successor}
            record(connection, Action.TOKEN_REPLACED, at=now, account=account, subject=old, detail=detail)
            return store.find(connection, account, old)

        return self._told(await self._database.transact(work), now)

    async def update_expiry(
        self, account: AccountId, token_id: TokenId, expiry: Expiry, now: datetime
    ) -> TokenView | None:
        """The issuer told a later expiry of the same number; an earlier one is old news."""

        def work(connection: Connection) -> StoredToken | None:
            token = store.find(connection, account, token_id)
            if token is None or token.state is not TokenState.ACTIVE:
                return None
            if (expiry.year, expiry.month) <= (token.expiry.year, token.expiry.month):
                return None
            store.set_expiry(connection, account, token_id, expiry, now)
            record(connection, Action.TOKEN_UPDATED, at=now, account=account, subject=token_id)
            return store.find(connection, account, token_id)

        return self._told(await self._database.transact(work), now)

    async def expire_unused(self, account: AccountId, since: datetime, now: datetime) -> int:
        """End and shred multi-use tokens that were neither made nor charged since then (PCI DSS 3.2.1); how many, at most a batch."""

        def work(connection: Connection) -> list[StoredToken]:
            ended = []
            for token in _unused(connection, account, since):
                if store.change(connection, token, TokenEvent.EXPIRE, now):
                    record(
                        connection,
                        Action.TOKEN_EXPIRED,
                        at=now,
                        account=account,
                        subject=token.token_id,
                        detail={"reason": "unused"},
                    )
                    after = store.find(connection, account, token.token_id)
                    ended += [after] if after else []
            return ended

        ended = await self._database.transact(work)
        for token in ended:
            self._told(token, now)
        return len(ended)

    def _told(self, token: StoredToken | None, now: datetime) -> TokenView | None:
        if token is None:
            return None
        view = token.view(now)
        self._tell(view)
        return view


def _unused(connection: Connection, account: AccountId, since: datetime) -> list[StoredToken]:
    charged = (
        select(CHARGE.c.charge_id)
        .where(
            CHARGE.c.account_id == TOKEN.c.account_id,
            CHARGE.c.token_id == TOKEN.c.token_id,
            CHARGE.c.created_at >= since,
        )
        .exists()
    )
    rows = connection.execute(
        select(TOKEN.c.token_id)
        .where(
            TOKEN.c.account_id == account,
            TOKEN.c.state == TokenState.ACTIVE.value,
            TOKEN.c.usage == TokenUsage.MULTI.value,
            TOKEN.c.updated_at < since,
            ~charged,
        )
        .limit(BATCH)
    ).all()
    found = [store.find(connection, account, TokenId(row.token_id)) for row in rows]
    return [token for token in found if token is not None]


def last_four(connection: Connection, account: AccountId, token_id: TokenId) -> str | None:
    """The last four digits that stand beside a token."""
    token = store.find(connection, account, token_id)
    return None if token is None else token.last4
