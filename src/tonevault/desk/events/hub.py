"""Live subscribers of one process. A slow one is cut off, never waited for: it comes back and reads what it missed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tonevault.desk.events.model import Numbered
from tonevault.kernel.ids import AccountId

MAX_WAITING: Final = 256
"""A minute of fast keying on a few calls; who lags further reads the durable events again instead."""


@dataclass(slots=True, eq=False)
class Subscription:
    """One listener's queue. `overrun` is set when it did not keep up; it gets nothing after that."""

    queue: asyncio.Queue[Numbered] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))
    overrun: bool = False

    async def next(self, timeout_s: float) -> Numbered | None:
        """The next event, or None when nothing came for `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.queue.get()
        except TimeoutError:
            return None


class EventHub:
    """Hands each event to everybody who listens to its account."""

    def __init__(self) -> None:
        self._subscriptions: dict[AccountId, set[Subscription]] = {}

    def publish(self, account_id: AccountId, numbered: Numbered) -> None:
        """Never waits."""
        for subscription in tuple(self._subscriptions.get(account_id, ())):
            try:
                subscription.queue.put_nowait(numbered)
            except asyncio.QueueFull:
                subscription.overrun = True
                self._drop(account_id, subscription)

    def accounts(self) -> tuple[AccountId, ...]:
        """Those that somebody listens to."""
        return tuple(self._subscriptions)

    @contextmanager
    def subscribe(self, account_id: AccountId) -> Iterator[Subscription]:
        """Listen while the block runs."""
        subscription = Subscription()
        self._subscriptions.setdefault(account_id, set()).add(subscription)
        try:
            yield subscription
        finally:
            self._drop(account_id, subscription)

    def _drop(self, account_id: AccountId, subscription: Subscription) -> None:
        listeners = self._subscriptions.get(account_id, set())
        listeners.discard(subscription)
        if not listeners:
            self._subscriptions.pop(account_id, None)
