"""The asyncio protocol of one UDP listener."""

import asyncio
from collections.abc import Callable
from typing import cast

from tonevault.cde.wire.sip.peer import Peer, Transport


class DatagramSocket(asyncio.DatagramProtocol):
    """Hands datagrams on with their peer, and sends. Datagrams without a message (keep-alives, RFC 5626 section 4.4.1) are left out."""

    def __init__(self, receive: Callable[["DatagramSocket", bytes, Peer], None]) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is bound."""
        # A cast, as uvloop's transports are not of asyncio's classes.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A datagram came."""
        if data.strip(b"\r\n\x00"):
            self._receive(self, data, Peer(Transport.UDP, addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error about some earlier datagram. It does not say which, so the transactions' own timers decide."""

    def send(self, data: bytes, host: str, port: int) -> None:
        """Send to an IP address."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, (host, port))

    def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()
