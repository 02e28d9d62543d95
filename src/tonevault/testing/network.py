"""A seeded network in simulated time: it carries SIP between stacks, and loses, delays and reorders datagrams as one number says."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tonevault.cde.wire.sip.events import ClientKey, ServerKey, SipEvent
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Address, Peer, Transport
from tonevault.cde.wire.sip.stack import SipStack

MAX_STEPS: Final = 200_000
"""More happens in no play; a loop that sends for ever stops here with an error."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What the network does to datagrams: the share it loses, and the least and greatest delay in seconds. Streams lose nothing."""

    loss: float = 0.0
    min_delay_s: float = 0.01
    max_delay_s: float = 0.02


class SimulatedNetwork:
    """Hosts by address, one clock for all. The same seed and the same plays give the same bytes at the same times."""

    def __init__(self, seed: int, weather: Weather | None = None) -> None:
        self.random = random.Random(seed)  # noqa: S311 - simulation, not secrets
        self.weather = weather or Weather()
        self.now = 0.0
        self.sent: list[tuple[float, Peer, Peer, bytes]] = []
        """Every message put on the wire: when, from whom, to whom. Lost ones are here too."""
        self._hosts: dict[tuple[str, int], SimulatedHost] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._last_on_stream: dict[tuple[Peer, Peer], float] = {}

    def attach(self, host: "SimulatedHost") -> None:
        """Give a host its address."""
        self._hosts[host.host, host.port] = host

    def detach(self, host: "SimulatedHost") -> None:
        """Pull the plug: nothing reaches the host any more, and its timers stand still."""
        self._hosts.pop((host.host, host.port), None)

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Do something at a time."""
        heapq.heappush(self._agenda, (moment, next(self._order), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something in a while."""
        self.at(self.now + seconds, act)

    def carry(self, source: "SimulatedHost", target: Peer, data: bytes) -> None:
        """Take a message from a host: it arrives later, or never."""
        sender = Peer(target.transport, source.host, source.port)
        self.sent.append((self.now, sender, target, data))
        weather = self.weather
        moment = self.now + self.random.uniform(weather.min_delay_s, weather.max_delay_s)
        if target.transport.is_stream:
            moment = max(moment, self._last_on_stream.get((sender, target), 0.0))
            self._last_on_stream[sender, target] = moment
        elif self.random.random() < weather.loss:
            return
        self.at(moment, lambda: self._arrive(sender, target, data))

    def _arrive(self, sender: Peer, target: Peer, data: bytes) -> None:
        host = self._hosts.get((target.host, target.port))
        if host is not None:
            host.receive(data, sender)

    def run(self, seconds: float) -> None:
        """Let this much time pass."""
        end = self.now + seconds
        for _ in range(MAX_STEPS):
            timers = [(due, host) for host in self._hosts.values() if (due := host.next_timer()) is not None]
            timer, host = min(timers, key=lambda entry: entry[0], default=(None, None))
            event = self._agenda[0][0] if self._agenda else None
            due = min((moment for moment in (timer, event) if moment is not None), default=None)
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            if event is not None and event == due:
                heapq.heappop(self._agenda)[2]()
            elif host is not None:
                host.tick()
        raise RuntimeError("simulated network: too many steps; something sends for ever")


class SimulatedHost:
    """A SipStack on the network, with the verbs of the real driver. `on_event` hears what its stack says.

    `owner_timer` and `on_owner_timer` wake an owner that waits for times of its own.
    """

    def __init__(self, network: SimulatedNetwork, host: str, port: int = 5060) -> None:
        self.network = network
        self.host = host
        self.port = port
        self.on_event: Callable[[SipEvent], None] = lambda _: None
        self.stack = SipStack(entropy=network.random.randbytes, local_address=self.local_address)
        self.owner_timer: Callable[[], float | None] = lambda: None
        self.on_owner_timer: Callable[[float], None] = lambda _: None
        self._pumping = False
        network.attach(self)

    def peer(self, transport: Transport = Transport.UDP) -> Peer:
        """This host as others address it."""
        return Peer(transport, self.host, self.port)

    def local_address(self, peer: Peer) -> Address:  # noqa: ARG002 - one address for everyone
        """The one address of this host."""
        return Address(self.host, self.port)

    def now(self) -> float:
        """The network's time."""
        return self.network.now

    def new_tag(self) -> str:
        """See SipStack.new_tag."""
        return self.stack.new_tag()

    def new_call_id(self) -> str:
        """See SipStack.new_call_id."""
        return self.stack.new_call_id()

    def send_request(self, request: Request, peer: Peer) -> ClientKey:
        """See SipStack.send_request."""
        key = self.stack.send_request(request, peer, self.network.now)
        self._pump_later()
        return key

    def send_ack(self, request: Request, peer: Peer) -> None:
        """See SipStack.send_ack."""
        self.stack.send_ack(request, peer, self.network.now)
        self._pump_later()

    def cancel(self, key: ClientKey) -> None:
        """See SipStack.cancel."""
        self.stack.cancel(key, self.network.now)
        self._pump_later()

    def respond(self, key: ServerKey, response: Response) -> None:
        """See SipStack.respond."""
        self.stack.respond(key, response, self.network.now)
        self._pump_later()

    def receive(self, data: bytes, peer: Peer) -> None:
        """A message arrived."""
        self.stack.receive(data, peer, self.network.now)
        self._pump()

    def next_timer(self) -> float | None:
        """When the stack or its owner wants to be woken."""
        due = [moment for moment in (self.stack.next_timer(), self.owner_timer()) if moment is not None]
        return min(due, default=None)

    def tick(self) -> None:
        """A timer is due."""
        self.stack.handle_timers(self.network.now)
        self._pump()
        self.on_owner_timer(self.network.now)

    def _pump_later(self) -> None:
        if not self._pumping:
            self._pump()

    def _pump(self) -> None:
        """Carry out what the stack wants, until it wants nothing more; verbs called meanwhile only add to it."""
        self._pumping = True
        try:
            while True:
                while (datagram := self.stack.next_datagram()) is not None:
                    self.network.carry(self, *datagram)
                event = self.stack.next_event()
                if event is None:
                    return
                self.on_event(event)
        finally:
            self._pumping = False
