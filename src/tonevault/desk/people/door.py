"""What the API's routes begin with: who asks, whether they may, and under which Idempotency-Key. It refuses to know what is asked for."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Response, params

from tonevault.desk.idempotency.header import Idempotency, Once
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import Principal, Scope
from tonevault.kernel.ids import AccountId

CREATED: Final = 201


class Command:
    """A request that changes something: whoever asks may do it, and it is carried out once for each Idempotency-Key."""

    __slots__ = ("_once", "account_id", "actor")

    def __init__(self, principal: Principal, once: Once) -> None:
        self.account_id: AccountId = principal.account_id
        self.actor: str = principal.actor
        self._once = once

    async def done(self, act: Callable[[], Awaitable[object]]) -> Response:
        """The answer of an act on something that is there."""
        return await self._once.answer(self.account_id, lambda _: act())

    async def made(self, act: Callable[[str], Awaitable[object]], status: int = CREATED) -> Response:
        """The answer of an act that makes something, and gets the letters of its id."""
        return await self._once.answer(self.account_id, act, status)


class Door:
    """Makes the dependencies that routes take."""

    def __init__(self, guard: Guard, idempotency: Idempotency) -> None:
        self._guard = guard
        self._idempotency = idempotency

    def reader(self, scope: Scope) -> params.Depends:
        """For a `Principal` who may do this."""
        return params.Depends(self._guard.needs(scope))

    def writer(self, scope: Scope, *, key_required: bool = True) -> params.Depends:
        """For a `Command` of one who may do this. A key is required where a second act would cost, welcome on every other change."""
        keyed = self._idempotency.required if key_required else self._idempotency.welcome

        async def command(
            principal: Annotated[Principal, Depends(self._guard.needs(scope))],
            once: Annotated[Once, Depends(keyed)],
        ) -> Command:
            return Command(principal, once)

        return params.Depends(command)
