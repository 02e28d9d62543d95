"""Connections by the hundred: half open, silent, dripping, or with more than a message holds. All are bounded, and a peer gets through."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
from tests.unit.cde.edge.sip_driver.station import PATIENCE_S, Station, make_certificate

from tonevault.cde.edge.sip_driver.tls import TlsTrust
from tonevault.cde.wire.sip.events import RequestReceived, ResponseReceived
from tonevault.cde.wire.sip.response import make_response

CONNECTIONS = "tonevault.cde.edge.sip_driver.connections"


async def open_many(count: int, port: int, host: str = "127.0.0.1") -> list[asyncio.StreamWriter]:
    """Connections from one address that say nothing; those that are refused at once count too."""
    writers = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
            writers.append(writer)
    return writers


async def close_all(writers: list[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def until(holds: object) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def assert_answered(caller: Station, callee: Station) -> None:
    caller.driver.send_request(caller.make_request("OPTIONS", callee.peer), callee.peer)
    received = await callee.next(RequestReceived)
    callee.driver.respond(received.key, make_response(received.request, 200, to_tag="x"))
    assert (await caller.next(ResponseReceived)).response.status == 200


def test_one_address_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{CONNECTIONS}.MAX_CONNECTIONS_A_SOURCE", 20)

    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as callee, Station("tcp:127.0.0.2:0") as other:
            writers = await open_many(100, callee.peer.port, "127.0.0.3")
            connections = callee.driver._connections
            await until(lambda: len(connections) == 20)
            # Another address still finds room, and so does a connection of ours.
            await assert_answered(callee, other)
            await close_all(writers)
            await until(lambda: len(connections) <= 1)
            assert len(connections._of_source) <= 1

    asyncio.run(play())


def test_all_addresses_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{CONNECTIONS}.MAX_CONNECTIONS", 30)

    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as callee, Station("tcp:127.0.0.2:0") as caller:
            hosts = [f"127.0.0.{last}" for last in range(3, 13)]
            writers = [one for host in hosts for one in await open_many(10, callee.peer.port, host)]
            connections = callee.driver._connections
            await until(lambda: len(connections) == 30)
            await close_all(writers)
            await until(lambda: len(connections) == 0)
            await assert_answered(caller, callee)

    asyncio.run(play())


def test_silent_and_dripping_connections_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow loris gets as long for its whole message as anybody: each byte does not begin its time anew."""
    monkeypatch.setattr(f"{CONNECTIONS}.SWEEP_INTERVAL_S", 0.05)
    monkeypatch.setattr("tonevault.cde.edge.sip_driver.stream_connection.PARTIAL_MESSAGE_TIMEOUT_S", 0.3)

    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as callee, Station("tcp:127.0.0.2:0") as caller:
            writers = await open_many(20, callee.peer.port)
            dripping, swept = writers[:10], asyncio.get_running_loop().time() + 0.3
            connections = callee.driver._connections
            await until(lambda: len(connections) == 20)
            while len(connections):
                for writer in dripping:
                    with contextlib.suppress(OSError):
                        writer.write(b"X")
                await asyncio.sleep(0.02)
                assert asyncio.get_running_loop().time() < swept + PATIENCE_S
            await assert_answered(caller, callee)
            await close_all(writers)

    asyncio.run(play())


def test_handshakes_that_never_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tonevault.cde.edge.sip_driver.tls_acceptor.MAX_HANDSHAKES", 10)
    monkeypatch.setattr("tonevault.cde.edge.sip_driver.tls_acceptor.HANDSHAKE_TIMEOUT_S", 0.5)
    identity = make_certificate(tmp_path)

    async def play() -> None:
        trust = TlsTrust(ca_file=identity[0])
        async with (
            Station("tls:127.0.0.1:0", identity=identity, trust=trust) as callee,
            Station("tls:127.0.0.1:0", identity=identity, trust=trust) as caller,
        ):
            writers = await open_many(60, callee.peer.port)
            (binding,) = callee.driver._bindings._bound
            assert binding.tls is not None
            handshakes = binding.tls._handshakes
            assert len(handshakes) <= 10
            await until(lambda: not handshakes)
            await assert_answered(caller, callee)
            await close_all(writers)

    asyncio.run(play())


def test_more_than_a_message_holds_ends_the_connection() -> None:
    async def play() -> None:
        async with Station("tcp:127.0.0.1:0") as callee, Station("tcp:127.0.0.2:0") as caller:
            for flood in (b"A" * 200_000, b"INVITE sip:a@b SIP/2.0\r\nContent-Length: 99999999\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", callee.peer.port)
                with contextlib.suppress(OSError):
                    writer.write(flood)
                    await writer.drain()
                    assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
                await close_all([writer])
            await until(lambda: len(callee.driver._connections) == 0)
            await assert_answered(caller, callee)

    asyncio.run(play())
