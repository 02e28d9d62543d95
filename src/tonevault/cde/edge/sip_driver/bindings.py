"""The bound listeners, and which of them a peer is spoken to from."""

import asyncio
import socket
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tonevault.cde.edge.sip_driver.datagram_socket import DatagramSocket
from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.edge.sip_driver.limits import MAX_REMEMBERED_PEERS, ROUTE_CACHE_S
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.listening_socket import open_listening_socket
from tonevault.cde.edge.sip_driver.names import is_address
from tonevault.cde.edge.sip_driver.stream_connection import StreamConnection
from tonevault.cde.edge.sip_driver.tls_acceptor import TlsAcceptor
from tonevault.cde.wire.sip.peer import Address, Peer, Transport


@dataclass(frozen=True, slots=True)
class Binding:
    """One listener on its socket, with the address and port that it really has."""

    listener: Listener
    host: str
    port: int
    datagrams: DatagramSocket | None = None
    server: asyncio.Server | None = None
    tls: TlsAcceptor | None = None

    async def close(self) -> None:
        """Close the socket."""
        if self.datagrams is not None:
            self.datagrams.close()
        if self.server is not None:
            self.server.close()
        if self.tls is not None:
            await self.tls.stop()


class Bindings:
    """All bound listeners of a driver."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        server_tls: ssl.SSLContext | None,
        receive: Callable[[DatagramSocket, bytes, Peer], None],
        accept: Callable[[Transport], StreamConnection],
        admits: Callable[[Peer], bool],
    ) -> None:
        self._listeners = listeners
        self._server_tls = server_tls
        self._receive = receive
        self._accept = accept
        self._admits = admits
        self._bound: list[Binding] = []
        self._seen: OrderedDict[Peer, Binding] = OrderedDict()
        self._own_hosts: OrderedDict[str, tuple[float, str]] = OrderedDict()

    async def start(self) -> None:
        """Bind all listeners, or none. Raises ListenerError naming the listener and the way out."""
        try:
            for listener in self._listeners:
                self._bound.append(await self._bind(listener))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close all sockets."""
        for binding in self._bound:
            await binding.close()
        self._bound.clear()
        self._seen.clear()
        # A closed datagram transport lets go of its port on the next turn of the loop.
        await asyncio.sleep(0)

    def heard(self, datagrams: DatagramSocket, peer: Peer) -> None:
        """Remember that this peer writes to this socket: it is answered from there (RFC 3581 section 4)."""
        if peer in self._seen:
            return
        for binding in self._bound:
            if binding.datagrams is datagrams:
                self._seen[peer] = binding
                if len(self._seen) > MAX_REMEMBERED_PEERS:
                    self._seen.popitem(last=False)

    def choose(self, peer: Peer) -> Binding:
        """The listener to speak to this peer from. Raises ListenerError when there is none for its transport."""
        candidates = [binding for binding in self._bound if binding.listener.transport is peer.transport]
        if not candidates:
            name = peer.transport.value.lower()
            raise ListenerError(
                f"no {name} listener is running, so no peer is reached over {name}; add one, such as {name}:0.0.0.0:0"
            )
        if len(candidates) == 1:
            return candidates[0]
        seen = self._seen.get(peer)
        if seen is not None:
            return seen
        fitting = [
            binding for binding in candidates if _is_ipv6(binding.host) == _is_ipv6(peer.host)
        ] or candidates
        ours = self._own_host(peer)
        return next((binding for binding in fitting if binding.host == ours), fitting[0])

    def can_send_to(self, address: str) -> bool:
        """Whether a UDP listener is of this address's family."""
        return any(
            binding.datagrams is not None and _is_ipv6(binding.host) == _is_ipv6(address)
            for binding in self._bound
        )

    def address(self, peer: Peer) -> Address:
        """What stands in Via and Contact towards this peer."""
        binding = self.choose(peer)
        listener = binding.listener
        host = (
            listener.advertised_host
            or (self._own_host(peer) if listener.is_wildcard else "")
            or listener.host
        )
        return Address(host, binding.port)

    def _own_host(self, peer: Peer) -> str:
        """See own_host; believed for a while, as every request asks and routes seldom change."""
        known = self._own_hosts.get(peer.host)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        found = own_host(peer)
        self._own_hosts[peer.host] = (time.monotonic() + ROUTE_CACHE_S, found)
        self._own_hosts.move_to_end(peer.host)
        if len(self._own_hosts) > MAX_REMEMBERED_PEERS:
            self._own_hosts.popitem(last=False)
        return found

    def addresses(self) -> list[tuple[Listener, int]]:
        """Each listener with the port that it really has."""
        return [(binding.listener, binding.port) for binding in self._bound]

    async def _bind(self, listener: Listener) -> Binding:
        if listener.transport is Transport.TLS and self._server_tls is None:
            raise ListenerError(
                f"{listener.text()}: a TLS listener needs a certificate and a key; configure both, or leave it out"
            )
        opened = await open_listening_socket(listener)
        host, port = opened.getsockname()[:2]
        loop = asyncio.get_running_loop()
        try:
            if listener.transport is Transport.UDP:
                _, datagrams = await loop.create_datagram_endpoint(
                    lambda: DatagramSocket(self._receive), sock=opened
                )
                return Binding(listener, host, port, datagrams=datagrams)
            if self._server_tls is not None and listener.transport is Transport.TLS:
                acceptor = TlsAcceptor(opened, self._server_tls, admits=self._admits, accept=self._accept)
                return Binding(listener, host, port, tls=acceptor)
            server = await loop.create_server(lambda: self._accept(listener.transport), sock=opened)
        except BaseException:
            opened.close()
            raise
        return Binding(listener, host, port, server=server)


def _is_ipv6(host: str) -> bool:
    return ":" in host


def own_host(peer: Peer) -> str:
    """The address that the machine's routes would use towards this peer; "" when that cannot be told without the resolver."""
    if not is_address(peer.host):
        return ""
    family = socket.AF_INET6 if _is_ipv6(peer.host) else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket asks the routing table and sends nothing.
            probe.connect((peer.host, peer.port))
        except OSError:
            return ""
        return str(probe.getsockname()[0])
