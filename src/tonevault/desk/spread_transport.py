"""Requests spread over several small pools of connections: a pool looks through all of its connections at every request."""

import itertools
from collections.abc import Callable, Sequence
from typing import Final

import httpx

POOLS: Final = 16
"""With a hundred requests at once, one pool would take three quarters of the desk's processor."""


class SpreadTransport(httpx.AsyncBaseTransport):
    """Each request goes to the next of the pools; an answer's stream stays with its own."""

    def __init__(self, make_pool: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._pools: Sequence[httpx.AsyncBaseTransport] = [make_pool() for _ in range(POOLS)]
        self._next = itertools.cycle(self._pools)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        return await next(self._next).handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            await pool.aclose()
