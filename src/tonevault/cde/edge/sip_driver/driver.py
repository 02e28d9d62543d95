"""Runs a SipStack on sockets: one timer, the listeners, and the connections. The owner sees events and calls verbs."""

import ssl
from collections.abc import Callable, Sequence

from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.wire.sip.events import ClientKey, ServerKey, SipEvent
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Address, Entropy, Peer
from tonevault.cde.wire.sip.timings import Timings

Admit = Callable[[Peer], bool]
"""Says whether anything of this peer is read at all; asked before parsing, for every datagram and every new connection."""


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
        client_tls: Callable[[Peer], ssl.SSLContext] | None = None,
        timings: Timings | None = None,
    ) -> None:
        raise NotImplementedError

    async def start(self) -> None:
        """Bind all listeners, or none. Raises ListenerError naming the one that failed and the way out."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Close every socket; what was not sent is given up."""
        raise NotImplementedError

    def local_address(self, peer: Peer) -> Address:
        """The address of ours by which this peer reaches us: for Contact and SDP."""
        raise NotImplementedError

    def now(self) -> float:
        """The monotonic time that the stack runs on, in seconds."""
        raise NotImplementedError

    def new_tag(self) -> str:
        """See SipStack.new_tag."""
        raise NotImplementedError

    def new_call_id(self) -> str:
        """See SipStack.new_call_id."""
        raise NotImplementedError

    def send_request(self, request: Request, peer: Peer) -> ClientKey:
        """See SipStack.send_request. May be called from within `on_event`."""
        raise NotImplementedError

    def send_ack(self, request: Request, peer: Peer) -> None:
        """See SipStack.send_ack."""
        raise NotImplementedError

    def cancel(self, key: ClientKey) -> None:
        """See SipStack.cancel."""
        raise NotImplementedError

    def respond(self, key: ServerKey, response: Response) -> None:
        """See SipStack.respond."""
        raise NotImplementedError
