"""One UDP port of a call as the loop reads and writes it: narrowed to its peer by the kernel once that is settled. It decides nothing."""

import ctypes
import socket
from ipaddress import ip_address
from typing import Final

from tonevault.cde.edge.relay.latch import Address

LARGEST_DATAGRAM: Final = 2048
"""RTP of a call stays below an Ethernet frame (1,500 octets); what is longer is cut off: it is no telephone audio."""
BACKLOG_LIMIT: Final = 1024
"""More datagrams than any socket's buffer holds at the kernel's default of 208 KiB."""

_C = ctypes.CDLL(None, use_errno=True)
_NOBODY: Final = ctypes.create_string_buffer(16)
"""A socket address of the family AF_UNSPEC, which is 0: connect(2) then dissolves the association. Python's own connect cannot say it."""


class MediaSocket:
    """A bound socket. Connected to its peer (connect(2) on UDP), it hears nobody else, is told no addresses and needs no look-up of the
    route: each packet costs a fifth less. It is *trusted* only when nothing can be left in it that came before it was connected."""

    __slots__ = ("_connected_to", "_is_bound_to_one", "socket", "trusted")

    def __init__(self, bound: socket.socket) -> None:
        bound.setblocking(False)
        self.socket = bound
        self.trusted: Address | None = None
        """Who alone can have sent what is read from here on; None: ask for the source of each datagram."""
        self._connected_to: Address | None = None
        # A socket that is bound to every address would, once connected, hear only at the one that routing prefers.
        self._is_bound_to_one = not ip_address(bound.getsockname()[0]).is_unspecified

    @property
    def narrows(self) -> bool:
        """Whether it is connected but may still hold older datagrams of others."""
        return self._connected_to is not None and self.trusted is None

    def settle(self, peer: Address | None) -> None:
        """Have the kernel refuse everybody but `peer`, or nobody any more. From one peer to another it takes two calls."""
        if peer == self._connected_to or not self._is_bound_to_one:
            return
        if self._connected_to is not None:
            self.trusted = self._connected_to = None
            _C.connect(self.socket.fileno(), _NOBODY, len(_NOBODY))
            return
        if peer is None:
            return
        try:
            self.socket.connect(peer)
        except OSError:
            # No route at the moment, say. The port goes on as it was, and is tried again.
            return
        self._connected_to = peer

    def trust(self) -> list[tuple[bytes, Address]]:
        """To be called a while after it was connected: gives back what had been waiting; from now on nobody's source is asked for."""
        waiting: list[tuple[bytes, Address]] = []
        for _ in range(BACKLOG_LIMIT):
            try:
                datagram, source = self.socket.recvfrom(LARGEST_DATAGRAM)
            except BlockingIOError:
                self.trusted = self._connected_to
                break
            except OSError:
                continue
            waiting.append((datagram, source[:2]))
        return waiting
