"""A new key-encrypting key comes into force. Those before it are kept, for what they wrapped; no card and no data key is touched."""

from datetime import datetime

from sqlalchemy import Connection, update

from tonevault.cde.audit.log import record
from tonevault.cde.audit.model import Action
from tonevault.cde.key_custody import KeyCustody
from tonevault.cde.keys.ceremonies import Ceremonies
from tonevault.cde.keys.errors import KeyActRefusedError
from tonevault.cde.keys.model import KeyAct, Mandate
from tonevault.cde.schema import KEY_ENCRYPTING_KEY
from tonevault.cde.vault import key_store
from tonevault.cde.vault.custody_thread import CustodyThread
from tonevault.cde.vault.key_store import EVERY_ACCOUNT, Kek, KekState
from tonevault.plumbing.sql import Database


class Rotation:
    """Makes key-encrypting keys and puts them into force."""

    def __init__(self, database: Database, custody: KeyCustody, ceremonies: Ceremonies) -> None:
        self._database = database
        self._custody = custody
        self._ceremonies = ceremonies
        self._thread = CustodyThread()

    async def first(self, now: datetime, existing: str | None = None) -> Kek | None:
        """The first key of a deployment; None where one is in force. The founding of custodians is the right to it."""
        if await self._database.read(key_store.kek_in_force) is not None:
            return None
        # A key that a start made by itself is taken as it is: there may be cards under it.
        there = await self._thread.run(self._custody.key_ids)
        key_id = (
            there[-1]
            if there and existing is None
            else await self._thread.run(lambda: self._custody.make_key(existing))
        )
        kek = Kek(key_id, self._custody.kind, KekState.IN_FORCE, now)

        def write(connection: Connection) -> None:
            key_store.register_kek(connection, kek)
            record(connection, Action.KEY_MADE, at=now, subject=key_id, detail={"custody": kek.custody.value})

        await self._database.transact(write)
        return kek

    async def rotate(self, mandate: Mandate, now: datetime, existing: str | None = None) -> Kek:
        """Make a key, or take `existing`, which the mandate names, and put it into force. Raises KeyCustodyError, KeyActRefusedError."""
        mandate.require(KeyAct.ROTATE, existing or EVERY_ACCOUNT)
        registered = {kek.key_id for kek in await self._database.read(key_store.keks)}
        key_id = await self._thread.run(lambda: self._custody.make_key(existing))
        if key_id in registered:
            raise KeyActRefusedError("--key: is in the register already; name a key that was never in force")
        kek = Kek(key_id, self._custody.kind, KekState.IN_FORCE, now)

        def write(connection: Connection) -> None:
            connection.execute(
                update(KEY_ENCRYPTING_KEY)
                .where(
                    KEY_ENCRYPTING_KEY.c.account_id == EVERY_ACCOUNT,
                    KEY_ENCRYPTING_KEY.c.state == KekState.IN_FORCE.value,
                )
                .values(state=KekState.KEPT.value)
            )
            key_store.register_kek(connection, kek)
            record(
                connection,
                Action.KEY_ROTATED,
                at=now,
                subject=key_id,
                actor=mandate.ceremony.proposer,
                detail={"custody": kek.custody.value, "ceremony": mandate.ceremony.ceremony_id},
            )
            self._ceremonies.carried_out(connection, mandate)

        await self._database.transact(write)
        return kek
