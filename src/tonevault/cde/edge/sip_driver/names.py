"""Host names to IP addresses for datagrams, which a socket would otherwise resolve while everything waits."""

import asyncio
import ipaddress
import socket
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

from tonevault.cde.edge.sip_driver.limits import MAX_CACHED_NAMES, NAME_CACHE_S

Resolved = Callable[[str | None], None]
"""Takes an IP address, or None when the name has none."""


@lru_cache(MAX_CACHED_NAMES)
def is_address(host: str) -> bool:
    """Whether the host is an IP address already."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Names:
    """Resolves with the system's resolver, off the loop, and remembers for a while. `is_usable` says which addresses can be sent to."""

    def __init__(self, is_usable: Callable[[str], bool]) -> None:
        self._is_usable = is_usable
        self._known: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._waiting: dict[str, list[Resolved]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def resolve(self, host: str, then: Resolved) -> None:
        """Call `then` with the address: at once for an address or a remembered name, later otherwise."""
        if is_address(host):
            then(host)
            return
        known = self._known.get(host)
        if known is not None and asyncio.get_running_loop().time() < known[0]:
            then(known[1])
            return
        waiting = self._waiting.setdefault(host, [])
        waiting.append(then)
        if len(waiting) == 1:
            task = asyncio.get_running_loop().create_task(self._look_up(host))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._waiting.clear()

    async def _look_up(self, host: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            found = []
        addresses = (str(entry[4][0]) for entry in found)
        address = next((address for address in addresses if self._is_usable(address)), None)
        if address is not None:
            self._known[host] = (loop.time() + NAME_CACHE_S, address)
            self._known.move_to_end(host)
            if len(self._known) > MAX_CACHED_NAMES:
                self._known.popitem(last=False)
        for then in self._waiting.pop(host, []):
            then(address)
