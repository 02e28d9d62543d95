"""The SIP core as its owner meets it: bytes, requests and the time go in; events and datagrams come out. No socket, no clock."""

import hashlib

from tonevault.cde.wire.sip.client_side import ClientSide
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.events import ClientKey, ServerKey, SipEvent
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.parser import parse_message
from tonevault.cde.wire.sip.peer import Entropy, LocalAddress, Peer
from tonevault.cde.wire.sip.refusal import is_answerable, salvage_request
from tonevault.cde.wire.sip.server_side import ServerSide
from tonevault.cde.wire.sip.timings import Timings
from tonevault.cde.wire.sip.transaction import Outlets
from tonevault.cde.wire.sip.validation import check_request, check_response

TAG_BYTES = 8
"""RFC 3261 section 19.3 asks for 32 random bits at least."""

CALL_ID_BYTES = 16


class SipStack:
    """RFC 3261 transactions over any transport.

    After any call that takes `now` (seconds, monotonic), take all events and datagrams, then ask for `next_timer`.
    """

    def __init__(
        self, *, entropy: Entropy, local_address: LocalAddress, timings: Timings | None = None
    ) -> None:
        self._entropy = entropy
        self._tag_secret = entropy(16)
        self._outlets = Outlets(timings or Timings())
        self._clients = ClientSide(self._outlets, entropy, local_address)
        self._servers = ServerSide(self._outlets, self._stateless_tag)

    def new_tag(self) -> str:
        """A fresh From or To tag (RFC 3261 section 19.3)."""
        return self._entropy(TAG_BYTES).hex()

    def new_call_id(self) -> str:
        """A fresh Call-ID; it holds no address of ours."""
        return self._entropy(CALL_ID_BYTES).hex()

    @property
    def open_transactions(self) -> int:
        """How many transactions of both sides are kept."""
        return len(self._clients) + len(self._servers)

    def receive(self, data: bytes, peer: Peer, now: float) -> None:
        """Take a datagram, or one whole message of a stream (see StreamFramer). What cannot be understood is answered or dropped."""
        try:
            message = parse_message(data)
        except SipParseError as fault:
            self._refuse(salvage_request(data), fault, peer)
            return
        if isinstance(message, Request):
            self._receive_request(message, peer, now)
        else:
            self._receive_response(message, peer, now)

    def send_request(self, request: Request, peer: Peer, now: float) -> ClientKey:
        """Send a copy with our Via on top, in a new client transaction. Raises SipLimitError, and ValueError for what cannot be sent so."""
        return self._clients.send(request, peer, now)

    def send_ack(self, request: Request, peer: Peer, now: float) -> None:  # noqa: ARG002 - every verb takes the time
        """Send the ACK to a 2xx; it is sent again whenever that 2xx comes again. (Other ACKs are the transaction's own.)"""
        self._clients.send_ack(request, peer)

    def cancel(self, key: ClientKey, now: float) -> None:
        """Cancel an INVITE: now, or once its first provisional response is in (RFC 3261 section 9.1). Its final response is reported."""
        self._clients.cancel(key, now)

    def respond(self, key: ServerKey, response: Response, now: float) -> None:
        """Answer a request. A 2xx to an INVITE, and a reliable provisional one, is repeated until it is acknowledged.

        Nothing happens when the request has its final response already, or its transaction is over.
        """
        self._servers.respond(key, response, now)

    def transport_failed(self, peer: Peer, now: float) -> None:
        """What was sent to this peer does not arrive: no connection could be made, or it broke."""
        self._clients.transport_failed(peer, now)
        self._servers.transport_failed(peer, now)

    def handle_timers(self, now: float) -> None:
        """Do what is due at `now`."""
        while (due := self._outlets.timers.pop_due(now)) is not None:
            key, timer = due
            if isinstance(key, ClientKey):
                self._clients.handle_timer(key, timer, now)
            else:
                self._servers.handle_timer(key, timer, now)

    def next_timer(self) -> float | None:
        """The time at which `handle_timers` is next wanted; None when nothing runs."""
        return self._outlets.timers.next()

    def next_event(self) -> SipEvent | None:
        """The oldest event not taken yet."""
        return self._outlets.events.popleft() if self._outlets.events else None

    def next_datagram(self) -> tuple[Peer, bytes] | None:
        """The oldest message not sent yet, and where it goes."""
        return self._outlets.datagrams.popleft() if self._outlets.datagrams else None

    def _receive_request(self, request: Request, peer: Peer, now: float) -> None:
        try:
            check_request(request)
        except SipParseError as fault:
            self._refuse(request if is_answerable(request) else None, fault, peer)
            return
        self._servers.receive(request, peer, now)

    def _receive_response(self, response: Response, peer: Peer, now: float) -> None:
        try:
            check_response(response)
        except SipParseError:
            return
        self._clients.receive(response, peer, now)

    def _refuse(self, request: Request | None, fault: SipParseError, peer: Peer) -> None:
        if request is not None:
            self._servers.refuse(request, fault, peer)

    def _stateless_tag(self, request: Request) -> str:
        """The same tag for every copy of a request that is answered without a transaction (RFC 3261 section 8.2.7)."""
        via = request.headers.get("Via") or ""
        identity = f"{via}\n{request.headers.get('Call-ID')}".encode("utf-8", "surrogateescape")
        return hashlib.blake2s(identity, key=self._tag_secret, digest_size=TAG_BYTES).hexdigest()
