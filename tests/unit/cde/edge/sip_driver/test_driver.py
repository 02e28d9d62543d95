"""The driver on real loopback sockets: calls over UDP, TCP and TLS, connections, admission, faults."""

import asyncio
import contextlib
import logging
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.unit.cde.edge.sip_driver.station import PATIENCE_S, Station, enter, make_certificate, open_raw

from tonevault.cde.edge.sip_driver.driver import SipDriver
from tonevault.cde.edge.sip_driver.errors import ListenerError
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.tls import TlsTrust
from tonevault.cde.wire.sip.dialog import Dialog
from tonevault.cde.wire.sip.events import (
    AckReceived,
    CancelReceived,
    RequestReceived,
    ResponseReceived,
    SipEvent,
    TransactionTimedOut,
    TransportFailed,
)
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.response import make_response
from tonevault.cde.wire.sip.timings import Timings

CANARY = "4242424242424242"


async def expect_end(reader: asyncio.StreamReader) -> None:
    """The station closes the connection. What it left unread makes the kernel reset it, which is an end as well."""
    with contextlib.suppress(ConnectionResetError):
        assert (await reader.read()).strip() == b""


async def play_call(caller: Station, callee: Station, target: Peer | None = None) -> None:
    """INVITE, 180, 200, ACK, then BYE from the callee's side over whatever way the INVITE came."""
    target = target or callee.peer
    invite = caller.make_request("INVITE", target, body=b"v=0")
    key = caller.driver.send_request(invite, target)
    received = await callee.next(RequestReceived)
    assert received.request.body == b"v=0"
    assert (await caller.next(ResponseReceived)).response.status == 100
    callee.driver.respond(received.key, make_response(received.request, 180, to_tag="callee"))
    assert (await caller.next(ResponseReceived)).response.status == 180
    answer = make_response(received.request, 200, to_tag="callee", body=b"v=0")
    answer.headers.add("Contact", f"<sip:agent@{callee.driver.local_address(received.peer).text()}>")
    callee.driver.respond(received.key, answer)
    final = await caller.next(ResponseReceived)
    assert (final.key, final.response.status) == (key, 200)
    dialog = Dialog.as_caller(invite, final.response)
    caller.driver.send_ack(dialog.ack(invite), target)
    assert (await callee.next(AckReceived)).key == received.key
    bye = Dialog.as_callee(received.request, answer).request("BYE")
    callee.driver.send_request(bye, received.peer)
    hung_up = await caller.next(RequestReceived)
    assert hung_up.request.method == "BYE"
    caller.driver.respond(hung_up.key, make_response(hung_up.request, 200))
    assert (await callee.next(ResponseReceived)).response.status == 200


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call(transport: str) -> None:
    async def play() -> None:
        async with (
            Station(f"{transport}:127.0.0.1:0") as caller,
            Station(f"{transport}:127.0.0.1:0") as callee,
        ):
            await play_call(caller, callee)

    asyncio.run(play())


def test_a_call_over_ipv6() -> None:
    async def play() -> None:
        async with Station("udp:[::1]:0") as caller, Station("udp:[::1]:0") as callee:
            await play_call(caller, callee)

    asyncio.run(play())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_call_over_tls_with_a_certificate_that_is_believed(tmp_path: Path, host: str) -> None:
    identity = make_certificate(tmp_path)

    async def play() -> None:
        trust = TlsTrust(ca_file=identity[0])
        async with (
            Station("tls:127.0.0.1:0", identity=identity, trust=trust) as caller,
            Station("tls:127.0.0.1:0", identity=identity, trust=trust) as callee,
        ):
            await play_call(caller, callee, Peer(Transport.TLS, host, callee.peer.port))

    asyncio.run(play())


