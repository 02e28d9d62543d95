"""The steps of one sweep, a few at once: one that waits for a gateway holds up few others, and one that fails stops none."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from tonevault.plumbing.log import get_logger

AT_ONCE: Final = 8
"""Enough to keep a gateway busy that answers in a second; far below what the secure zone takes from a desk at once."""

_log = get_logger("desk.sweep")


async def side_by_side(name: str, steps: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Take every step; of one that fails the log tells the kind of fault alone."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def take(step: Callable[[], Awaitable[None]]) -> None:
        async with turn:
            try:
                await step()
            except Exception as error:  # noqa: BLE001 - the other steps must be taken; this one is due again
                _log.error("step_failed", task=name, fault=type(error).__name__)

    await asyncio.gather(*(take(step) for step in steps))
