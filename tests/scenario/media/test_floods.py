"""Floods of RTP at the ports of a call, in simulated time: strangers and unknown sources change nothing and are not remembered."""

import gc
import random

from tests.fuzz.targets import RelayedCall
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.wire.rtp import RtpPacket, build_rtp

FLOOD = 5_000
VOICE = bytes([0x55]) * 160


def flooded(*, known_address: bool) -> tuple[MediaEngine, int, int]:
    """A call whose customer's port gets packets of ever new sources beside its own stream; how much of that stream the agent got, and
    how many objects the flood has left behind."""
    call = RelayedCall(random.Random(1))
    call._begin()
    engine, heard = call._engine, 0
    own, now, objects = ("192.0.2.10", 4000), 100.0, 0
    for number in range(FLOOD):
        now += 0.02
        engine.receive(1, build_rtp(RtpPacket(0, number & 0xFFFF, 160 * number, 7, VOICE)), own, now)
        engine.tick(now)
        heard += sum(1 for _ in engine.outbox)
        engine.outbox.clear()
        source = own if known_address else (f"203.0.{number % 250}.{number // 250}", 1024 + number)
        for burst in range(3):
            engine.receive(
                1, build_rtp(RtpPacket(0, burst, 160 * burst, 10**6 + 3 * number + burst, VOICE)), source, now
            )
        engine.outbox.clear()
        if number == FLOOD // 5:
            gc.collect()
            objects = len(gc.get_objects())
    gc.collect()
    return engine, heard, len(gc.get_objects()) - objects


def test_packets_of_strangers() -> None:
    engine, heard, grown = flooded(known_address=False)
    assert heard >= FLOOD * 0.99, "the customer's own voice goes on"
    assert grown < 200
    assert (len(engine._inlets), len(engine._flows), engine.calls) == (4, 2, 1)


def test_unknown_sources_at_the_customers_own_address() -> None:
    """One stream is followed; others are not kept an account of, whatever becomes of the first."""
    engine, _, grown = flooded(known_address=True)
    assert grown < 200
    assert (len(engine._inlets), len(engine._flows), engine.calls) == (4, 2, 1)