def test_a_peer_named_as_unverified_is_called_and_another_is_not(tmp_path: Path) -> None:
    identity = make_certificate(tmp_path)

    async def play() -> None:
        trust = TlsTrust(unverified_hosts=["127.0.0.1"])
        async with (
            Station("tls:127.0.0.1:0", identity=identity, trust=trust) as caller,
            Station("tls:127.0.0.1:0", identity=identity) as callee,
        ):
            await play_call(caller, callee)
            stranger = Peer(Transport.TLS, "localhost", callee.peer.port)
            key = caller.driver.send_request(caller.make_request("OPTIONS", stranger), stranger)
            assert await caller.next(TransportFailed) == TransportFailed(key)

    asyncio.run(play())


def test_a_tls_peer_without_a_certificate_is_turned_away_where_one_is_asked_for(tmp_path: Path) -> None:
    identity = make_certificate(tmp_path)

    async def play() -> None:
        nameless = TlsTrust(ca_file=identity[0])
        named = TlsTrust(ca_file=identity[0], certificate=identity[0], key=identity[1])
        async with (
            Station("tls:127.0.0.1:0", identity=identity, client_ca=identity[0]) as callee,
            Station("tls:127.0.0.1:0", identity=identity, trust=nameless) as refused,
            Station("tls:127.0.0.1:0", identity=identity, trust=named) as welcome,
        ):
            key = refused.driver.send_request(refused.make_request("OPTIONS", callee.peer), callee.peer)
            assert await refused.next(TransportFailed) == TransportFailed(key)
            welcome.driver.send_request(welcome.make_request("OPTIONS", callee.peer), callee.peer)
            await callee.next(RequestReceived)

    asyncio.run(play())


def test_a_cancelled_call() -> None:
    async def play() -> None:
        async with Station() as caller, Station() as callee:
            key = caller.driver.send_request(caller.make_request("INVITE", callee.peer), callee.peer)
            caller.driver.cancel(key)
            received = await callee.next(RequestReceived)
            assert (await caller.next(ResponseReceived)).response.status == 100
            assert (await callee.next(CancelReceived)).key == received.key
            callee.driver.respond(received.key, make_response(received.request, 487, to_tag="callee"))
            assert (await caller.next(ResponseReceived)).response.status == 487

    asyncio.run(play())


def test_many_requests_share_one_connection() -> None:
    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as caller, Station("tcp:127.0.0.1:0") as callee:
            sources = set()
            for number in range(50):
                caller.driver.send_request(
                    caller.make_request("OPTIONS", callee.peer, cseq=number), callee.peer
                )
            for _ in range(50):
                received = await callee.next(RequestReceived)
                sources.add(received.peer)
                callee.driver.respond(received.key, make_response(received.request, 200, to_tag="x"))
            for _ in range(50):
                assert (await caller.next(ResponseReceived)).response.status == 200
            assert len(sources) == 1

    asyncio.run(play())


def test_thousands_of_transactions_at_once() -> None:
    count = 2_000

    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as caller, Station("tcp:127.0.0.1:0") as callee:

            def answer(event: SipEvent) -> None:
                if isinstance(event, RequestReceived):
                    callee.driver.respond(event.key, make_response(event.request, 200, to_tag="x"))

            callee.react = answer
            keys = {
                caller.driver.send_request(
                    caller.make_request("OPTIONS", callee.peer, cseq=number), callee.peer
                )
                for number in range(count)
            }
            answered = {(await caller.next(ResponseReceived)).key for _ in range(count)}
            assert answered == keys

    asyncio.run(play())


def test_a_lost_datagram_is_sent_again_by_the_real_clock() -> None:
    async def play() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.setblocking(False)
            target = Peer(Transport.UDP, "127.0.0.1", deaf.getsockname()[1])
            async with Station(timings=Timings(t1_s=0.01)) as caller:
                key = caller.driver.send_request(caller.make_request("INVITE", target), target)
                assert await caller.next(TransactionTimedOut) == TransactionTimedOut(key)
            copies = [deaf.recv(65535) for _ in range(7)]
            assert len(set(copies)) == 1
            with pytest.raises(BlockingIOError):
                deaf.recv(65535)

    asyncio.run(play())


