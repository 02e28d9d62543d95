"""The driver on real loopback sockets: calls over UDP, TCP and TLS, admission, names, faults of the owner, the log."""

import asyncio
import contextlib
import logging
import socket
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.unit.cde.edge.sip_driver.station import PATIENCE_S, Station, enter, make_certificate

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
            copies: list[bytes] = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    copies.append(deaf.recv(65535))
            # Seven on an idle machine; a busy one is late with some and gives up in time all the same.
            assert 2 <= len(copies) <= 7
            assert len(set(copies)) == 1

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
