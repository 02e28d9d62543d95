"""Listeners as they are written in the configuration."""

import pytest

from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.wire.sip.peer import Transport


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("udp:127.0.0.1:5060", Listener(Transport.UDP, "127.0.0.1", 5060)),
        ("tcp:edge.example.com:0", Listener(Transport.TCP, "edge.example.com", 0)),
        ("tls:[2001:db8::1]:5061", Listener(Transport.TLS, "2001:db8::1", 5061)),
    ],
)
def test_read_and_written(text: str, listener: Listener) -> None:
    assert Listener.parse(text) == listener
    assert listener.text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "udp",
        "udp:5060",
        "sctp:127.0.0.1:5060",
        "udp:127.0.0.1:",
        "udp:127.0.0.1:x",
        "udp:127.0.0.1:65536",
        "udp:a b:1",
        "udp:[::1:1",
        "udp:::1:1",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ListenerError, match="udp:HOST:PORT"):
        Listener.parse(text)


def test_wildcards() -> None:
    assert Listener.parse("udp:0.0.0.0:5060").is_wildcard
    assert Listener.parse("udp:[::]:5060").is_wildcard
    assert not Listener.parse("udp:127.0.0.1:5060").is_wildcard
    assert not Listener.parse("udp:localhost:5060").is_wildcard