@pytest.mark.parametrize("transport", [Transport.TCP, Transport.TLS])
def test_a_refused_connection_is_reported_at_once(transport: Transport, tmp_path: Path) -> None:
    identity = make_certificate(tmp_path)

    async def play() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            target = Peer(transport, "127.0.0.1", unused.getsockname()[1])
            listen = f"{transport.value.lower()}:127.0.0.1:0"
            async with Station(listen, identity=identity, trust=TlsTrust(ca_file=identity[0])) as caller:
                keys = [
                    caller.driver.send_request(caller.make_request("OPTIONS", target, cseq=number), target)
                    for number in (1, 2)
                ]
                assert [(await caller.next(TransportFailed)).key for _ in keys] == keys

    asyncio.run(play())


def test_a_connection_that_is_never_made_times_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tonevault.cde.edge.sip_driver.connections.CONNECT_TIMEOUT_S", 0.05)
    identity = make_certificate(tmp_path)

    async def play() -> None:
        # A TCP listener that never speaks TLS: the handshake hangs.
        mute = await asyncio.start_server(lambda _reader, writer: writers.append(writer), "127.0.0.1", 0)
        writers: list[asyncio.StreamWriter] = []
        target = Peer(Transport.TLS, "127.0.0.1", mute.sockets[0].getsockname()[1])
        async with Station(
            "tls:127.0.0.1:0", identity=identity, trust=TlsTrust(ca_file=identity[0])
        ) as caller:
            key = caller.driver.send_request(caller.make_request("OPTIONS", target), target)
            assert await caller.next(TransportFailed) == TransportFailed(key)
        for writer in writers:
            writer.close()
        mute.close()
        await mute.wait_closed()

    asyncio.run(play())


def test_a_broken_connection_fails_what_waits_for_it_and_the_next_request_opens_another() -> None:
    async def play() -> None:
        writers: list[asyncio.StreamWriter] = []
        accepted = asyncio.Event()

        def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            accepted.set()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        target = Peer(Transport.TCP, "127.0.0.1", server.sockets[0].getsockname()[1])
        async with Station("tcp:127.0.0.1:0") as caller:
            for _ in range(2):
                accepted.clear()
                key = caller.driver.send_request(caller.make_request("OPTIONS", target), target)
                async with asyncio.timeout(PATIENCE_S):
                    await accepted.wait()
                writers[-1].transport.abort()
                assert await caller.next(TransportFailed) == TransportFailed(key)
        assert len(writers) == 2
        server.close()
        await server.wait_closed()

    asyncio.run(play())


def test_nothing_of_a_peer_that_is_not_admitted_is_read() -> None:
    async def play() -> None:
        asked: asyncio.Queue[Peer] = asyncio.Queue()

        def refuse(peer: Peer) -> bool:
            asked.put_nowait(peer)
            return False

        async with AsyncExitStack() as stack:
            over_udp, over_tcp = Station(admit=refuse), Station("tcp:127.0.0.1:0", admit=refuse)
            caller = Station("tcp:127.0.0.1:0")
            await enter(stack, over_udp, over_tcp, caller)
            caller.driver.send_request(caller.make_request("OPTIONS", over_tcp.peer), over_tcp.peer)
            await caller.next(TransportFailed)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(b"OPTIONS sip:x SIP/2.0\r\n\r\n", (over_udp.peer.host, over_udp.peer.port))
                async with asyncio.timeout(PATIENCE_S):
                    assert [(await asked.get()).transport for _ in range(2)] == [Transport.TCP, Transport.UDP]
            assert over_udp.queue.empty()
            assert over_tcp.queue.empty()

    asyncio.run(play())


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


