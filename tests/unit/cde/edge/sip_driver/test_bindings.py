"""Listeners on real sockets: bound or refused with advice, and which one a peer is spoken to from."""

import asyncio
import socket

import pytest
from tests.unit.cde.edge.sip_driver.station import PATIENCE_S, Station

from tonevault.cde.edge.sip_driver.driver import SipDriver
from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.wire.sip.events import (
    RequestReceived,
    SipEvent,
)
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.response import make_response


def test_a_busy_port_is_named_with_the_way_out_and_nothing_stays_bound() -> None:
    async def play() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            listeners = [Listener.parse("udp:127.0.0.1:0"), Listener.parse(f"tcp:127.0.0.1:{port}")]
            driver = SipDriver(
                listeners, on_event=print, entropy=lambda size: b"x" * size, admit=lambda _: True
            )
            with pytest.raises(
                ListenerError,
                match=rf"^tcp:127\.0\.0\.1:{port}: .*another program has this port; stop it, or",
            ):
                await driver.start()
            assert driver.addresses() == []

    asyncio.run(play())


@pytest.mark.parametrize(
    ("listen", "advice"),
    [("udp:192.0.2.1:5060", "no such address"), ("tls:127.0.0.1:0", "needs a certificate and a key")],
)
def test_other_listeners_that_cannot_be_bound(listen: str, advice: str) -> None:
    async def play() -> None:
        with pytest.raises(ListenerError, match=advice):
            await Station(listen).driver.start()

    asyncio.run(play())


def test_a_peer_of_a_transport_without_a_listener_is_refused_by_name() -> None:
    async def play() -> None:
        async with Station() as caller:
            target = Peer(Transport.TCP, "127.0.0.1", 5060)
            with pytest.raises(ListenerError, match="no tcp listener is running"):
                caller.driver.local_address(target)

    asyncio.run(play())


def test_a_stopped_driver_frees_its_port_and_starts_again() -> None:
    async def play() -> None:
        first = Station()
        await first.driver.start()
        port = first.peer.port
        await first.driver.stop()
        async with Station(f"udp:127.0.0.1:{port}") as second:
            assert second.peer.port == port

    asyncio.run(play())


def test_a_peer_is_answered_from_the_listener_that_it_wrote_to() -> None:
    async def play() -> None:
        listeners = [Listener.parse("udp:127.0.0.1:0"), Listener.parse("udp:127.0.0.1:0")]

        def answer(event: SipEvent) -> None:
            assert isinstance(event, RequestReceived)
            driver.respond(event.key, make_response(event.request, 200, to_tag="x"))

        driver = SipDriver(
            listeners,
            on_event=answer,
            entropy=lambda size: b"x" * size,
            admit=lambda _: True,
        )

        await driver.start()
        ports = [port for _, port in driver.addresses()]
        for number, port in enumerate(ports):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
                phone.bind(("127.0.0.1", 0))
                phone.settimeout(PATIENCE_S)
                phone.sendto(
                    b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK%d;rport\r\nFrom: <sip:a>;tag=1\r\n"
                    b"To: <sip:b>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\n\r\n" % (number, number),
                    ("127.0.0.1", port),
                )
                _, source = await asyncio.to_thread(phone.recvfrom, 65535)
                assert source == ("127.0.0.1", port)
        await driver.stop()

    asyncio.run(play())


def test_a_wildcard_listener_is_known_by_the_address_towards_the_peer_or_the_advertised_one() -> None:
    async def play() -> None:
        peer = Peer(Transport.UDP, "127.0.0.1", 5060)
        async with Station("udp:0.0.0.0:0") as station:
            assert station.driver.local_address(peer).host == "127.0.0.1"
        behind_nat = Listener.parse("udp:127.0.0.1:0", "203.0.113.7")
        driver = SipDriver(
            [behind_nat], on_event=print, entropy=lambda size: b"x" * size, admit=lambda _: True
        )
        await driver.start()
        assert driver.local_address(peer).host == "203.0.113.7"
        await driver.stop()

    asyncio.run(play())
