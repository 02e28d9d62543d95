"""TLS contexts: the floor, and errors that name the file."""

import ssl
from pathlib import Path

import pytest
from tests.unit.cde.edge.sip_driver.station import make_certificate

from tonevault.cde.edge.sip_driver.errors import TlsConfigurationError
from tonevault.cde.edge.sip_driver.tls import TlsTrust, make_server_context
from tonevault.cde.wire.sip.peer import Peer, Transport


def test_contexts_speak_tls_1_2_at_least_and_verify_unless_told_otherwise(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    trust = TlsTrust(ca_file=certificate, unverified_hosts=["Lab.example.com"])
    checked = trust.context_for(Peer(Transport.TLS, "trunk.example.com", 5061))
    unchecked = trust.context_for(Peer(Transport.TLS, "lab.example.com", 5061))
    assert (checked.verify_mode, checked.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unchecked.verify_mode, unchecked.check_hostname) == (ssl.CERT_NONE, False)
    assert make_server_context(certificate, key).verify_mode is ssl.CERT_NONE
    mutual = make_server_context(certificate, key, client_ca=certificate)
    assert mutual.verify_mode is ssl.CERT_REQUIRED
    for context in (checked, unchecked, mutual, TlsTrust().context_for(Peer(Transport.TLS, "x", 1))):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    _, other_key = make_certificate(tmp_path, "other")
    missing = tmp_path / "missing.pem"
    for pair in ((missing, key), (certificate, missing), (certificate, other_key), (key, key)):
        with pytest.raises(TlsConfigurationError, match="certificate and key"):
            make_server_context(*pair)
    for ca_file in (missing, key):
        with pytest.raises(TlsConfigurationError, match="authority file"):
            TlsTrust(ca_file=ca_file)
