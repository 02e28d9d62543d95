"""Where the edge listens for SIP: one transport, one address, one port."""

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.grammar import host_text, parse_host_port
from tonevault.cde.wire.sip.peer import Transport

_FORM = "a listener is udp:HOST:PORT, tcp:HOST:PORT or tls:HOST:PORT, with an IPv6 host in brackets"


@dataclass(frozen=True, slots=True)
class Listener:
    """`udp:127.0.0.1:5060`. Port 0 takes any free one. Behind NAT, `advertised_host` stands in Via and Contact in place of `host`."""

    transport: Transport
    host: str
    port: int
    advertised_host: str = ""

    @classmethod
    def parse(cls, text: str, advertised_host: str = "") -> "Listener":
        """From `udp:HOST:PORT`, `tcp:HOST:PORT` or `tls:HOST:PORT`, IPv6 in brackets. Raises ListenerError."""
        scheme, _, address = text.partition(":")
        host_port, _, port = address.rpartition(":")
        if scheme.upper() not in Transport.__members__ or not host_port:
            raise ListenerError(_FORM)
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ListenerError(f"{_FORM}; a port is 0 to 65535, and 0 takes any free one")
        try:
            host, _ = parse_host_port(host_port, "listener")
        except SipParseError:
            raise ListenerError(_FORM) from None
        return cls(Transport[scheme.upper()], host, int(port), advertised_host)

    @property
    def is_wildcard(self) -> bool:
        """Whether it takes what comes to any address of the machine (`0.0.0.0` or `::`)."""
        return _is_unspecified(self.host)

    def text(self) -> str:
        """The form that `parse` takes."""
        return f"{self.transport.value.lower()}:{host_text(self.host)}:{self.port}"


@lru_cache
def _is_unspecified(host: str) -> bool:
    """Remembered, as it is asked for with every request that goes out; there are only so many listeners."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
