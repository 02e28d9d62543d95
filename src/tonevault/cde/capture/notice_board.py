"""Notices to whoever listens, in order. A listener that falls behind is cut off, and starts again from the present state."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

from tonevault.boundary.notices import Notice

MAX_WAITING: Final = 2_000
"""Notices that wait for one listener. 500 calls keyed at two keys a second fill it in two seconds of not reading."""
MAX_LISTENERS: Final = 64
"""Desk nodes and their spare connections; more is a client that connects in a loop."""


class TooManyListenersError(Exception):
    """No room for another listener."""


class Listener:
    """One reader's queue. Iterating ends when the board closes or the reader was too slow."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Notice | None] = asyncio.Queue(MAX_WAITING + 1)
        self._cut = False

    async def __aiter__(self) -> AsyncIterator[Notice]:
        while (notice := await self._queue.get()) is not None:
            yield notice

    def put(self, notice: Notice) -> None:
        """Hand a notice over, or cut a reader off that is `MAX_WAITING` behind."""
        if self._cut:
            return
        if self._queue.qsize() >= MAX_WAITING:
            self.cut()
        else:
            self._queue.put_nowait(notice)

    def cut(self) -> None:
        """End the iteration at once: what waits is stale, for a new listener begins with the present state."""
        if self._cut:
            return
        self._cut = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class NoticeBoard:
    """Publishes on the event loop; never waits for a reader."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._closed = False

    def publish(self, notice: Notice) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener.put(notice)

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """A listener that hears every notice from now until the block ends. Raises TooManyListenersError."""
        if len(self._listeners) >= MAX_LISTENERS:
            raise TooManyListenersError
        listener = Listener()
        if self._closed:
            listener.cut()
        self._listeners.append(listener)
        try:
            yield listener
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """The process stops: every iteration ends."""
        self._closed = True
        for listener in self._listeners:
            listener.cut()
