"""The door of a TLS listener: a peer that is not admitted is turned away before the first byte of its handshake is read."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from tonevault.cde.edge.sip_driver.limits import ACCEPT_PAUSE_S, HANDSHAKE_TIMEOUT_S, MAX_HANDSHAKES
from tonevault.cde.edge.sip_driver.stream_connection import StreamConnection
from tonevault.cde.wire.sip.peer import Peer, Transport


class TlsAcceptor:
    """Accepts on one listening socket, which it closes when it stops.

    The loop's own TLS server shakes hands with everybody first, and `start_tls` on uvloop can lose the first bytes of a fast peer.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        *,
        admits: Callable[[Peer], bool],
        accept: Callable[[Transport], StreamConnection],
    ) -> None:
        self._listening = listening
        self._context = context
        self._admits = admits
        self._accept = accept
        self._handshakes: set[asyncio.Task[None]] = set()
        self._task = asyncio.get_running_loop().create_task(self._accept_all())

    async def stop(self) -> None:
        """Close the listening socket and give up the handshakes under way."""
        tasks = [self._task, *self._handshakes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listening.close()

    async def _accept_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                wire, address = await loop.sock_accept(self._listening)
            except OSError:
                # The peer gave up already, or the process is out of file descriptors, which passes when others hang up.
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            peer = Peer(Transport.TLS, address[0], address[1])
            if len(self._handshakes) >= MAX_HANDSHAKES or not self._admits(peer):
                wire.close()
                continue
            task = loop.create_task(self._shake_hands(wire))
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, wire: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._accept(Transport.TLS),
                wire,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )
        except OSError:
            # Too slow, gone, or a certificate that we do not believe: ssl.SSLError and TimeoutError are OSErrors.
            wire.close()
