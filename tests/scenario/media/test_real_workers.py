"""Real relay worker processes over loopback UDP: voice passes, strangers do not, a dead worker is told and replaced."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
import pytest

from tonevault.cde.edge.relay import worker_link, worker_pool
from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings
from tonevault.cde.edge.relay.port_pool import MediaInterface
from tonevault.cde.media import (
    Carrier,
    Codec,
    KeyReport,
    Leg,
    LegMedia,
    MaskMode,
    MediaAddress,
    MediaPorts,
    MediaUnavailableError,
)
from tonevault.cde.wire.rtp import RtpPacket, build_rtp, parse_rtp
from tonevault.cde.wire.telephone_event import build_event
from tonevault.kernel.ids import CallId

PCMU = Codec(0, "PCMU", 8000)
EVENTS = Codec(101, "TELEPHONE-EVENT", 8000)
PATIENCE_S = 20.0
INTERFACE = MediaInterface("127.0.0.1", 27000, 27099)


@dataclass
class Sink:
    """Keeps what the relays tell."""

    keys: list[KeyReport] = field(default_factory=list)
    ups: list[tuple[Carrier, float]] = field(default_factory=list)
    masks: list[tuple[CallId, MaskMode]] = field(default_factory=list)
    lost: list[CallId] = field(default_factory=list)

    def key_pressed(self, report: KeyReport) -> None:
        self.keys.append(report)

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        self.ups.append((carrier, until))

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        self.masks.append((call_id, mode))

    def media_lost(self, call_id: CallId) -> None:
        self.lost.append(call_id)


class Phone:
    """A peer with one RTP socket on loopback."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE_S)
        self.sequence = 7
        self.timestamp = 1000

    @property
    def media(self) -> LegMedia:
        port = self.socket.getsockname()[1]
        return LegMedia(MediaAddress("127.0.0.1", port, 9), (PCMU,), (EVENTS,))

    def say(self, port: int, payload: bytes, payload_type: int = 0) -> None:
        packet = RtpPacket(payload_type, self.sequence, self.timestamp, 42, payload)
        self.socket.sendto(build_rtp(packet), ("127.0.0.1", port))
        self.sequence += 1
        self.timestamp += 160 if payload_type == 0 else 0

    async def hear(self) -> RtpPacket:
        datagram = await asyncio.to_thread(self.socket.recv, 2048)
        return parse_rtp(datagram)


