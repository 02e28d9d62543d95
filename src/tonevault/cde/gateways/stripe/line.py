"""The SDK's HTTP client, put in by its own extension point: fills blanks while writing, and tells *never left* from silence."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Final

import httpx
import stripe

from tonevault.cde.blanks import Blanks, FilledBody, refuse_blanks

CONNECT_S: Final = 5.0
"""A line that takes longer to open will not carry a payment in time."""
KEEP_ALIVE_S: Final = 4.0
"""Connections are let go sooner than any server lets them go: a request on one that is just ending falls silent for nothing."""
CONNECTIONS: Final = 100
"""At once; further requests wait for one, and fail unsent when they wait longer than `CONNECT_S`."""

# The SDK writes whole answers to its logger at DEBUG; they hold billing addresses.
logging.getLogger("stripe").setLevel(logging.WARNING)


class UnsentError(stripe.APIConnectionError):
    """The request never left: it certainly had no effect."""


class SilenceError(stripe.APIConnectionError):
    """The request may have arrived; no answer did."""


class StripeLine(stripe.HTTPClient):
    """Asynchronous HTTP for the SDK, over httpx. `timeout_s` bounds a whole request, from connecting to the last byte."""

    name = "httpx"

    def __init__(self, blanks: Blanks, timeout_s: float) -> None:
        super().__init__()
        self._blanks = blanks
        self._timeout_s = timeout_s
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_S, pool=CONNECT_S),
            limits=httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=KEEP_ALIVE_S),
        )

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: str | None = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send and wait. Raises UnsentError or SilenceError; neither keeps the request, which holds credentials."""
        refuse_blanks(url, *headers.values())
        body = self._blanks.body((post_data or "").encode())
        sent = dict(headers)
        if method == "post":
            sent["Content-Length"] = str(body.length)
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.request(
                    method, url, headers=sent, content=_written(body) if body.length else None
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise UnsentError(type(error).__name__) from None  # type: ignore[no-untyped-call]
        except (httpx.HTTPError, TimeoutError) as error:
            raise SilenceError(type(error).__name__) from None  # type: ignore[no-untyped-call]
        return response.content, response.status_code, response.headers

    def sleep_async(self, secs: float) -> Awaitable[None]:
        """What the SDK waits with between tries of its own; it is told to make none."""
        return asyncio.sleep(secs)

    async def close_async(self) -> None:
        """Release the connections."""
        await self._client.aclose()


async def _written(body: FilledBody) -> AsyncIterator[bytes]:
    for piece in body.pieces():
        yield piece
