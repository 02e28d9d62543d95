"""The UDP sockets of a worker's calls: which have a lane, and what is read and sent where there is none. It decides nothing; the engine
does."""

import select
import socket
from collections import deque
from collections.abc import Iterable
from typing import Final

from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.lanes import NO_CONTROL, Lanes
from tonevault.cde.edge.relay.media_socket import LARGEST_DATAGRAM, MediaSocket

SETTLE_EVERY_S: Final = 0.25
"""How often the sockets of a call are narrowed to peers that have settled, and opened for those that fell silent. It takes two rounds until
a call has lanes, and until then each packet costs thrice as much."""
HEARD_LATELY_S: Final = 1.0
"""A peer that was heard in this time has not fallen silent: half of `latch.SILENCE_S`."""
SETTLED_AT_ONCE: Final = 8
"""Calls of which this is looked after in one turn: 6 µs while their peers speak, so that nobody's voice waits for it."""


class CallSockets:
    """Known by their file descriptors, which are also the engine's numbers for them. Between two peers that have settled, a socket has a
    *lane*: what comes to it and is plainly the next packet is read, renumbered and sent by the compiled loop alone."""

    def __init__(
        self, engine: MediaEngine, poller: select.epoll, now: float, control: int = NO_CONTROL
    ) -> None:
        self.lanes = Lanes(poller.fileno(), control)
        self.calls: dict[int, tuple[int, ...]] = {}
        """The descriptors of each call: RTP and RTCP of the customer, then of the agent."""
        self.settle_at = now + SETTLE_EVERY_S
        """When `settle` is due."""
        self._to_settle: deque[int] = deque()
        """All calls, in the order in which they have their turn to be settled."""
        self._engine = engine
        self._poller = poller
        self._sockets: dict[int, MediaSocket] = {}
        self._received = self._sent = self._failures = 0
        """Datagrams so far, beside those of the lanes."""

    @property
    def received(self) -> int:
        """Datagrams so far."""
        return self._received + self.lanes.received

    @property
    def sent(self) -> int:
        """Datagrams so far."""
        return self._sent + self.lanes.sent

    @property
    def failures(self) -> int:
        """Datagrams that the kernel refused to send."""
        return self._failures + self.lanes.failures

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
            self.lanes.lift(number)
            self._sockets.pop(number).socket.close()

    def open_up(self, call: int, now: float) -> None:
        """Something else was negotiated: whoever may speak now must be heard at once."""
        customer_rtp, _, agent_rtp, _ = self.calls[call]
        for descriptor in (customer_rtp, agent_rtp):
            one = self._sockets[descriptor]
            if one.narrows or one.trusted is not None:
                one.settle(self._engine.settled_on(descriptor, now))
        self._lay_lanes(customer_rtp, agent_rtp)

    def take(self, left: Iterable[tuple[int, memoryview | None]], now: float) -> None:
        """What the lanes left: have the engine look at it, and send what comes of it."""
        for descriptor, datagram in left:
            if datagram is None:
                self._receive(descriptor, now)
            else:
                source = self._sockets[descriptor].trusted
                if source is not None:  # No lane is laid where it is unknown.
                    self._engine.receive(descriptor, bytes(datagram), source, now)
        if self._engine.outbox:
            self.send()

    def _receive(self, descriptor: int, now: float) -> None:
        """Read a datagram of a socket without a lane. The descriptor may be none of ours, or of a call that ended meanwhile."""
        one = self._sockets.get(descriptor)
        if one is None:
            return
        try:
            datagram, source = one.socket.recvfrom(LARGEST_DATAGRAM)
        except OSError:
            return
        self._received += 1
        self._engine.receive(descriptor, datagram, source[:2], now)

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
        self._sent += len(outbox)
        outbox.clear()

    def _send_again(self, one: MediaSocket, datagram: bytes, error: OSError) -> None:
        """A connected socket tells with the next send of an ICMP message that came before it, and sends nothing. Whoever can forge such
        messages must not be able to take packets away by them."""
        try:
            if isinstance(error, ConnectionRefusedError) and one.trusted is not None:
                one.socket.send(datagram)
                return
        except OSError:
            pass
        self._failures += 1

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
        lately = now - HEARD_LATELY_S
        if self.lanes.heard_since(customer_rtp, lately) and self.lanes.heard_since(agent_rtp, lately):
            return
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
                self.lanes.lift(descriptor)
            else:
                self.lanes.lay(descriptor, path.track, other)
