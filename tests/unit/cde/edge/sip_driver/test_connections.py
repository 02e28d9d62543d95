"""TCP and TLS connections: shared, refused, broken, kept alive, cut."""

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import pytest
from tests.unit.cde.edge.sip_driver.station import PATIENCE_S, Station, make_certificate, open_raw

from tonevault.cde.edge.sip_driver.tls import TlsTrust
from tonevault.cde.wire.sip.events import (
    RequestReceived,
    ResponseReceived,
    TransportFailed,
)
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.response import make_response


async def expect_end(reader: asyncio.StreamReader) -> None:
    """The station closes the connection. What it left unread makes the kernel reset it, which is an end as well."""
    with contextlib.suppress(ConnectionResetError):
        assert (await reader.read()).strip() == b""


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


@pytest.mark.parametrize("admitted", [True, False])
def test_only_an_admitted_peer_is_shown_a_certificate(tmp_path: Path, admitted: bool) -> None:
    identity = make_certificate(tmp_path)
    unsent = ssl.MemoryBIO()
    handshake = (
        TlsTrust()
        .context_for(Peer(Transport.TLS, "x", 1))
        .wrap_bio(ssl.MemoryBIO(), unsent, server_hostname="x")
    )
    with contextlib.suppress(ssl.SSLWantReadError):
        handshake.do_handshake()
    hello = unsent.read()

    async def play() -> None:
        async with Station("tls:127.0.0.1:0", identity=identity, admit=lambda _: admitted) as station:
            reader, writer = await asyncio.open_connection(station.peer.host, station.peer.port)
            heard = b""
            with contextlib.suppress(ConnectionResetError):
                async with asyncio.timeout(PATIENCE_S):
                    writer.write(hello)
                    heard = await reader.read(1)
            writer.close()
            assert bool(heard) is admitted

    asyncio.run(play())


def test_a_message_that_comes_with_the_handshake_is_not_lost(tmp_path: Path) -> None:
    identity = make_certificate(tmp_path)

    async def play() -> None:
        trust = TlsTrust(ca_file=identity[0])
        async with Station("tls:127.0.0.1:0", identity=identity) as station:
            for number in range(20):
                reader, writer = await asyncio.open_connection(
                    station.peer.host, station.peer.port, ssl=trust.context_for(station.peer)
                )
                writer.write(
                    b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK%d\r\nFrom: <sip:a>;tag=1\r\n"
                    b"To: <sip:b>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
                    % (number, number)
                )
                received = await station.next(RequestReceived)
                station.driver.respond(received.key, make_response(received.request, 200, to_tag="x"))
                async with asyncio.timeout(PATIENCE_S):
                    assert (await reader.readline()).startswith(b"SIP/2.0 200")
                writer.close()

    asyncio.run(play())
