"""The UDP sockets of a worker's calls: datagrams read, carried and sent, with as little as can be for each. It decides nothing; the engine
does."""

import select
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.latch import Address
from tonevault.cde.edge.relay.media_socket import LARGEST_DATAGRAM, MediaSocket

SETTLE_EVERY_S: Final = 1.0
"""How often the sockets of a call are narrowed to peers that have settled, and opened for those that fell silent."""
SETTLED_AT_ONCE: Final = 8
"""Calls of which this is looked after in one turn: some 10 µs, so that nobody's voice waits for it."""

Lane = tuple[Callable[[bytearray], int], Callable[[bytearray, int, float], bool], MediaSocket, Address]
"""What a packet meets between two settled peers: the reading, the direct path, and the socket that its hearer is connected to. Last, who
alone can have sent it."""


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
        self._to_settle: deque[int] = deque()
        """All calls, in the order in which they have their turn to be settled."""
        self._engine = engine
        self._poller = poller
        self._sockets: dict[int, MediaSocket] = {}
        self._lanes: dict[int, Lane] = {}
        """By the descriptor that is read."""
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
        self._to_settle.append(call)
        self._engine.open(
            call, LegSockets(customer_rtp, customer_rtcp), LegSockets(agent_rtp, agent_rtcp), now
        )

    def close(self, call: int) -> None:
        """The call is over."""
        self._to_settle.remove(call)
        for number in self.calls.pop(call):
            self._poller.unregister(number)
            self._lanes.pop(number, None)
            self._sockets.pop(number).socket.close()

    def open_up(self, call: int, now: float) -> None:
        """Something else was negotiated: whoever may speak now must be heard at once."""
        customer_rtp, _, agent_rtp, _ = self.calls[call]
        for descriptor in (customer_rtp, agent_rtp):
            one = self._sockets[descriptor]
            if one.narrows or one.trusted is not None:
                one.settle(self._engine.settled_on(descriptor, now))
        self._lay_lanes(customer_rtp, agent_rtp)

    def serve(self, ready: list[tuple[int, int]], now: float) -> None:
        """Read a datagram of each socket that has one, and send what comes of it."""
        lanes, buffer, views = self._lanes, self._buffer, self._views
        carried = 0
        for descriptor, _ in ready:
            lane = lanes.get(descriptor)
            if lane is None:
                self._receive(descriptor, now)
                continue
            read, forward, hearer, source = lane
            try:
                length = read(buffer)
            except OSError:
                continue
            if not forward(buffer, length, now):
                self._take(descriptor, length, source, now)
                continue
            carried += 1
            try:
                hearer.write(views[length])
            except OSError as error:
                self._send_again(hearer, views[length], error)
        self.received += carried
        self.sent += carried
        if self._engine.outbox:
            self.send()

    def _receive(self, descriptor: int, now: float) -> None:
        """Read a datagram of a socket without a lane. The descriptor may be none of ours, or of a call that ended meanwhile."""
        one = self._sockets.get(descriptor)
        if one is None:
            return
        try:
            length, source = one.socket.recvfrom_into(self._buffer)
        except OSError:
            return
        self._take(descriptor, length, source, now)

    def _take(self, descriptor: int, length: int, source: Address, now: float) -> None:
        """Have the engine look at what was read."""
        self.received += 1
        self._engine.receive(descriptor, bytes(self._views[length]), source[:2], now)

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
        """Look after some calls, so that each has its turn in every round of SETTLE_EVERY_S."""
        calls = len(self._to_settle)
        self.settle_at = now + SETTLE_EVERY_S * SETTLED_AT_ONCE / max(calls, SETTLED_AT_ONCE)
        for _ in range(min(calls, SETTLED_AT_ONCE)):
            self._settle_call(self._to_settle[0], now)
            self._to_settle.rotate(-1)
        self.send()

    def _settle_call(self, call: int, now: float) -> None:
        """Narrow sockets to peers that have settled: connect one, and trust it the next time, when what came before has been read."""
        customer_rtp, _, agent_rtp, _ = self.calls[call]
        for descriptor in (customer_rtp, agent_rtp):
            one = self._sockets[descriptor]
            connected_before = one.narrows
            one.settle(self._engine.settled_on(descriptor, now))
            if connected_before and one.narrows:
                for datagram, source in one.trust():
                    self._engine.receive(descriptor, datagram, source, now)
        self._lay_lanes(customer_rtp, agent_rtp)

    def _lay_lanes(self, customer_rtp: int, agent_rtp: int) -> None:
        """Between two legs whose sockets are trusted, of a call whose packets may be carried in place."""
        for descriptor, other in ((customer_rtp, agent_rtp), (agent_rtp, customer_rtp)):
            one, hearer = self._sockets[descriptor], self._sockets[other]
            path, source = self._engine.direct_path(descriptor), one.trusted
            if path is None or source is None or source != path.source or hearer.trusted is None:
                self._lanes.pop(descriptor, None)
            else:
                self._lanes[descriptor] = (one.read, path.forward, hearer, source)