async def until(condition: Callable[[], bool]) -> None:
    """Turn the event loop until the condition holds; what it waits for happens in another process."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "the relays did not do it in time"
        await asyncio.sleep(0.01)


Scene = Callable[[RelayPlane, Sink, Phone, Phone], Awaitable[None]]


def play(scene: Scene, settings: RelaySettings | None = None) -> None:
    async def run() -> None:
        plane, sink = RelayPlane(settings or RelaySettings(INTERFACE)), Sink()
        await plane.start(sink)
        try:
            with Phone() as customer, Phone() as agent:
                await scene(plane, sink, customer, agent)
        finally:
            await plane.stop()

    asyncio.run(run())


def connect(plane: RelayPlane, name: str, customer: Phone, agent: Phone) -> MediaPorts:
    call_id = CallId(name)
    ports = plane.open(call_id)
    plane.configure(call_id, Leg.CUSTOMER, customer.media)
    plane.configure(call_id, Leg.AGENT, agent.media)
    return ports


def test_voice_passes_both_ways_and_a_capture_reports_a_key() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        call_id = CallId("call_a")
        ports = connect(plane, "call_a", customer, agent)
        customer.say(ports.customer.port, b"\x11" * 160)
        assert (await agent.hear()).payload == b"\x11" * 160
        agent.say(ports.agent.port, b"\x22" * 160)
        assert (await customer.hear()).payload == b"\x22" * 160
        with Phone() as stranger:
            stranger.say(ports.customer.port, b"\x33" * 160)
        customer.say(ports.customer.port, build_event(5, 160), 101)
        assert (await agent.hear()).payload_type == 101
        customer.timestamp += 800
        plane.start_capture(call_id, MaskMode.TALK)
        await asyncio.sleep(0.05)
        for duration in (0, 160, 320):
            customer.say(ports.customer.port, build_event(7, duration), 101)
        await until(lambda: len(sink.keys) == 1)
        heard = await agent.hear()
        assert heard.payload_type == 0
        assert heard.payload != b"\x33" * 160
        assert sink.keys[0].key.is_digit
        await until(lambda: len(sink.ups) == 1)
        ((carrier, up_at),) = sink.ups
        assert carrier is Carrier.EVENT
        assert up_at == pytest.approx(sink.keys[0].onset, abs=PATIENCE_S)
        plane.stop_capture(call_id)
        plane.close(call_id)
        await until(lambda: plane.status().free_ports == INTERFACE.pairs)
        assert plane.status().totals.strangers == 1
        assert plane.status().totals.presses == 1

    play(scene)


def test_a_killed_worker_is_told_and_replaced() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        connect(plane, "call_a", customer, agent)
        os.kill(plane.worker_pids[0], signal.SIGKILL)
        await until(lambda: sink.lost == [CallId("call_a")])
        plane.close(CallId("call_a"))
        with pytest.raises(MediaUnavailableError, match="none is running"):
            plane.open(CallId("call_b"))
        await until(lambda: plane.status().workers == 1)
        ports = connect(plane, "call_c", customer, agent)
        customer.say(ports.customer.port, b"\x44" * 160)
        assert (await agent.hear()).payload == b"\x44" * 160

    play(scene)


def test_a_worker_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool, "HANG_S", 0.3)
    monkeypatch.setattr(worker_pool, "WATCH_S", 0.05)

    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        connect(plane, "call_a", customer, agent)
        os.kill(plane.worker_pids[0], signal.SIGSTOP)
        await until(lambda: sink.lost == [CallId("call_a")])

    play(scene)


def test_calls_are_spread_and_a_drained_plane_takes_no_more() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        for name in ("call_a", "call_b", "call_c", "call_d"):
            connect(plane, name, customer, agent)
        assert sorted(len(link.calls) for link in plane._pool.links) == [2, 2]
        drained = asyncio.create_task(plane.drain())
        await asyncio.sleep(0)
        with pytest.raises(MediaUnavailableError, match="draining"):
            plane.open(CallId("call_e"))
        for name in ("call_a", "call_b", "call_c"):
            plane.close(CallId(name))
        assert not drained.done()
        plane.close(CallId("call_d"))
        await drained
        await until(lambda: plane.status().free_ports == INTERFACE.pairs)

    play(scene, RelaySettings(INTERFACE, workers=2))


def test_a_full_relay_says_so() -> None:
    async def run() -> None:
        plane = RelayPlane(RelaySettings(INTERFACE, calls_a_worker=1))
        await plane.start(Sink())
        try:
            plane.open(CallId("call_a"))
            with pytest.raises(MediaUnavailableError, match="add workers"):
                plane.open(CallId("call_b"))
            with pytest.raises(ValueError, match="must be an IP address"):
                plane.configure(CallId("call_a"), Leg.AGENT, LegMedia(MediaAddress("x", 1, 2), (PCMU,), ()))
        finally:
            await plane.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("module", "executable", "said"),
    [("no.such.module", sys.executable, "standard error"), ("x", "/no/such/python", "cannot be started")],
)
def test_a_worker_that_does_not_come_up_is_told(
    monkeypatch: pytest.MonkeyPatch, module: str, executable: str, said: str
) -> None:
    monkeypatch.setattr(worker_link, "WORKER_MODULE", module)
    monkeypatch.setattr(sys, "executable", executable)

    async def run() -> None:
        plane = RelayPlane(RelaySettings(INTERFACE))
        with pytest.raises(MediaUnavailableError, match=said):
            await plane.start(Sink())
        assert plane.status().workers == 0

    asyncio.run(run())


def test_a_worker_knows_no_secret_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONEVAULT_CANARY", "secret-canary")

    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        process = Path("/proc") / str(plane.worker_pids[0])
        assert b"secret-canary" not in (process / "environ").read_bytes()
        assert b"secret-canary" not in (process / "cmdline").read_bytes()
        limits = (process / "limits").read_text().splitlines()
        (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
        assert core[4:6] == ["0", "0"]

    play(scene)


def test_a_worker_is_drained_without_hurting_its_call() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        before = connect(plane, "call_a", customer, agent)
        (old,) = plane.worker_pids
        plane.drain_worker(old)
        await until(lambda: plane.status().draining == 1)
        (new,) = plane.worker_pids
        assert new != old
        customer.say(before.customer.port, b"\x11" * 160)
        assert (await agent.hear()).payload == b"\x11" * 160
        with Phone() as other_customer, Phone() as other_agent:
            after = connect(plane, "call_b", other_customer, other_agent)
            plane.close(CallId("call_a"))
            await until(lambda: plane.status().draining == 0 and not psutil.pid_exists(old))
            other_customer.say(after.customer.port, b"\x22" * 160)
            assert (await other_agent.hear()).payload == b"\x22" * 160
        assert sink.lost == []
        assert plane.worker_pids == (new,)

    play(scene)


def test_a_worker_that_outgrows_its_limit_is_replaced() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        connect(plane, "call_a", customer, agent)
        (old,) = plane.worker_pids
        await until(lambda: plane.status().draining == 1)
        assert plane.worker_pids != (old,)
        assert sink.lost == []

    play(scene, RelaySettings(INTERFACE, worker_memory=1024))


def test_the_most_calls_are_a_setting() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        plane.open(CallId("call_a"))
        with pytest.raises(MediaUnavailableError, match="raise max_calls"):
            plane.open(CallId("call_b"))
        plane.close(CallId("call_a"))
        plane.open(CallId("call_b"))

    play(scene, RelaySettings(INTERFACE, max_calls=1))
    with pytest.raises(ValueError, match="hold 25 calls"):
        RelaySettings(INTERFACE, max_calls=26)


PARENT = """
import asyncio
from tests.scenario.media.test_real_workers import INTERFACE, Sink
from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings

async def run():
    plane = RelayPlane(RelaySettings(INTERFACE))
    await plane.start(Sink())
    print(plane.worker_pids[0], flush=True)
    await asyncio.sleep(60)

asyncio.run(run())
"""


def test_a_worker_ends_with_its_parent() -> None:
    with subprocess.Popen((sys.executable, "-c", PARENT), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        worker.wait(timeout=PATIENCE_S)
    assert not worker.is_running()
