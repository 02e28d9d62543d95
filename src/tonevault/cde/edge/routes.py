"""Which trunk reaches which address: routes from the configuration, matched by the calling peer and the dialled user."""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from tonevault.cde.media import Leg, MaskMode
from tonevault.cde.wire.sdp.leg_keys import SrtpPolicy
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId

Network = IPv4Network | IPv6Network

DEFAULT_MAX_CALLS: Final = 1000
"""What one relay core carried without loss when it was measured."""

MAX_DESTINATIONS: Final = 10_000
"""Addresses seen behind destination names over the life of the process; a name that turns through more is broken."""

MAX_REMEMBERED_HOSTS: Final = 4_096
"""Addresses in text whose reading is kept: many more than there are peers, few enough for a flood of made-up ones to cost nothing."""


class CustomerSide(StrEnum):
    """Who of the two is the customer: the caller on an inbound route, the callee where the contact centre dials out."""

    CALLER = "caller"
    CALLEE = "callee"


@dataclass(frozen=True, slots=True)
class Route:
    """One road through the edge.

    `peers` may call it; `match` is a shell pattern for the dialled user; a `destination` without a user keeps the dialled one.

    `transport` limits the route to one transport of the caller. `customer_header` names the header that brings the customer's id.
    `blocked_headers` (in lower case) never pass; `g711_first` moves PCMU and PCMA to the front of every offer. `customer_srtp` and
    `agent_srtp` say what each leg may have of SRTP; `srtp_over_plain_sip` lets its keys stand in signalling that is not TLS.
    """

    name: str
    account: AccountId
    peers: tuple[Network, ...]
    destination: SipUri
    match: str = "*"
    transport: Transport | None = None
    customer: CustomerSide = CustomerSide.CALLER
    mask: MaskMode = MaskMode.TALK
    customer_header: str | None = None
    blocked_headers: frozenset[str] = frozenset()
    max_calls: int = DEFAULT_MAX_CALLS
    g711_first: bool = False
    customer_srtp: SrtpPolicy = SrtpPolicy.ACCEPT
    agent_srtp: SrtpPolicy = SrtpPolicy.ACCEPT
    srtp_over_plain_sip: bool = False

    def __post_init__(self) -> None:
        if not self.destination.is_sip or not self.destination.host:
            raise ValueError(
                "destination: must be a sip or sips URI with a host, for example sip:10.0.0.20:5060"
            )
        if self.max_calls < 1:
            raise ValueError("max_calls: must be at least 1")

    @property
    def caller_leg(self) -> Leg:
        """Which leg the caller is on."""
        return Leg.CUSTOMER if self.customer is CustomerSide.CALLER else Leg.AGENT

    def srtp(self, leg: Leg) -> SrtpPolicy:
        """What one leg may have of SRTP."""
        return self.customer_srtp if leg is Leg.CUSTOMER else self.agent_srtp

    def serves(self, peer: Peer) -> bool:
        """Whether this peer may call the route."""
        if self.transport not in {None, peer.transport}:
            return False
        return any_contains(self.peers, peer.host)

    def target(self, dialled: SipUri) -> SipUri:
        """The Request-URI of the other leg: the destination, with the dialled user where it names none."""
        destination = self.destination
        if destination.user is not None or dialled.user is None:
            return destination
        return SipUri(
            scheme=destination.scheme,
            user=dialled.user,
            host=destination.host,
            port=destination.port,
            parameters=destination.parameters,
        )


def any_contains(networks: tuple[Network, ...], host: str) -> bool:
    """Whether an IP address in text lies in one of the networks; a host name lies in none."""
    address = _address(host)
    return address is not None and any(address in network for network in networks)


@lru_cache(MAX_REMEMBERED_HOSTS)
def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address in text, remembered, as it is asked for with every datagram; None for a host name."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if address.version == 6 and address.ipv4_mapped is not None:
        # A socket bound to :: shows IPv4 callers in this form (RFC 4291 section 2.5.5.2).
        return address.ipv4_mapped
    return address


class RouteTable:
    """The routes in the order of the configuration; the first that serves and matches takes the call."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        names = [route.name for route in routes]
        if len(set(names)) != len(names):
            raise ValueError("routes: each name may stand once")
        self.routes = routes
        self._destinations = {route.destination.host for route in routes}

    @property
    def destination_names(self) -> tuple[str, ...]:
        """The destinations that are host names and not addresses, each once."""
        return tuple(
            dict.fromkeys(
                route.destination.host for route in self.routes if _address(route.destination.host) is None
            )
        )

    def admit_destination(self, address: str) -> None:
        """An address behind one of the names: what comes from it is read."""
        if len(self._destinations) < MAX_DESTINATIONS:
            self._destinations.add(address)

    def knows(self, peer: Peer) -> bool:
        """Whether the peer may call at all, or is where a route leads."""
        return peer.host in self._destinations or any(route.serves(peer) for route in self.routes)

    def may_call(self, peer: Peer) -> bool:
        """Whether any route serves the peer."""
        return any(route.serves(peer) for route in self.routes)

    def find(self, peer: Peer, dialled: SipUri) -> Route | None:
        """The route of a call, by who calls and which user is dialled. Escapes in the user are undone before it is compared."""
        user = dialled.user_text
        for route in self.routes:
            if route.serves(peer) and fnmatchcase(user, route.match):
                return route
        return None
