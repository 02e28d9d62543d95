"""The UDP sockets of a worker's calls: datagrams read, carried and sent, with as little as can be for each. It decides nothing; the engine
does."""

import select
import socket
from typing import Final

from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.media_socket import LARGEST_DATAGRAM, MediaSocket

SETTLE_EVERY_S: Final = 1.0
"""How often sockets are narrowed to peers that have settled, and opened for those that fell silent."""


class CallSockets:
    """Known by their file descriptors, which are also the engine's numbers for them."""

    def __init__(self, engine: MediaEngine, poller: select.epoll, now: float) -> None:
        self.calls: dict[int, tuple[int, ...]] = {}
        """The descriptors of each call: RTP and RTCP of the customer, then of the agent."""
        self.received = 0
        self.sent = 0
        """Datagrams so far."""
        self.failures = 0
        """Datagrams that the kernel refused to send."""
        self.settle_at = now + SETTLE_EVERY_S
        """When `settle` is due."""
        self._engine = engine
        self._poller = poller
        self._sockets: dict[int, MediaSocket] = {}
        self._buffer = bytearray(LARGEST_DATAGRAM)
        """Each datagram is read here, made what is sent, and sent from here: nothing is made for it."""
        whole = memoryview(self._buffer)
        self._views = [whole[:length] for length in range(LARGEST_DATAGRAM + 1)]
        """The buffer's beginnings of every length."""

    def open(self, call: int, sockets: list[socket.socket], now: float) -> None:
        """A new call, with the sockets that the controller bound for it."""
        numbers = tuple(one.fileno() for one in sockets)
        customer_rtp, customer_rtcp, agent_rtp, agent_rtcp = numbers
        for one in sockets:
            self._sockets[one.fileno()] = MediaSocket(one)
            self._poller.register(one.fileno(), select.EPOLLIN)
        self.calls[call] = numbers
        self._engine.open(
            call, LegSockets(customer_rtp, customer_rtcp), LegSockets(agent_rtp, agent_rtcp), now
        )

    def close(self, call: int) -> None:
        """The call is over."""
        for number in self.calls.pop(call):
            self._poller.unregister(number)
            self._sockets.pop(number).socket.close()

    def open_up(self, call: int, now: float) -> None:
        """Something else was negotiated: whoever may speak now must be heard at once."""
        customer_rtp, _, agent_rtp, _ = self.calls[call]
        for descriptor in (customer_rtp, agent_rtp):
            one = self._sockets[descriptor]
            one.path = self._engine.direct_path(descriptor)
            if one.narrows or one.trusted is not None:
                one.settle(self._engine.settled_on(descriptor, now))

    def serve(self, ready: list[tuple[int, int]], now: float) -> None:
        """Read a datagram of each socket that has one, and send what comes of it."""
        sockets, buffer, views = self._sockets, self._buffer, self._views
        for descriptor, _ in ready:
            one = sockets.get(descriptor)
            if one is None:
                continue
            try:
                if one.trusted is not None:
                    length, source = one.read(buffer), one.trusted
                else:
                    length, source = one.socket.recvfrom_into(buffer)
            except OSError:
                continue
            self.received += 1
            path = one.path
            if path is None or source != path.source or not path.forward(buffer, length, now):
                self._engine.receive(descriptor, bytes(views[length]), source[:2], now)
                continue
            other = sockets[path.outlet]
            try:
                if other.trusted is not None:
                    other.write(views[length])
                elif path.target is not None:
                    other.socket.sendto(views[length], path.target)
            except OSError as error:
                self._send_again(other, views[length], error)
            self.sent += 1
        self.send()

    def send(self) -> None:
        """Send what the engine has put into its outbox."""
        outbox, sockets = self._engine.outbox, self._sockets
        for descriptor, datagram, target in outbox:
            one = sockets[descriptor]
            try:
                if one.trusted == target:
                    one.socket.send(datagram)
                else:
                    one.socket.sendto(datagram, target)
            except OSError as error:
                self._send_again(one, datagram, error)
        self.sent += len(outbox)
        outbox.clear()

    def _send_again(self, one: MediaSocket, datagram: bytes | memoryview, error: OSError) -> None:
        """A connected socket tells with the next send of an ICMP message that came before it, and sends nothing. Whoever can forge such
        messages must not be able to take packets away by them."""
        try:
            if isinstance(error, ConnectionRefusedError) and one.trusted is not None:
                one.socket.send(datagram)
                return
        except OSError:
            pass
        self.failures += 1

    def settle(self, now: float) -> None:
        """Narrow sockets to peers that have settled: connect one, and trust it the next time, when what came before has been read."""
        self.settle_at = now + SETTLE_EVERY_S
        for customer_rtp, _, agent_rtp, _ in self.calls.values():
            for descriptor in (customer_rtp, agent_rtp):
                one = self._sockets[descriptor]
                connected_before = one.narrows
                one.settle(self._engine.settled_on(descriptor, now))
                if connected_before and one.narrows:
                    for datagram, source in one.trust():
                        self._engine.receive(descriptor, datagram, source, now)
        self.send()
