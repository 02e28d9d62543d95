"""One TCP or TLS connection: bytes to whole messages, keep-alives answered, slow and silent peers cut."""

import asyncio
from typing import Protocol, cast

from tonevault.cde.edge.sip_driver.limits import IDLE_TIMEOUT_S, MAX_UNSENT_BYTES, PARTIAL_MESSAGE_TIMEOUT_S
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.framing import StreamFramer
from tonevault.cde.wire.sip.peer import Peer, Transport


class ConnectionOwner(Protocol):
    """Whom a connection reports to."""

    def connection_opened(self, connection: "StreamConnection") -> bool:
        """Whether it may stay; its peer is known. Nothing has been read yet."""

    def message_received(self, connection: "StreamConnection", data: bytes) -> None:
        """One whole message came."""

    def connection_closed(self, connection: "StreamConnection") -> None:
        """It is gone."""


class StreamConnection(asyncio.Protocol):
    """The connection to `peer`. `target` is the peer as it was named when we opened it; None when the peer opened it."""

    def __init__(
        self, transport: Transport, owner: ConnectionOwner, now: float, target: Peer | None = None
    ) -> None:
        self.target = target
        self.peer = target or Peer(transport, "", 0)
        self._kind = transport
        self._owner = owner
        self._framer = StreamFramer()
        self._wire: asyncio.Transport | None = None
        self._admitted = False
        self._heard_at = self._moved_at = now
        self._has_spoken = target is not None

    @property
    def is_open(self) -> bool:
        """Whether it can be sent over."""
        return self._wire is not None and not self._wire.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection (over TLS, its handshake) is complete."""
        # A cast, as uvloop's transports are not of asyncio's classes.
        wire = self._wire = cast("asyncio.Transport", transport)
        address = transport.get_extra_info("peername")
        if address is None:
            wire.abort()
            return
        self.peer = Peer(self._kind, address[0], address[1])
        self._admitted = self._owner.connection_opened(self)
        if not self._admitted:
            wire.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if not self._admitted:
            return
        if self._framer.is_between_messages:
            self._heard_at = asyncio.get_running_loop().time()
        self._framer.receive(data)
        try:
            while (message := self._framer.next_message()) is not None:
                self._has_spoken = True
                self._heard_at = asyncio.get_running_loop().time()
                self._owner.message_received(self, message)
        except SipParseError:
            # The end of this message cannot be found, so neither can the start of the next one.
            self.close()
            return
        pings = self._framer.take_pings()
        if pings:
            self._has_spoken = True
            self.send(b"\r\n" * pings)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The connection is gone."""
        if self._admitted:
            self._owner.connection_closed(self)

    def send(self, data: bytes) -> None:
        """Send; a peer that leaves too much unread is cut."""
        if self._wire is None:
            return
        self._moved_at = asyncio.get_running_loop().time()
        self._wire.write(data)
        if self._wire.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self.abort()

    def is_stale(self, now: float) -> bool:
        """Whether the peer owes a message, or has kept quiet, for too long."""
        owes = not self._has_spoken or not self._framer.is_between_messages
        if owes and now - self._heard_at > PARTIAL_MESSAGE_TIMEOUT_S:
            return True
        return now - max(self._heard_at, self._moved_at) > IDLE_TIMEOUT_S

    def close(self) -> None:
        """Close once what was written has gone out."""
        if self._wire is not None:
            self._wire.close()

    def abort(self) -> None:
        """Close at once."""
        if self._wire is not None:
            self._wire.abort()
