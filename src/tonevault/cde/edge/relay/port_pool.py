"""The edge's media ports: bound here, so that a port in use is known at once. It refuses to hand out a port that is not bound."""

import errno
import socket
from collections import deque
from dataclasses import dataclass
from ipaddress import ip_address

from tonevault.cde.media import MediaAddress, MediaUnavailableError

FIRST_UNPRIVILEGED = 1024
BUSY_TRIES = 64
"""So many ports in a row that others hold mean that the range is not ours; a call must not wait while all of it is tried."""


@dataclass(frozen=True, slots=True)
class MediaInterface:
    """Where media is received: the address that is bound, the one told to peers (another behind a 1:1 NAT), and the range of ports.

    RTP takes even ports and RTCP the odd one above (RFC 3550 section 11). A call takes two pairs.
    """

    bind_host: str
    first_port: int = 30000
    last_port: int = 39999
    advertised_host: str | None = None

    def __post_init__(self) -> None:
        for name, host in (("bind_host", self.bind_host), ("advertised_host", self.advertised_host)):
            if host is not None:
                _check_address(name, host)
        if self.advertised_host is None and ip_address(self.bind_host).is_unspecified:
            raise ValueError(
                "advertised_host: must be set where bind_host is the unspecified address, which peers cannot reach"
            )
        if not FIRST_UNPRIVILEGED <= self.first_port <= self.last_port <= 65535:
            raise ValueError("first_port, last_port: must be a range within 1024 to 65535")
        if self.pairs < 2:
            raise ValueError(
                "first_port, last_port: must hold two even ports, each with the odd one above, for a single call"
            )

    @property
    def _first_even(self) -> int:
        return self.first_port + self.first_port % 2

    @property
    def pairs(self) -> int:
        """How many RTP ports the range holds; half as many calls."""
        return max(0, (self.last_port - self._first_even + 1) // 2)

    def even_ports(self) -> range:
        """The RTP ports."""
        return range(self._first_even, self._first_even + 2 * self.pairs, 2)


def _check_address(name: str, host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        raise ValueError(f"{name}: must be an IPv4 or IPv6 address") from None


@dataclass(frozen=True, slots=True, eq=False)
class PortPair:
    """Two bound sockets, and what to tell the peer."""

    rtp: socket.socket
    rtcp: socket.socket
    address: MediaAddress
    number: int
    """Of the RTP port: what is given back."""


class PortPool:
    """Ports are used in turn, the one longest at rest first, so that a late packet of an ended call seldom meets a new one."""

    def __init__(self, interface: MediaInterface) -> None:
        self._interface = interface
        self._free = deque(interface.even_ports())
        self._family = socket.AF_INET6 if ip_address(interface.bind_host).version == 6 else socket.AF_INET

    @property
    def free(self) -> int:
        """Port pairs at rest."""
        return len(self._free)

    def take(self) -> PortPair:
        """Bind the next pair. Raises MediaUnavailableError where none is free or the address cannot be bound."""
        for _ in range(min(BUSY_TRIES, len(self._free))):
            number = self._free.popleft()
            try:
                return self._bind(number)
            except OSError as error:
                self._free.append(number)
                if error.errno == errno.EADDRINUSE:
                    continue
                raise MediaUnavailableError(
                    f"media port: cannot be bound on the configured address: {error.strerror}"
                ) from error
        raise MediaUnavailableError(
            "media ports: all of the configured range are in use; widen it, or add a node"
        )

    def give_back(self, number: int) -> None:
        """The pair's sockets are closed everywhere."""
        self._free.append(number)

    def _bind(self, number: int) -> PortPair:
        rtp = self._bound_socket(number)
        try:
            rtcp = self._bound_socket(number + 1)
        except OSError:
            rtp.close()
            raise
        host = self._interface.advertised_host or self._interface.bind_host
        return PortPair(rtp, rtcp, MediaAddress(host, number, number + 1), number)

    def _bound_socket(self, number: int) -> socket.socket:
        bound = socket.socket(self._family, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)
            bound.bind((self._interface.bind_host, number))
        except OSError:
            bound.close()
            raise
        return bound
