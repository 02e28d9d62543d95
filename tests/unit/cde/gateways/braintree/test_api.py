"""Where the SDK is pointed at: production and sandbox over TLS with the SDK's own authorities, other servers as their URL says."""

import ssl

import pytest

from tonevault.cde.gateways.braintree.api import _environment


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("production", "https://api.braintreegateway.com:443"),
        ("sandbox", "https://api.sandbox.braintreegateway.com:443"),
        ("https://bt.example", "https://bt.example:443"),
        ("https://bt.example:8443", "https://bt.example:8443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
    ],
)
def test_the_address(name: str, url: str) -> None:
    environment = _environment(name)
    assert f"{environment.protocol}{environment.server_and_port}" == url


@pytest.mark.parametrize("name", ["production", "sandbox"])
def test_its_own_authorities_can_be_loaded(name: str) -> None:
    context = ssl.create_default_context(cafile=_environment(name).ssl_certificate)
    assert context.cert_store_stats()["x509_ca"] > 0
