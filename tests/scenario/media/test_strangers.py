"""Packets that are not the peer's, put in and played back: in simulated time, and at a real worker's sockets once they are narrowed."""

import asyncio
import socket
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.peers.wav import noise
from tests.scenario.media.stage import CUSTOMER, CUSTOMER_SOCKETS, START, Phone, Stage
from tests.scenario.media.test_real_workers import PATIENCE_S, Sink, connect, play, until
from tests.scenario.media.test_real_workers import Phone as RealPhone
from tonevault.cde.edge.relay import call_sockets, latch
from tonevault.cde.edge.relay.controller import RelayPlane
from tonevault.cde.edge.relay.source_watch import SourceWatch, leaps
from tonevault.cde.media import Leg
from tonevault.cde.wire.rtp import RtpPacket, build_rtp
from tonevault.kernel.ids import CallId

FORGED = {
    "another source": RtpPacket(0, 500, 9_000, 666, b"\x55" * 160),
    "the source's own number, far ahead": RtpPacket(0, 40_000, 9_000, 1111, b"\x55" * 160),
    "the source's own number, far behind": RtpPacket(0, 60_000, 9_000, 1111, b"\x55" * 160),
    "an event of another source": RtpPacket(101, 500, 9_000, 666, b"\x05\x0a\x00\xa0"),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("captured", [False, True], ids=["plain", "capture"])
def test_one_packet_in_the_peers_name_changes_nothing(forged: RtpPacket, captured: bool) -> None:
    """Also one that has the peer's address, as an attacker on the way could send it."""
    stage, alone = Stage(), Stage()
    for each in (stage, alone):
        each.sends(Phone().says(noise(1.0)))
        if captured:
            each.capture(0.1)
    for at in (0.305, 0.505, 0.705):
        stage.at(at, lambda: receive(stage, forged))
    stage.play(1.5)
    alone.play(1.5)
    assert stage.agent_heard.packets == alone.agent_heard.packets
    assert stage.reports == alone.reports


def receive(stage: Stage, packet: RtpPacket) -> None:
    stage.engine.receive(CUSTOMER_SOCKETS.rtp, build_rtp(packet), CUSTOMER, START + stage.now)


def test_what_was_said_before_is_not_said_again() -> None:
    """Played back in its old order, the stream's beginning reaches the agent at most as a duplicate, which every phone drops."""
    phone = Phone(sequence=100).says(noise(4.0))
    stage = Stage().sends(phone)
    for number, (_, packet) in enumerate(phone.sent[:20:2]):
        stage.at(3.0 + 0.02 * number, partial(receive, stage, packet))
    stage.play(5.0)
    numbers = [packet.sequence for _, packet in stage.agent_heard.packets]
    assert numbers == sorted(numbers)
    assert len(numbers) == 200


def test_two_in_a_row_are_a_phone_that_begins_anew() -> None:
    watch = SourceWatch()
    assert not watch.confirms(7, 0xFFFF, 50)
    assert watch.confirms(7, 0, 50)
    assert not watch.confirms(7, 1, 50)
    assert not watch.confirms(8, 2, 50)
    assert not watch.confirms(7, 3, 50)
    assert not watch.confirms(7, 3, 50)
    assert watch.confirms(7, 6, 50)
    assert not watch.confirms(8, 1, 50)
    assert not watch.confirms(8, 2, 51)


def test_a_leap_is_more_than_loss_and_disorder() -> None:
    assert not leaps(2, 0xFFFF)
    assert not leaps(0xFFFF - 90, 0)
    assert leaps(0xFFFF - 100, 0)
    assert leaps(3001, 0)


def is_narrowed(plane: RelayPlane, phone: RealPhone, port: int) -> bool:
    """What the kernel says of the worker's socket at `port`: whether it is connected to the phone (proc(5), net/udp)."""
    local, remote = f":{port:04X}", f"0100007F:{phone.socket.getsockname()[1]:04X}"
    table = Path(f"/proc/{plane.worker_pids[0]}/net/udp").read_text(encoding="ascii")
    rows = [line.split() for line in table.splitlines()[1:]]
    return any(row[1].endswith(local) and row[2] == remote for row in rows)


async def narrowed(plane: RelayPlane, customer: RealPhone, agent: RealPhone, port: int) -> None:
    """Speak until the kernel takes nothing from others, and the worker has gone through what it had before."""
    for _ in range(200):
        customer.say(port, b"\x11" * 160)
        if is_narrowed(plane, customer, port):
            break
        await asyncio.sleep(0.02)
    assert is_narrowed(plane, customer, port)
    customer.say(port, b"\x12" * 160)
    await hear(agent, b"\x12" * 160)


async def hear(phone: RealPhone, payload: bytes) -> None:
    """What came before it is passed over."""
    while (await phone.hear()).payload != payload:
        pass


def test_a_socket_is_narrowed_to_its_peer_and_a_stranger_is_not_even_read() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: RealPhone, agent: RealPhone) -> None:
        ports = connect(plane, "call_a", customer, agent)
        await narrowed(plane, customer, agent, ports.customer.port)
        with RealPhone() as stranger:
            stranger.sequence, stranger.timestamp = customer.sequence, customer.timestamp
            stranger.say(ports.customer.port, b"\x33" * 160)
        for _ in range(75):
            customer.say(ports.customer.port, b"\x11" * 160)
            assert (await agent.hear()).payload == b"\x11" * 160
            await asyncio.sleep(0.02)
        plane.close(CallId("call_a"))
        await until(lambda: plane.status().free_ports == plane._settings.interface.pairs)
        assert plane.status().totals.strangers == 0

    play(scene)


