"""A process that dies at a chosen step: before or after any commit, before or after any word with the gateway. Then nothing works."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from tonevault.cde.gateway import Authorisation, Gateway, GatewayAnswer, GatewayTraits, Hint, Listed, Made
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.sql import Database

T = TypeVar("T")
Item = TypeVar("Item")

NEVER = 1_000_000


class KilledError(BaseException):
    """The process is no more. Not an Exception: no handler of the product may take it for a fault it can answer."""


class Fate:
    """Counts the steps of a life, and ends it at `dies_at`; from then on everything is refused, as a dead process does nothing."""

    def __init__(self, dies_at: int = NEVER) -> None:
        self.dies_at = dies_at
        self.steps = 0

    @property
    def is_dead(self) -> bool:
        return self.steps > self.dies_at

    def step(self) -> None:
        """One more chance to die."""
        self.steps += 1
        if self.is_dead:
            raise KilledError


class MortalDatabase(Database):
    """A database as a mortal process sees it: its transactions may be cut short on either side of the commit."""

    def __init__(self, database: Database, fate: Fate) -> None:
        super().__init__(database.url)
        database.close_now()
        self._fate = fate

    async def transact(self, work: Callable[[Connection], T]) -> T:
        self._fate.step()
        result = await super().transact(work)
        self._fate.step()
        return result

    async def transact_together(
        self, work: Callable[[Connection, Sequence[Item]], Sequence[T]], item: Item
    ) -> T:
        self._fate.step()
        result = await super().transact_together(work, item)
        self._fate.step()
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        self._fate.step()
        return await super().read(work)


class MortalGateway:
    """A gateway as a mortal process sees it: the line may be cut on either side of the answer, and what arrived stays there."""

    def __init__(self, gateway: Gateway, fate: Fate) -> None:
        self._gateway = gateway
        self._fate = fate

    @property
    def traits(self) -> GatewayTraits:
        return self._gateway.traits

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        self._fate.step()
        answer = await self._gateway.authorise(request)
        self._fate.step()
        return answer

    async def verify(self, request: Authorisation) -> GatewayAnswer:
        self._fate.step()
        answer = await self._gateway.verify(request)
        self._fate.step()
        return answer

    async def follow_up(self, made: Made) -> GatewayAnswer:
        self._fate.step()
        answer = await self._gateway.follow_up(made)
        self._fate.step()
        return answer

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        self._fate.step()
        return await self._gateway.look_up(made)

    async def cancel(self, made: Made) -> GatewayAnswer:
        self._fate.step()
        return await self._gateway.cancel(made)

    def listed(self, account_id: AccountId, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        return self._gateway.listed(account_id, since, until)

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
        return self._gateway.heard(headers, body, now)

    async def close(self) -> None:
        await self._gateway.close()
