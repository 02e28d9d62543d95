"""SRTP in a real relay worker process over loopback UDP: keys cross the control socket, voice and a key press cross the locks."""

import asyncio
from dataclasses import replace

from tests.scenario.media.secured_stage import FarEnd
from tests.scenario.media.test_real_workers import INTERFACE, PATIENCE_S, Phone, Sink, play, until
from tonevault.cde.edge.relay.controller import RelayPlane
from tonevault.cde.media import Leg, LegMedia, MaskMode, SrtpSuite
from tonevault.cde.wire.rtp import RtpPacket, build_rtp, parse_rtp
from tonevault.cde.wire.telephone_event import build_event
from tonevault.kernel.ids import CallId


class SecuredPhone:
    """A phone of the plain tests behind a lock."""

    def __init__(self, phone: Phone, suite: SrtpSuite, seed: int) -> None:
        self.phone = phone
        self.end = FarEnd(suite, seed)

    @property
    def media(self) -> LegMedia:
        return replace(self.phone.media, security=self.end.security)

    def say(self, port: int, payload: bytes, payload_type: int = 0) -> bytes:
        phone = self.phone
        packet = RtpPacket(payload_type, phone.sequence, phone.timestamp, 42, payload)
        locked = self.end.lock(build_rtp(packet))
        phone.socket.sendto(locked, ("127.0.0.1", port))
        phone.sequence += 1
        phone.timestamp += 160 if payload_type == 0 else 0
        return locked

    async def hear(self) -> RtpPacket:
        datagram = await asyncio.wait_for(asyncio.to_thread(self.phone.socket.recv, 2048), PATIENCE_S)
        return parse_rtp(self.end.open(datagram))


def test_a_capture_on_two_secured_legs() -> None:
    async def scene(plane: RelayPlane, sink: Sink, customer: Phone, agent: Phone) -> None:
        call_id = CallId("call_a")
        ports = plane.open(call_id)
        caller = SecuredPhone(customer, SrtpSuite.CM_SHA1_80, 1)
        callee = SecuredPhone(agent, SrtpSuite.GCM_256, 2)
        plane.configure(call_id, Leg.CUSTOMER, caller.media)
        plane.configure(call_id, Leg.AGENT, callee.media)
        locked = caller.say(ports.customer.port, b"\x11" * 160)
        assert (await callee.hear()).payload == b"\x11" * 160
        callee.say(ports.agent.port, b"\x22" * 160)
        assert (await caller.hear()).payload == b"\x22" * 160
        customer.say(ports.customer.port, b"\x33" * 160)
        customer.socket.sendto(locked, ("127.0.0.1", ports.customer.port))
        caller.say(ports.customer.port, b"\x44" * 160)
        assert (await callee.hear()).payload == b"\x44" * 160, "neither the plain packet nor the repeated one"
        # The stream's clock goes on while nobody speaks: the press is later than the capture's opening.
        customer.timestamp += 800
        plane.start_capture(call_id, MaskMode.TALK)
        await asyncio.sleep(0.05)
        for duration in (0, 160, 320):
            caller.say(ports.customer.port, build_event(7, duration), 101)
        await until(lambda: len(sink.keys) == 1)
        assert (await callee.hear()).payload_type == 0
        plane.stop_capture(call_id)
        plane.close(call_id)
        await until(lambda: plane.status().free_ports == INTERFACE.pairs)
        totals = plane.status().totals
        assert (totals.forged, totals.replayed, totals.presses) == (1, 1, 1)

    play(scene)
