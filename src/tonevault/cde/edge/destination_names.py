"""The IP addresses behind the host names of destinations: what comes from there must be admitted, and it comes by address."""

import asyncio
import socket
from typing import Final

from tonevault.cde.edge.routes import RouteTable

REFRESH_S: Final = 30.0
"""Contact centres move by changing a name's address; a usual time to live is a minute."""
LOOK_UP_S: Final = 5.0
"""A resolver that is silent for longer must not hold up the start."""


class DestinationNames:
    """Looks the names up at the start and now and again; an address that is gone stays known until the end, as calls may live on it."""

    def __init__(self, routes: RouteTable) -> None:
        self._routes = routes
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look all names up once, and keep doing so."""
        if not self._routes.destination_names:
            return
        await self._look_up_all()
        self._task = asyncio.create_task(self._keep_looking())

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            await self._look_up_all()

    async def _look_up_all(self) -> None:
        for name in self._routes.destination_names:
            try:
                async with asyncio.timeout(LOOK_UP_S):
                    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
            except (OSError, UnicodeError, TimeoutError):
                # The name may have an address later; calls to it fail until then, and say so.
                continue
            for entry in found:
                self._routes.admit_destination(str(entry[4][0]))
