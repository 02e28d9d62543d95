"""All TCP and TLS connections: found by peer, opened when needed, reused, bounded, swept (RFC 3261 section 18, after RFC 5923)."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from tonevault.cde.edge.sip_driver.limits import (
    CONNECT_TIMEOUT_S,
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_A_SOURCE,
    MAX_PENDING_BYTES,
    SWEEP_INTERVAL_S,
)
from tonevault.cde.edge.sip_driver.stream_connection import StreamConnection
from tonevault.cde.wire.sip.peer import Peer, Transport

ClientTls = Callable[[Peer], ssl.SSLContext]
"""The TLS context for a connection to this peer."""


class ConnectionsOwner(Protocol):
    """Whom the connections report to."""

    def admits(self, peer: Peer) -> bool:
        """Whether this peer may connect to us."""

    def stream_message(self, data: bytes, peer: Peer) -> None:
        """One whole message came from this peer."""

    def stream_failed(self, peer: Peer) -> None:
        """No connection to this peer could be made, or it broke."""


class Connections:
    """The connections of one driver. A peer is reached over whatever connection to it is open, whoever opened it."""

    def __init__(self, owner: ConnectionsOwner, client_tls: ClientTls) -> None:
        self._owner = owner
        self._client_tls = client_tls
        self._by_peer: dict[Peer, StreamConnection] = {}
        self._all: set[StreamConnection] = set()
        self._pending: dict[Peer, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweep_handle: asyncio.TimerHandle | None = None
        self._closing = False
        self._of_source: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._all)

    def start(self) -> None:
        """Begin to sweep."""
        self._closing = False
        self._sweep_handle = asyncio.get_running_loop().call_later(SWEEP_INTERVAL_S, self._sweep)

    def accept(self, transport: Transport) -> StreamConnection:
        """The protocol for a connection that a peer opens to a listener of ours."""
        return StreamConnection(transport, self, asyncio.get_running_loop().time())

    def send(self, peer: Peer, data: bytes) -> None:
        """Send over the open connection to this peer, or over a new one; a failure is reported later, never raised."""
        connection = self._by_peer.get(peer)
        if connection is not None and connection.is_open:
            connection.send(data)
            return
        waiting = self._pending.get(peer)
        if waiting is None:
            self._pending[peer] = [data]
            task = asyncio.get_running_loop().create_task(self._connect(peer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif sum(map(len, waiting)) + len(data) <= MAX_PENDING_BYTES:
            waiting.append(data)

    async def stop(self) -> None:
        """Close all connections and give up those in the making."""
        self._closing = True
        if self._sweep_handle is not None:
            self._sweep_handle.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in list(self._all):
            connection.abort()
        self._pending.clear()
        # An aborted transport tells its protocol on the next turn of the loop; a TLS one takes two.
        for _ in range(3):
            await asyncio.sleep(0)

    def connection_opened(self, connection: StreamConnection) -> bool:
        """See ConnectionOwner."""
        ours = connection.target is not None
        host = connection.peer.host
        if self._closing or len(self._all) >= MAX_CONNECTIONS:
            return False
        if not ours and (
            self._of_source[host] >= MAX_CONNECTIONS_A_SOURCE or not self._owner.admits(connection.peer)
        ):
            return False
        self._all.add(connection)
        self._of_source[host] += 1
        self._by_peer[connection.peer] = connection
        if connection.target is not None:
            self._by_peer[connection.target] = connection
        return True

    def message_received(self, connection: StreamConnection, data: bytes) -> None:
        """See ConnectionOwner."""
        self._owner.stream_message(data, connection.peer)

    def connection_closed(self, connection: StreamConnection) -> None:
        """See ConnectionOwner."""
        self._all.discard(connection)
        self._of_source[connection.peer.host] -= 1
        if not self._of_source[connection.peer.host]:
            del self._of_source[connection.peer.host]
        for name in dict.fromkeys((connection.peer, connection.target or connection.peer)):
            if self._by_peer.get(name) is connection:
                del self._by_peer[name]
                if not self._closing:
                    self._owner.stream_failed(name)

    async def _connect(self, peer: Peer) -> None:
        loop = asyncio.get_running_loop()
        tls = self._client_tls(peer) if peer.transport is Transport.TLS else None
        opening = loop.create_connection(
            lambda: StreamConnection(peer.transport, self, loop.time(), peer),
            peer.host,
            peer.port,
            ssl=tls,
            server_hostname=peer.host if tls else None,
        )
        try:
            _, connection = await asyncio.wait_for(opening, CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError, ssl.SSLError, UnicodeError):
            # Refused, unreachable, unresolved, too slow, or a certificate that we do not believe.
            connection = None
        waiting = self._pending.pop(peer, [])
        if connection is None or not connection.is_open:
            self._owner.stream_failed(peer)
            return
        for data in waiting:
            connection.send(data)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in [known for known in self._all if known.is_stale(now)]:
            connection.abort()
        self._sweep_handle = loop.call_later(SWEEP_INTERVAL_S, self._sweep)
