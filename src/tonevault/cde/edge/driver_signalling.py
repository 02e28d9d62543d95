"""Adapter of the signalling port: the driver on real sockets, its faults in the words of the port."""

from tonevault.cde.edge.signalling import SignallingError
from tonevault.cde.edge.sip_driver.driver import SipDriver
from tonevault.cde.edge.sip_driver.errors import DriverError
from tonevault.cde.wire.sip.events import ClientKey, ServerKey
from tonevault.cde.wire.sip.message import Request, Response
from tonevault.cde.wire.sip.peer import Address, Peer


class DriverSignalling:
    """A SipDriver as the switch wants it."""

    def __init__(self, driver: SipDriver) -> None:
        self._driver = driver

    def local_address(self, peer: Peer) -> Address:
        """See Signalling."""
        try:
            return self._driver.local_address(peer)
        except DriverError:
            raise SignallingError from None

    def new_tag(self) -> str:
        """See Signalling."""
        return self._driver.new_tag()

    def new_call_id(self) -> str:
        """See Signalling."""
        return self._driver.new_call_id()

    def send_request(self, request: Request, peer: Peer) -> ClientKey:
        """See Signalling."""
        try:
            return self._driver.send_request(request, peer)
        except DriverError:
            raise SignallingError from None

    def send_ack(self, request: Request, peer: Peer) -> None:
        """See Signalling."""
        try:
            self._driver.send_ack(request, peer)
        except DriverError:
            raise SignallingError from None

    def cancel(self, key: ClientKey) -> None:
        """See Signalling."""
        self._driver.cancel(key)

    def respond(self, key: ServerKey, response: Response) -> None:
        """See Signalling."""
        self._driver.respond(key, response)
