"""Where the edge listens for SIP: one transport, one address, one port."""

from dataclasses import dataclass

from tonevault.cde.wire.sip.peer import Transport


@dataclass(frozen=True, slots=True)
class Listener:
    """`udp:127.0.0.1:5060`. Port 0 takes any free one. `advertised_host` stands in Via and Contact in place of `host`, for use behind NAT."""

    transport: Transport
    host: str
    port: int
    advertised_host: str = ""

    @classmethod
    def parse(cls, text: str) -> "Listener":
        """From `udp:HOST:PORT`, `tcp:HOST:PORT` or `tls:HOST:PORT`, IPv6 in brackets. Raises ListenerError."""
        raise NotImplementedError