def test_a_name_is_resolved_for_datagrams_and_an_unknown_one_is_reported() -> None:
    async def play() -> None:
        async with Station() as caller, Station() as callee:
            target = Peer(Transport.UDP, "localhost", callee.peer.port)
            for cseq in (1, 2):
                caller.driver.send_request(caller.make_request("OPTIONS", target, cseq=cseq), target)
                await callee.next(RequestReceived)
            nowhere = Peer(Transport.UDP, "x" * 64, 5060)
            key = caller.driver.send_request(caller.make_request("OPTIONS", nowhere), nowhere)
            assert await caller.next(TransportFailed) == TransportFailed(key)

    asyncio.run(play())


def test_keep_alives_are_answered() -> None:
    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as station:
            reader, writer = await open_raw(station)
            writer.write(b"\r\n\r\n")
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.readexactly(2) == b"\r\n"
            writer.close()
            await writer.wait_closed()

    asyncio.run(play())


@pytest.mark.parametrize("data", [b"INVITE sip:x SIP/2.0\r\nContent-Length: x\r\n\r\n", b"x" * 70_000])
def test_a_stream_that_cannot_be_followed_is_closed(data: bytes) -> None:
    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as station:
            reader, writer = await open_raw(station)
            writer.write(data)
            async with asyncio.timeout(PATIENCE_S):
                await expect_end(reader)
            writer.close()

    asyncio.run(play())


@pytest.mark.parametrize("said", [b"", b"INVITE sip:x SIP/2.0\r\n", b"\r\n\r\nINVITE"])
def test_a_peer_that_owes_a_message_is_cut(monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr("tonevault.cde.edge.sip_driver.connections.SWEEP_INTERVAL_S", 0.02)
    monkeypatch.setattr("tonevault.cde.edge.sip_driver.stream_connection.PARTIAL_MESSAGE_TIMEOUT_S", 0.05)

    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as station:
            reader, writer = await open_raw(station)
            writer.write(said)
            async with asyncio.timeout(PATIENCE_S):
                await expect_end(reader)
            writer.close()

    asyncio.run(play())


def test_connections_beyond_the_limit_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tonevault.cde.edge.sip_driver.connections.MAX_CONNECTIONS", 1)

    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as station:
            first_reader, first = await open_raw(station)
            first.write(b"\r\n\r\n")
            async with asyncio.timeout(PATIENCE_S):
                assert await first_reader.readexactly(2) == b"\r\n"
                second_reader, second = await open_raw(station)
                await expect_end(second_reader)
            for writer in (first, second):
                writer.close()

    asyncio.run(play())


def test_a_fault_of_the_owner_ends_nothing_and_its_text_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def play() -> None:
        async with Station() as caller, Station() as callee:

            def fail(event: SipEvent) -> None:
                if isinstance(event, RequestReceived) and event.request.cseq.number == 1:
                    raise LookupError(CANARY)

            callee.react = fail
            for cseq in (1, 2):
                caller.driver.send_request(caller.make_request("INFO", callee.peer, cseq=cseq), callee.peer)
                await callee.next(RequestReceived)

    asyncio.run(play())
    (record,) = caplog.records
    assert record.getMessage().startswith("LookupError in handling RequestReceived, at ")
    assert "fail" in record.getMessage()
    assert CANARY not in caplog.text


def test_the_debug_log_names_messages_and_shows_nothing_of_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def play() -> None:
        async with Station() as caller, Station() as callee:
            body = f"Signal={CANARY}\r\n".encode()
            request = caller.make_request("INFO", callee.peer, call_id=f"{CANARY}@x", body=body)
            request.headers.add("X-Card", CANARY)
            caller.driver.send_request(request, callee.peer)
            received = await callee.next(RequestReceived)
            callee.driver.respond(received.key, make_response(received.request, 200, to_tag="x"))
            await caller.next(ResponseReceived)

    asyncio.run(play())
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("tonevault")]
    assert [line.split(",")[0] for line in ours] == [
        "sent INFO",
        "received INFO",
        "sent 200 to INFO",
        "received 200 to INFO",
    ]
    assert CANARY not in caplog.text


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
