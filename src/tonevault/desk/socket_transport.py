"""httpx's requests on a Unix socket by h11: few steps a request, for the desk asks at every key. It repeats nothing."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import h11
import httpx

MAX_ANSWER_BYTES: Final = 16 * 2**20
"""Of an answer that tells its length. The longest lists every call: 500 bytes each, of ten thousand at most."""
READ_AHEAD_BYTES: Final = 2**18
"""Of a stream that is not read as fast as it comes; beyond it the sender waits."""
FULL_QUEUE_PAUSE_S: Final = 0.005

Limits = dict[str, float | None]
"""httpx's time-outs of a request, in seconds: `connect`, `read`, `write` and `pool`."""


class SocketTransport(httpx.AsyncBaseTransport):
    """A connection for each request at work, kept for the next one. Whoever comes when all are at work waits.

    A pool of httpx looks at every one of its connections at every request: with a hundred at work that takes most of a processor.
    """

    def __init__(self, path: Path, *, max_connections: int, idle_s: float) -> None:
        """A connection that nobody used for `idle_s` seconds is not used again."""
        self._path = str(path)
        self._idle_s = idle_s
        self._free = asyncio.Semaphore(max_connections)
        self._idle: list[_Connection] = []
        self._at_work: set[_Connection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx. Raises httpx.TransportError."""
        limits: Limits = request.extensions.get("timeout", {})
        content = await request.aread()
        await self._wait_for_place(limits.get("pool"))
        connection = None
        try:
            connection = self._take() or await self._connect(limits.get("connect"))
            self._at_work.add(connection)
            connection.send(request, content)
            head = await connection.head(limits.get("read"))
            headers = list(head.headers)
            if not any(name == b"content-length" for name, _ in headers):
                # It ends when it ends: whoever asked reads it as it comes.
                body = _Body(self, connection, limits.get("read"))
                return httpx.Response(head.status_code, headers=headers, stream=body)
            whole = await connection.whole(limits.get("read"))
        except BaseException:
            self.release(connection, is_done=False)
            raise
        self.release(connection, is_done=True)
        return httpx.Response(head.status_code, headers=headers, content=whole)

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in (*self._idle, *self._at_work):
            connection.close()
        self._idle.clear()

    def release(self, connection: "_Connection | None", *, is_done: bool) -> None:
        """A request is over: its connection serves another one, if the answer was heard to its end."""
        self._free.release()
        if connection is None:
            return
        self._at_work.discard(connection)
        if is_done and connection.rest():
            self._idle.append(connection)
        else:
            connection.close()

    async def _wait_for_place(self, limit: float | None) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(limit):
                await self._free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("every connection is at work") from None

    def _take(self) -> "_Connection | None":
        """The connection that rested last, if it is still good."""
        since = asyncio.get_running_loop().time() - self._idle_s
        while self._idle:
            connection = self._idle.pop()
            if connection.resting_since >= since and not connection.is_lost:
                return connection
            connection.close()
        return None

    async def _connect(self, limit: float | None) -> "_Connection":
        try:
            async with asyncio.timeout(limit):
                line = await _line_to(self._path)
                _, connection = await asyncio.get_running_loop().create_unix_connection(
                    _Connection, sock=line
                )
        except TimeoutError:
            raise httpx.ConnectTimeout("the socket did not answer in time") from None
        except OSError as error:
            raise httpx.ConnectError(error.strerror or "the socket cannot be reached") from None
        return connection


async def _line_to(path: str) -> socket.socket:
    """Connect. A listener whose queue is full takes the next one in a moment, and cannot be waited for but by asking again."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.setblocking(False)
        while True:
            try:
                line.connect(path)
            except BlockingIOError:
                await asyncio.sleep(FULL_QUEUE_PAUSE_S)
            else:
                return line
    except BaseException:
        line.close()
        raise


class _Connection(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self) -> None:
        self.is_lost = False
        self.resting_since = 0.0
        self._http = h11.Connection(h11.CLIENT)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ahead = 0
        self._is_paused = False
        self._is_resting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        # A cast, as uvloop's transports are not of asyncio's classes.
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._is_resting:
            # Nobody asked: what else it would say cannot be told from an answer.
            self.close()
            return
        self._http.receive_data(data)
        self._ahead += len(data)
        if self._ahead > READ_AHEAD_BYTES and not self._is_paused and self._transport is not None:
            self._transport.pause_reading()
            self._is_paused = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """See asyncio."""
        if not self.is_lost:
            self.is_lost = True
            self._http.receive_data(b"")
        self._wake()

    def send(self, request: httpx.Request, content: bytes) -> None:
        """Write a request. Raises httpx.LocalProtocolError for one that HTTP has no form for."""
        self._is_resting = False
        try:
            head = self._http.send(
                h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            )
            body = self._http.send(h11.Data(content)) if content else b""
            end = self._http.send(h11.EndOfMessage())
        except h11.LocalProtocolError:
            raise httpx.LocalProtocolError("the request is not one of HTTP") from None
        if self._transport is not None:
            self._transport.write((head or b"") + (body or b"") + (end or b""))

    async def head(self, limit: float | None) -> h11.Response:
        """Status and headers of the answer."""
        while True:
            event = await self._next(limit)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise httpx.RemoteProtocolError("the answer has no beginning")

    async def whole(self, limit: float | None) -> bytes:
        """The rest of an answer."""
        parts = bytearray()
        async for part in self.parts(limit):
            parts += part
            if len(parts) > MAX_ANSWER_BYTES:
                raise httpx.RemoteProtocolError("the answer is too long")
        return bytes(parts)

    async def parts(self, limit: float | None) -> AsyncIterator[bytes]:
        """The rest of an answer as it comes."""
        while True:
            event = await self._next(limit)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise httpx.RemoteProtocolError("the answer was broken off")

    def rest(self) -> bool:
        """The answer is over; whether another request may follow."""
        if self.is_lost or self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        self._is_resting = True
        self.resting_since = asyncio.get_running_loop().time()
        return True

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    async def _next(self, limit: float | None) -> object:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError:
                raise httpx.RemoteProtocolError("the answer is not one of HTTP, or was broken off") from None
            if event is not h11.NEED_DATA:
                return event
            self._ahead = 0
            await self._wait(limit)

    async def _wait(self, limit: float | None) -> None:
        """Until something came, or the connection is lost."""
        if self._is_paused and self._transport is not None:
            self._transport.resume_reading()
            self._is_paused = False
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit):
                await self._waiter
        except TimeoutError:
            raise httpx.ReadTimeout("nothing came in time") from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Body(httpx.AsyncByteStream):
    """An answer without a length, as it comes."""

    def __init__(self, transport: SocketTransport, connection: _Connection, limit: float | None) -> None:
        self._transport = transport
        self._connection = connection
        self._limit = limit
        self._is_done = False
        self._is_released = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._connection.parts(self._limit):
            yield part
        self._is_done = True

    async def aclose(self) -> None:
        """Whoever asked reads no more."""
        if not self._is_released:
            self._is_released = True
            self._transport.release(self._connection, is_done=self._is_done)
