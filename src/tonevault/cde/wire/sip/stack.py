"""The SIP core as its owner meets it: bytes, requests and the time go in; events and datagrams come out. No socket, no clock."""

from tonevault.cde.wire.sip.events import ClientKey, ServerKey, SipEvent
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Entropy, LocalAddress, Peer
from tonevault.cde.wire.sip.timings import Timings


class SipStack:
    """RFC 3261 transactions over any transport. After any call that takes `now`, take all events and datagrams, then ask for `next_timer`."""

    def __init__(
        self, *, entropy: Entropy, local_address: LocalAddress, timings: Timings | None = None
    ) -> None:
        raise NotImplementedError

    def new_tag(self) -> str:
        """A fresh From or To tag (RFC 3261 section 19.3)."""
        raise NotImplementedError

    def new_call_id(self) -> str:
        """A fresh Call-ID."""
        raise NotImplementedError

    def receive(self, data: bytes, peer: Peer, now: float) -> None:
        """Take a datagram, or one whole message of a stream (see StreamFramer)."""
        raise NotImplementedError

    def send_request(self, request: Request, peer: Peer, now: float) -> ClientKey:
        """Send a request (not ACK, not CANCEL) in a new client transaction; a Via is put on top of a copy. Raises SipLimitError."""
        raise NotImplementedError

    def send_ack(self, request: Request, peer: Peer, now: float) -> None:
        """Send the ACK to a 2xx; it is kept and sent again whenever that 2xx comes again. (Other ACKs are sent by the transaction.)"""
        raise NotImplementedError

    def cancel(self, key: ClientKey, now: float) -> None:
        """Cancel an INVITE: at once, or when its first provisional response is in (RFC 3261 section 9.1). Its final response is still reported."""
        raise NotImplementedError

    def respond(self, key: ServerKey, response: Response, now: float) -> None:
        """Answer a request. A 2xx to an INVITE, and a reliable provisional one, is repeated until acknowledged. Nothing happens once it is over."""
        raise NotImplementedError

    def transport_failed(self, peer: Peer, now: float) -> None:
        """Nothing that was sent to this peer arrives: no connection, or the connection broke."""
        raise NotImplementedError

    def handle_timers(self, now: float) -> None:
        """Do what is due at `now`."""
        raise NotImplementedError

    def next_timer(self) -> float | None:
        """The time at which `handle_timers` is next wanted."""
        raise NotImplementedError

    def next_event(self) -> SipEvent | None:
        """The oldest event not taken yet."""
        raise NotImplementedError

    def next_datagram(self) -> tuple[Peer, bytes] | None:
        """The oldest message not sent yet."""
        raise NotImplementedError
