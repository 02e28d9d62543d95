"""A gateway at the end of a rough line: by one seed, answers and requests are lost, come late, or are cut off by a kill."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime

from tonevault.cde.gateway import (
    Authorisation,
    Gateway,
    GatewayAnswer,
    GatewayTraits,
    Hint,
    Listed,
    Made,
    Verdict,
)
from tonevault.cde.sealed.card_number import CardNumber
from tonevault.cde.sealed.warrant import open_number
from tonevault.kernel.ids import AccountId

LOST_SHARE = 0.08
"""Half of them on the way there, half on the way back."""
LATE_SHARE = 0.20
"""The same; a late one comes within twice the time that is waited for it, so half of them after nobody listens."""
SILENCE = GatewayAnswer(Verdict.UNKNOWN)

Ask = Callable[[], Awaitable[GatewayAnswer]]


class RoughGateway:
    """Wraps any gateway. What arrives late still arrives, unless the process dies before."""

    def __init__(self, gateway: Gateway, dice: random.Random, timeout_s: float) -> None:
        self._gateway = gateway
        self._dice = dice
        self._timeout_s = timeout_s
        self._late: set[asyncio.Task[GatewayAnswer]] = set()

    @property
    def traits(self) -> GatewayTraits:
        return self._gateway.traits

    async def authorise(self, request: Authorisation) -> GatewayAnswer:
        # The engine zeroes its card when it stops listening; what is on the way by then is on the way.
        with open_number(request.card.number) as digits:
            number = CardNumber(bytearray(digits))
        card = replace(request.card, number=number, security_code=None)
        sent = replace(request, card=card)
        return await self._send(lambda: self._gateway.authorise(sent))

    async def verify(self, request: Authorisation) -> GatewayAnswer:
        return await self._gateway.verify(request)

    async def follow_up(self, made: Made) -> GatewayAnswer:
        return await self._send(lambda: self._gateway.follow_up(made))

    async def look_up(self, made: Made) -> GatewayAnswer | None:
        if self._dice.random() < LOST_SHARE:
            return SILENCE
        return await self._gateway.look_up(made)

    async def cancel(self, made: Made) -> GatewayAnswer:
        return await self._gateway.cancel(made)

    def listed(self, account_id: AccountId, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        return self._gateway.listed(account_id, since, until)

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Hint, ...]:
        return self._gateway.heard(headers, body, now)

    async def close(self) -> None:
        await asyncio.gather(*self._late, return_exceptions=True)
        await self._gateway.close()

    async def _send(self, ask: Ask) -> GatewayAnswer:
        fate = self._dice.random()
        delay = self._dice.uniform(0, 2 * self._timeout_s)
        if fate < LOST_SHARE / 2:
            await asyncio.sleep(self._timeout_s)
            return SILENCE
        if fate < LOST_SHARE:
            await ask()
            await asyncio.sleep(self._timeout_s)
            return SILENCE
        if fate < LOST_SHARE + LATE_SHARE:
            there_late = fate < LOST_SHARE + LATE_SHARE / 2
            return await self._late_one(ask, delay, there_late=there_late)
        return await ask()

    async def _late_one(self, ask: Ask, delay: float, *, there_late: bool) -> GatewayAnswer:
        async def travel() -> GatewayAnswer:
            if there_late:
                await asyncio.sleep(delay)
                return await ask()
            answer = await ask()
            await asyncio.sleep(delay)
            return answer

        task = asyncio.create_task(travel())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        done, _ = await asyncio.wait({task}, timeout=self._timeout_s)
        return task.result() if done else SILENCE
