"""Port to the SIP core as the switch uses it. Adapters: the driver on real sockets, and a stack in simulated time in `testing`."""

from typing import Protocol

from tonevault.cde.wire.sip.events import ClientKey, ServerKey
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Address, Peer


class SignallingError(Exception):
    """No listener of ours can reach this peer, such as one that speaks TLS where only UDP is listened for."""


class Signalling(Protocol):
    """The verbs of SipStack with the time already in them. All return at once; those that send may raise SignallingError."""

    def local_address(self, peer: Peer) -> Address:
        """The address of ours by which this peer reaches us. Raises SignallingError."""

    def new_tag(self) -> str:
        """A fresh From or To tag."""

    def new_call_id(self) -> str:
        """A fresh Call-ID."""

    def send_request(self, request: Request, peer: Peer) -> ClientKey:
        """Send a request in a new client transaction. Raises SipLimitError."""

    def send_ack(self, request: Request, peer: Peer) -> None:
        """Send the ACK to a 2xx, and again whenever the 2xx comes again."""

    def cancel(self, key: ClientKey) -> None:
        """Cancel an INVITE that has no final response yet."""

    def respond(self, key: ServerKey, response: Response) -> None:
        """Answer a request."""
