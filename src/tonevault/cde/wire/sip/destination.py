"""From a URI to the peer that a message for it is sent to. Names are resolved by the driver; SRV and NAPTR records are not used."""

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri, transport_of


def peer_of(uri: SipUri, default: Transport = Transport.UDP) -> Peer:
    """Host, port and transport of a SIP URI (RFC 3263 section 4 without the DNS records); `default` where the URI names no transport.

    Raises SipParseError for a tel or unknown scheme, and for a transport other than UDP, TCP and TLS.
    """
    if not uri.is_sip or not uri.host:
        raise SipParseError("URI", "only a sip or sips URI can be sent to")
    named = transport_of(uri)
    if uri.scheme == "sips":
        # RFC 3261 section 26.2.2: `sips:…;transport=tcp` means TLS over TCP, and nothing else is secure enough.
        if named not in ("tls", "tcp"):
            raise SipParseError("URI", "a sips URI is reached over TLS alone")
        transport = Transport.TLS
    else:
        try:
            transport = Transport(named.upper()) if named else default
        except ValueError:
            raise SipParseError("URI", "the transport is udp, tcp or tls") from None
    return Peer(transport, uri.host, uri.port or transport.default_port)
