"""The notice streams of the fake secure zone. A test may act from another thread than the one that reads."""

import asyncio
from collections.abc import AsyncIterator

from tonevault.boundary.notices import Notice
from tonevault.boundary.problems import SecureZoneUnreachableError


class FakeListener:
    """One stream. Make it on the event loop that reads it."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Notice | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def tell(self, notice: Notice | None) -> None:
        """Hand a notice over; None breaks the stream."""
        self._loop.call_soon_threadsafe(self._queue.put_nowait, notice)

    async def notices(self) -> AsyncIterator[Notice]:
        """What was told, until the stream breaks with SecureZoneUnreachableError."""
        while (notice := await self._queue.get()) is not None:
            yield notice
        raise SecureZoneUnreachableError("the notice stream broke; open it again")