def test_a_narrowed_socket_hears_another_port_when_its_peer_is_silent_or_moves() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: RealPhone, agent: RealPhone) -> None:
        ports = connect(plane, "call_a", customer, agent)
        await narrowed(plane, customer, agent, ports.customer.port)
        with RealPhone() as moved:
            moved.sequence, moved.timestamp = 500, 9_000
            plane.configure(CallId("call_a"), Leg.CUSTOMER, moved.media)
            await until(lambda: not is_narrowed(plane, customer, ports.customer.port))
            # Two of them: the source's numbers leap, and a single packet is believed of nobody.
            for _ in range(2):
                moved.say(ports.customer.port, b"\x66" * 160)
            await hear(agent, b"\x66" * 160)
            await narrowed(plane, moved, agent, ports.customer.port)
            # It falls silent: the port is opened again, so that a NAT's new binding can be heard.
            await until(lambda: not is_narrowed(plane, moved, ports.customer.port))
            customer.sequence, customer.timestamp = moved.sequence, moved.timestamp
            customer.say(ports.customer.port, b"\x77" * 160)
            await hear(agent, b"\x77" * 160)

    play(scene)


def test_word_that_the_peers_port_is_closed_takes_no_packet_away() -> None:
    """ICMP can be forged, so what it says is no reason to leave out a packet."""

    async def scene(plane: RelayPlane, sink: Sink, customer: RealPhone, agent: RealPhone) -> None:
        ports = connect(plane, "call_a", customer, agent)
        await narrowed(plane, agent, customer, ports.agent.port)
        await narrowed(plane, customer, agent, ports.customer.port)
        address = agent.socket.getsockname()
        agent.socket.close()
        for _ in range(5):
            customer.say(ports.customer.port, b"\x22" * 160)
            await asyncio.sleep(0.02)
        agent.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        agent.socket.bind(address)
        agent.socket.settimeout(PATIENCE_S)
        customer.say(ports.customer.port, b"\x33" * 160)
        await hear(agent, b"\x33" * 160)

    play(scene)


def test_the_rule_of_silence_is_looked_at_often_enough() -> None:
    assert call_sockets.SETTLE_EVERY_S <= latch.SILENCE_S
