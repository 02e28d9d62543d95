"""TLS contexts for SIP: what we show to peers, and whom we believe. Verification is on unless a peer is named as unverified."""

import ssl
from collections.abc import Collection
from pathlib import Path

from tonevault.cde.edge.sip_driver.errors import TlsConfigurationError
from tonevault.cde.wire.sip.peer import Peer


def make_server_context(certificate: Path, key: Path, *, client_ca: Path | None = None) -> ssl.SSLContext:
    """For our TLS listeners, TLS 1.2 or later (PCI DSS 4.2.1). With `client_ca`, peers must show a certificate of that authority.

    Files are PEM. Raises TlsConfigurationError naming the file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_identity(context, certificate, key)
    if client_ca is not None:
        _load_authority(context, client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class TlsTrust:
    """The contexts for connections of ours: who is believed, and the certificate that we show to peers who ask for one."""

    def __init__(
        self,
        *,
        ca_file: Path | None = None,
        unverified_hosts: Collection[str] = (),
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        """`ca_file` replaces the system's authorities. `unverified_hosts` are peers, by the host as written in the route, whose certificate
        is not checked: for self-signed test peers alone. Raises TlsConfigurationError."""
        self._unverified_hosts = frozenset(host.lower() for host in unverified_hosts)
        self._verifying = _client_context(ca_file)
        self._trusting = _client_context(ca_file)
        self._trusting.check_hostname = False
        self._trusting.verify_mode = ssl.CERT_NONE
        if certificate is not None and key is not None:
            for context in (self._verifying, self._trusting):
                _load_identity(context, certificate, key)

    def context_for(self, peer: Peer) -> ssl.SSLContext:
        """The context for a connection to this peer."""
        return self._trusting if peer.host.lower() in self._unverified_hosts else self._verifying


def _client_context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        _load_authority(context, ca_file)
    return context


def _load_identity(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise TlsConfigurationError(
            f"tls: {certificate} and {key} cannot be used as certificate and key ({type(error).__name__}); "
            "both must exist, be readable, be PEM, and belong together"
        ) from None


def _load_authority(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise TlsConfigurationError(
            f"tls: {ca_file} cannot be used as an authority file ({type(error).__name__}); "
            "it must exist, be readable, and hold PEM certificates"
        ) from None
