"""Runs a request once a key: answers the first answer again, refuses a second at the same time or with another body."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tonevault.desk.idempotency import store
from tonevault.desk.idempotency.store import Claim
from tonevault.desk.json_text import to_json
from tonevault.desk.keyed_digest import KeyedDigest
from tonevault.desk.refusal import FieldFault, Refusal
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import AccountId, Entropy, make_id
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

KEPT: Final = timedelta(hours=24)
"""What clients know from Stripe."""
LOCK: Final = timedelta(seconds=9)
"""A key whose holder has not renewed it for so long has lost its process, and the same request may go on."""
SKEW: Final = timedelta(minutes=1)
"""The clocks of two nodes are never further apart: a lock that ends later was taken before the clock was set back, and holds nothing."""
RENEW_S: Final = 3.0
"""Two renewals may be late before a living holder is taken for dead."""
MAX_KEY: Final = 255
"""Stripe's limit, which client libraries keep."""

_log = get_logger("desk.idempotency")


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What identifies a request: its key and everything that the key must not be used for otherwise."""

    key: str
    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer as it was first given."""

    status: int
    body: bytes


class IdempotencyService:
    """One act a key and account. Only answers of success are kept: a refusal changed nothing and may be tried again."""

    def __init__(self, database: Database, clock: Clock, entropy: Entropy, digests: KeyedDigest) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._digests = digests

    def fresh_letters(self) -> str:
        """The letters of a new id that sorts by time."""
        return make_id("x", epoch_ms(self._clock.utc()), self._entropy)[2:]

    async def once(
        self,
        account_id: AccountId,
        request: KeyedRequest,
        status: int,
        act: Callable[[str], Awaitable[object]],
    ) -> StoredAnswer:
        """Run `act` with the letters of the id it is to make, or answer what it answered before.

        Raises Refusal `idempotency_in_flight` or `idempotency_mismatch`.
        """
        digest = self._digests.of("idempotency key", request.key.encode())
        claimed = await self._claim(account_id, digest, request)
        if isinstance(claimed, StoredAnswer):
            return claimed
        renewing = asyncio.create_task(self._renew(account_id, digest))
        try:
            answer = StoredAnswer(status, to_json(await act(claimed.letters)))
        except Exception:
            # Whatever was begun stands under ids made of these letters: sent again, the request finds and finishes it.
            await self._end(renewing)
            await self._database.transact(lambda c: store.lock(c, account_id, digest, self._clock.utc()))
            raise
        finally:
            await self._end(renewing)
        await self._database.transact(
            lambda c: store.keep_answer(c, account_id, digest, answer.status, answer.body)
        )
        return answer

    async def _renew(self, account_id: AccountId, digest: bytes) -> None:
        """Hold the key for as long as its request is at work in this process."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._database.transact(
                    lambda c: store.lock(c, account_id, digest, self._clock.utc() + LOCK)
                )
            except SQLAlchemyError as error:
                _log.warning("idempotency_key_not_renewed", fault=type(error).__name__)

    @staticmethod
    async def _end(renewing: "asyncio.Task[None]") -> None:
        """Renew no more. A renewal that is in the database's hands by now holds the key a few seconds longer, and harms nothing."""
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)

    async def forget_old(self) -> None:
        """Part of the regular sweep."""
        await self._database.transact(lambda c: store.drop_older(c, self._clock.utc() - KEPT))

    async def _claim(
        self, account_id: AccountId, digest: bytes, request: KeyedRequest
    ) -> Claim | StoredAnswer:
        fingerprint = self._digests.of(
            "idempotency body", request.method.encode(), request.path.encode(), request.body
        )
        fresh = self.fresh_letters()

        def claim(connection: Connection) -> Claim | StoredAnswer:
            now = self._clock.utc()
            found = store.find(connection, account_id, digest)
            if found is not None and found.created_at <= now - KEPT:
                store.drop(connection, account_id, digest)
                found = None
            if found is None:
                mine = Claim(fingerprint, fresh, now + LOCK, now)
                store.add(connection, account_id, digest, mine)
                return mine
            if found.fingerprint != fingerprint:
                raise Refusal(
                    422,
                    "idempotency_mismatch",
                    "Idempotency-Key: was used for another request; use a new key for a new request.",
                    errors=(
                        FieldFault("Idempotency-Key", "idempotency_mismatch", "was used for another request"),
                    ),
                )
            if found.status is not None and found.answer is not None:
                return StoredAnswer(found.status, found.answer)
            if now < found.locked_until < now + LOCK + SKEW:
                raise _in_flight()
            store.lock(connection, account_id, digest, now + LOCK)
            return found

        try:
            return await self._database.transact(claim)
        except IntegrityError:
            # Another node claimed the key between our look and our insert.
            raise _in_flight() from None


def _in_flight() -> Refusal:
    return Refusal(
        409,
        "idempotency_in_flight",
        "Idempotency-Key: the first request with this key is still at work; ask again in a moment.",
        errors=(FieldFault("Idempotency-Key", "idempotency_in_flight", "is at work with its first request"),),
        retry_after_s=1,
    )
