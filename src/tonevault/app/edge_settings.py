"""From the configuration to the edge's own settings: listeners, routes, TLS, relays. Faults name the setting."""

import socket
from ipaddress import ip_network

from tonevault.app.settings import MediaSettings, RouteSettings, SecureSettings, SipSettings
from tonevault.cde.edge.relay.controller import RelaySettings
from tonevault.cde.edge.relay.port_pool import MediaInterface
from tonevault.cde.edge.routes import CustomerSide, Route
from tonevault.cde.edge.server import EdgeSettings
from tonevault.cde.edge.sip_driver.errors import TlsConfigurationError
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.tls import TlsTrust, make_server_context
from tonevault.cde.media import MaskMode
from tonevault.cde.wire.sdp.leg_keys import SrtpPolicy
from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.peer import Transport
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.settings import SettingsError


def edge_settings(settings: SecureSettings) -> EdgeSettings:
    """Raises SettingsError."""
    sip = settings.sip
    listeners = tuple(_listener(text, sip) for text in sip.listen)
    routes = tuple(_route(place, route) for place, route in enumerate(settings.routes))
    server_tls = None
    try:
        if sip.certificate is not None and sip.private_key is not None:
            server_tls = make_server_context(sip.certificate, sip.private_key)
        trust = TlsTrust(
            ca_file=sip.peer_ca,
            unverified_hosts=sip.unverified_hosts,
            certificate=sip.certificate,
            key=sip.private_key,
        )
    except TlsConfigurationError as error:
        raise SettingsError([f"secure.sip: {error}"]) from None
    return EdgeSettings(listeners, routes, server_tls, trust)


def relay_settings(settings: SecureSettings) -> RelaySettings:
    """Raises SettingsError."""
    media = settings.media
    try:
        interface = MediaInterface(media.address, media.first_port, media.last_port, media.advertise)
        return RelaySettings(
            interface,
            media.workers,
            max_calls=media.max_calls,
            recordings=settings.recordings.directory if settings.recordings.calls == "all" else None,
            worker_memory=media.worker_memory_mb and media.worker_memory_mb * 1024 * 1024,
        )
    except ValueError as error:
        raise SettingsError([f"secure.media: {error}"]) from None


def require_own_address(settings: MediaSettings) -> None:
    """Raises SettingsError unless media can be received at the address: better now than at the first call."""
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((settings.address, 0))
        except OSError as error:
            raise SettingsError(
                [
                    f"secure.media.address: cannot be bound ({error.strerror}); set it to an address of this machine"
                ]
            ) from None


def _listener(text: str, sip: SipSettings) -> Listener:
    listener = Listener.parse(text)
    return Listener(
        listener.transport, listener.host, listener.port, sip.advertise or listener.advertised_host
    )


def _route(place: int, route: RouteSettings) -> Route:
    try:
        return Route(
            name=route.name,
            account=AccountId(route.account),
            peers=tuple(ip_network(each) for each in route.peers),
            destination=SipUri.parse(route.to),
            match=route.match,
            customer=CustomerSide(route.customer),
            mask=MaskMode(route.mask),
            customer_header=route.customer_header,
            max_calls=route.max_calls,
            transport=Transport(route.transport.upper()) if route.transport else None,
            blocked_headers=frozenset(name.lower() for name in route.blocked_headers),
            g711_first=route.g711_first,
            customer_srtp=SrtpPolicy(route.customer_srtp),
            agent_srtp=SrtpPolicy(route.agent_srtp),
            srtp_over_plain_sip=route.srtp_over_plain_sip,
        )
    except SipParseError as error:
        # The parser names the header that a URI mostly stands in; here it is the setting.
        fault = str(error).partition(": ")[2] or str(error)
        raise SettingsError([f"secure.routes[{place}].to: {fault}"]) from None
    except ValueError as error:
        raise SettingsError([f"secure.routes[{place}]: {error}"]) from None
