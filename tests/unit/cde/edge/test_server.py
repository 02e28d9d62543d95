"""The edge on real sockets, with relays that carry nothing: calls over UDP and TCP, who is admitted, and a clean end."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from ipaddress import ip_network

import pytest
from tests.scenario.calls.stage import Notes

from tonevault.cde.edge.destination_names import DestinationNames
from tonevault.cde.edge.observer import EndReason
from tonevault.cde.edge.routes import Route, RouteTable
from tonevault.cde.edge.server import EdgeServer, EdgeSettings
from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.media import MediaSink
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.clock import WallClock
from tonevault.testing.media import FakeMediaPlane
from tonevault.testing.softphone import PhoneError, Softphone

LIMIT_S = 20.0


class SilentRelays(FakeMediaPlane):
    """Relays without workers."""

    def __init__(self) -> None:
        super().__init__(host="127.0.0.1")
        self.running = False

    async def start(self, sink: MediaSink) -> None:
        self.sink = sink
        self.running = True

    async def stop(self) -> None:
        self.running = False


def server_for(
    to: str, transport: str, relays: SilentRelays, notes: Notes, peers: str = "127.0.0.0/8"
) -> EdgeServer:
    route = Route("inbound", AccountId("acme"), (ip_network(peers),), SipUri.parse(to))
    return EdgeServer(
        EdgeSettings([Listener.parse(f"{transport}:127.0.0.1:0")], (route,)),
        relays=relays,
        observer=notes,
        clock=WallClock(),
        entropy=secrets.randbelow,
    )


def uri_of(server: EdgeServer) -> str:
    ((listener, port),) = server.addresses()
    return f"sip:4420@127.0.0.1:{port};transport={listener.transport.value.lower()}"


def play(
    transport: str,
    act: Callable[[EdgeServer, Softphone, Softphone, Notes], Awaitable[None]],
    peers: str = "127.0.0.0/8",
) -> SilentRelays:
    """Two phones and an edge between them, all ended afterwards."""
    relays = SilentRelays()

    async def run() -> None:
        notes = Notes()
        agent = Softphone("agent", f"{transport}:127.0.0.1:0", random_source=random.Random(1))
        customer = Softphone("customer", f"{transport}:127.0.0.1:0", random_source=random.Random(2))
        await agent.start()
        await customer.start()
        server = server_for(agent.uri, transport, relays, notes, peers)
        await server.start()
        try:
            async with asyncio.timeout(LIMIT_S):
                await act(server, customer, agent, notes)
        finally:
            await server.stop()
            await customer.stop()
            await agent.stop()

    asyncio.run(run())
    assert not relays.running
    assert relays.live == 0
    return relays


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_from_phone_to_phone(transport: str) -> None:
    async def act(server: EdgeServer, customer: Softphone, agent: Softphone, notes: Notes) -> None:
        call = await customer.dial(uri_of(server), [("X-Order", "17")])
        assert ("X-Order", "17") in agent.calls[0].headers
        await agent.calls[0].hang_up()
        await call.ended.wait()
        assert notes.said == ["arrived", "ringing", "answered", "ended"]
        assert notes.infos[-1].end_reason is EndReason.AGENT_HUNG_UP

    play(transport, act)


def test_stopping_hangs_up_on_both_sides() -> None:
    async def act(server: EdgeServer, customer: Softphone, agent: Softphone, notes: Notes) -> None:
        call = await customer.dial(uri_of(server))
        await server.stop()
        await call.ended.wait()
        await agent.calls[0].ended.wait()
        assert notes.infos[-1].end_reason is EndReason.HUNG_UP_BY_EDGE

    play("udp", act)


def test_draining_takes_no_new_call_and_waits_for_the_last() -> None:
    async def act(server: EdgeServer, customer: Softphone, agent: Softphone, notes: Notes) -> None:
        call = await customer.dial(uri_of(server))
        draining = asyncio.ensure_future(server.drain())
        await asyncio.sleep(0)
        with pytest.raises(PhoneError) as caught:
            await customer.dial(uri_of(server))
        assert caught.value.status == 503
        assert not draining.done()
        await call.hang_up()
        await draining

    play("udp", act)


def test_a_stranger_hears_nothing() -> None:
    async def act(server: EdgeServer, customer: Softphone, agent: Softphone, notes: Notes) -> None:
        ((_, port),) = server.addresses()
        loop = asyncio.get_running_loop()
        heard: list[bytes] = []

        class Stranger(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                heard.append(data)

        transport, _ = await loop.create_datagram_endpoint(Stranger, local_addr=("127.0.0.2", 0))
        options = (
            "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:9;branch=z9hG4bKx;rport\r\nFrom: <sip:a@b>;tag=1\r\n"
            "To: <sip:x@127.0.0.1>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        transport.sendto(options.encode(), ("127.0.0.1", port))
        # A call that comes after it and goes through shows that the stranger's message has been read and dropped.
        call = await customer.dial(uri_of(server))
        await call.hang_up()
        assert heard == []
        assert notes.refused == []
        transport.close()

    play("udp", act, peers="127.0.0.1/32")


def test_a_port_in_use_leaves_nothing_running() -> None:
    async def run() -> None:
        first_relays, relays, notes = SilentRelays(), SilentRelays(), Notes()
        first = server_for("sip:127.0.0.1:9", "udp", first_relays, notes)
        await first.start()
        ((_, port),) = first.addresses()
        route = Route("r", AccountId("acme"), (ip_network("127.0.0.1"),), SipUri.parse("sip:127.0.0.1"))
        second = EdgeServer(
            EdgeSettings([Listener.parse(f"udp:127.0.0.1:{port}")], (route,)),
            relays=relays,
            observer=notes,
            clock=WallClock(),
            entropy=secrets.randbelow,
        )
        with pytest.raises(ListenerError, match=str(port)):
            await second.start()
        assert not relays.running
        await first.stop()

    asyncio.run(run())


def test_a_route_over_a_transport_that_nobody_listens_for() -> None:
    async def run() -> None:
        relays, notes = SilentRelays(), Notes()
        customer = Softphone("customer", "udp:127.0.0.1:0", random_source=random.Random(2))
        await customer.start()
        server = server_for("sips:127.0.0.1:5061", "udp", relays, notes)
        await server.start()
        with pytest.raises(PhoneError) as caught:
            await customer.dial(uri_of(server))
        assert caught.value.status == 502
        assert relays.live == 0
        await server.stop()
        await customer.stop()

    asyncio.run(run())


def test_a_destination_that_refuses_the_connection() -> None:
    async def run() -> None:
        relays, notes = SilentRelays(), Notes()
        customer = Softphone("customer", "tcp:127.0.0.1:0", random_source=random.Random(2))
        await customer.start()
        closed = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
        port = closed.sockets[0].getsockname()[1]
        closed.close()
        await closed.wait_closed()
        server = server_for(f"sip:127.0.0.1:{port};transport=tcp", "tcp", relays, notes)
        await server.start()
        async with asyncio.timeout(LIMIT_S):
            with pytest.raises(PhoneError) as caught:
                await customer.dial(uri_of(server))
        assert caught.value.status == 503
        assert notes.infos[-1].end_reason is EndReason.UNREACHABLE
        await server.stop()
        await customer.stop()

    asyncio.run(run())


def test_a_destination_by_name_is_called_and_heard() -> None:
    async def run() -> None:
        relays, notes = SilentRelays(), Notes()
        agent = Softphone("agent", "udp:127.0.0.1:0", random_source=random.Random(1))
        customer = Softphone("customer", "udp:127.0.0.1:0", random_source=random.Random(2))
        await agent.start()
        await customer.start()
        server = server_for(agent.uri.replace("127.0.0.1", "localhost"), "udp", relays, notes)
        await server.start()
        async with asyncio.timeout(LIMIT_S):
            call = await customer.dial(uri_of(server))
            await agent.calls[0].hang_up()
            await call.ended.wait()
        await server.stop()
        await customer.stop()
        await agent.stop()

    asyncio.run(run())


def test_names_of_destinations_are_looked_up() -> None:
    async def run() -> None:
        route = Route("r", AccountId("acme"), (ip_network("10.0.0.0/8"),), SipUri.parse("sip:localhost"))
        table = RouteTable((route,))
        names = DestinationNames(table)
        await names.start()
        assert {"127.0.0.1", "::1"} & table._destinations
        await names.stop()
        await DestinationNames(RouteTable(())).start()

    asyncio.run(run())
