"""Where a message came from or goes to: transport, host and port."""

from collections.abc import Callable
from dataclasses import dataclass

from tonevault.cde.wire.sip.quick_enum import QuickEnum


class Transport(QuickEnum):
    """The transports of the core; the value is the word used in a Via (RFC 3261 section 20.42)."""

    UDP = "UDP"
    TCP = "TCP"
    TLS = "TLS"

    @property
    def is_stream(self) -> bool:
        """Whether it delivers in order and reliably, so that nothing is retransmitted (RFC 3261 section 17)."""
        return self is not Transport.UDP

    @property
    def default_port(self) -> int:
        """RFC 3261 section 19.1.2: 5060, and 5061 over TLS."""
        return 5061 if self is Transport.TLS else 5060


@dataclass(frozen=True, slots=True)
class Peer:
    """One far end. `host` is an IP address or a name that the driver resolves, without brackets round IPv6; `port` is 1 to 65535."""

    transport: Transport
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Address:
    """An address of our own, as it stands in Via and Contact: `host` without brackets, `port` 1 to 65535."""

    host: str
    port: int

    def text(self) -> str:
        """`host:port`, an IPv6 address in brackets (RFC 3261 section 25.1, `hostport`)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


LocalAddress = Callable[[Peer], Address]
"""Answers with the address of ours that this peer reaches us by; used for Via sent-by, and by owners for Contact."""

Entropy = Callable[[int], bytes]
"""Gives that many random bytes: `secrets.token_bytes` in production, `random.Random(seed).randbytes` in tests."""
