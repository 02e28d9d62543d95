"""The notice stream on the wire: one JSON object a line, a ping whenever it would be silent. It ends with its client or its source."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tonevault.boundary.interface import NDJSON, PING_INTERVAL_S
from tonevault.boundary.notices import NOTICE, Notice, Ping
from tonevault.boundary.problems import SecureZoneUnreachableError
from tonevault.boundary.secure_zone import SecureZone
from tonevault.cde.interface.asgi import Receive, Send, start_response, wait_for_disconnect


async def stream_notices(
    zone: SecureZone, receive: Receive, send: Send, ping_interval_s: float = PING_INTERVAL_S
) -> None:
    """Send notices until the client goes away or the zone cuts the stream off. Raises SecureZoneError before the first byte only."""
    async with zone.notices() as notices:
        gone = asyncio.ensure_future(wait_for_disconnect(receive))
        try:
            await start_response(send, 200, NDJSON)
            async for notice in _with_pings(notices, gone, ping_interval_s):
                line = NOTICE.dump_json(notice) + b"\n"
                await send({"type": "http.response.body", "body": line, "more_body": True})
        finally:
            gone.cancel()
    if not gone.done():
        await send({"type": "http.response.body", "body": b""})


async def _with_pings(
    notices: AsyncIterator[Notice], gone: asyncio.Future[None], interval_s: float
) -> AsyncIterator[Notice]:
    """The notices and the pings between them; ends with either."""
    following: asyncio.Future[Notice] | None = None
    try:
        while True:
            # A time-out must not cancel the waiting itself: that would end the source.
            following = following or asyncio.ensure_future(anext(notices))
            either: list[asyncio.Future[Any]] = [following, gone]
            await asyncio.wait(either, timeout=interval_s, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return
            if not following.done():
                yield Ping()
                continue
            try:
                notice = following.result()
            except (StopAsyncIteration, SecureZoneUnreachableError):
                return
            following = None
            yield notice
    finally:
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
