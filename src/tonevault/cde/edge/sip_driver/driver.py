"""Runs a SipStack on sockets: one timer, the listeners, and the connections. The owner sees events and calls verbs."""

import asyncio
import logging
import ssl
import traceback
from collections.abc import Callable, Sequence

from tonevault.cde.edge.sip_driver.bindings import Bindings
from tonevault.cde.edge.sip_driver.connections import ClientTls, Connections
from tonevault.cde.edge.sip_driver.datagram_socket import DatagramSocket
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.names import Names
from tonevault.cde.edge.sip_driver.tls import TlsTrust
from tonevault.cde.edge.sip_driver.trace import summarise
from tonevault.cde.wire.sip.events import ClientKey, ServerKey, SipEvent
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Address, Entropy, Peer, Transport
from tonevault.cde.wire.sip.stack import SipStack
from tonevault.cde.wire.sip.timings import Timings

Admit = Callable[[Peer], bool]
"""Says whether anything of this peer is read at all; asked before parsing, for every datagram and every new connection."""

_logger = logging.getLogger(__name__)


class SipDriver:
    """Owns the sockets and the stack. Everything runs on one event loop; the callbacks are synchronous and must not block."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        on_event: Callable[[SipEvent], None],
        entropy: Entropy,
        admit: Admit,
        server_tls: ssl.SSLContext | None = None,
        client_tls: ClientTls | None = None,
        timings: Timings | None = None,
    ) -> None:
        """`client_tls` chooses the context for a connection of ours; left out, peers need a certificate that the system believes."""
        self._on_event = on_event
        self._admit = admit
        self._connections = Connections(self, client_tls or TlsTrust().context_for)
        self._bindings = Bindings(
            listeners,
            server_tls=server_tls,
            receive=self._datagram_received,
            accept=self._connections.accept,
            admits=admit,
        )
        self._names = Names(self._bindings.can_send_to)
        self._stack = SipStack(entropy=entropy, local_address=self._bindings.address, timings=timings)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._pumping = False
        self._running = False

    async def start(self) -> None:
        """Bind all listeners, or none. Raises ListenerError naming the one that failed and the way out."""
        self._running = True
        self._loop = asyncio.get_running_loop()
        try:
            await self._bindings.start()
        except BaseException:
            self._running = False
            raise
        self._connections.start()

    async def stop(self) -> None:
        """Close every socket; what was not sent is given up. No event comes any more."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._armed_for = None
        await self._names.stop()
        await self._connections.stop()
        await self._bindings.stop()

    def addresses(self) -> list[tuple[Listener, int]]:
        """Each listener with the port that it really has: what a listener with port 0 got."""
        return self._bindings.addresses()

    def local_address(self, peer: Peer) -> Address:
        """The address of ours by which this peer reaches us, for Contact. Raises ListenerError when none speaks its transport."""
        return self._bindings.address(peer)

    def now(self) -> float:
        """The monotonic time that the stack runs on, in seconds."""
        # Finding the running loop takes longer than reading its clock, and every message asks several times.
        return (self._loop or asyncio.get_running_loop()).time()

    def new_tag(self) -> str:
        """See SipStack.new_tag."""
        return self._stack.new_tag()

    def new_call_id(self) -> str:
        """See SipStack.new_call_id."""
        return self._stack.new_call_id()

    def send_request(self, request: Request, peer: Peer) -> ClientKey:
        """See SipStack.send_request; raises ListenerError as well. May be called from within `on_event`, as may all verbs."""
        key = self._stack.send_request(request, peer, self.now())
        self._pump()
        return key

    def send_ack(self, request: Request, peer: Peer) -> None:
        """See SipStack.send_ack."""
        self._stack.send_ack(request, peer, self.now())
        self._pump()

    def cancel(self, key: ClientKey) -> None:
        """See SipStack.cancel."""
        self._stack.cancel(key, self.now())
        self._pump()

    def respond(self, key: ServerKey, response: Response) -> None:
        """See SipStack.respond."""
        self._stack.respond(key, response, self.now())
        self._pump()

    def admits(self, peer: Peer) -> bool:
        """See ConnectionsOwner."""
        return self._admit(peer)

    def stream_message(self, data: bytes, peer: Peer) -> None:
        """See ConnectionsOwner."""
        self._receive(data, peer)

    def stream_failed(self, peer: Peer) -> None:
        """See ConnectionsOwner."""
        self._stack.transport_failed(peer, self.now())
        self._pump()

    def _datagram_received(self, datagrams: DatagramSocket, data: bytes, peer: Peer) -> None:
        if self._admit(peer):
            self._bindings.heard(datagrams, peer)
            self._receive(data, peer)

    def _receive(self, data: bytes, peer: Peer) -> None:
        if not self._running:
            return
        if _logger.isEnabledFor(logging.DEBUG):
            _logger.debug("received %s", summarise(data))
        self._stack.receive(data, peer, self.now())
        self._pump()

    def _handle_timers(self) -> None:
        self._timer = self._armed_for = None
        self._stack.handle_timers(self.now())
        self._pump()

    def _pump(self) -> None:
        """Hand out events and send what is queued until nothing is left. A verb called from `on_event` finds this running and returns."""
        if self._pumping or not self._running:
            return
        self._pumping = True
        try:
            while True:
                while (datagram := self._stack.next_datagram()) is not None:
                    self._send(*datagram)
                event = self._stack.next_event()
                if event is None:
                    break
                self._hand_out(event)
        finally:
            self._pumping = False
        self._arm()

    def _hand_out(self, event: SipEvent) -> None:
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - one call's fault must not end the signalling of all others
            # The exception's own text may hold what must not be logged; where it was raised is enough to find it.
            places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            _logger.error(  # noqa: TRY400 - no traceback, see above
                "%s in handling %s, at %s", type(error).__name__, type(event).__name__, " > ".join(places)
            )

    def _send(self, peer: Peer, data: bytes) -> None:
        if _logger.isEnabledFor(logging.DEBUG):
            _logger.debug("sent %s", summarise(data))
        if peer.transport.is_stream:
            self._connections.send(peer, data)
        else:
            self._names.resolve(peer.host, lambda address: self._send_datagram(peer, address, data))

    def _send_datagram(self, peer: Peer, address: str | None, data: bytes) -> None:
        if not self._running:
            return
        if address is None:
            self._stack.transport_failed(peer, self.now())
            self._pump()
            return
        datagrams = self._bindings.choose(Peer(Transport.UDP, address, peer.port)).datagrams
        if datagrams is not None:
            datagrams.send(data, address, peer.port)

    def _arm(self) -> None:
        due = self._stack.next_timer()
        if due is None or (self._armed_for is not None and self._armed_for <= due):
            # A timer that rings too early finds nothing due and sets the next: cheaper than to move one with every message.
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed_for = due
        self._timer = asyncio.get_running_loop().call_at(due, self._handle_timers)
