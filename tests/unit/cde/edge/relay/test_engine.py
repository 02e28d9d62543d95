"""The engine under any datagrams at all: it never fails, answers no stranger, and lets no event through a capture."""

import gc
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.engine import CAPTURE_TICK_S, REPORTS_AT_ONCE, MediaEngine
from tonevault.cde.edge.relay.leg_reports import INTERVAL_S
from tonevault.cde.edge.relay.recording_feed import RecordingFeed
from tonevault.cde.media import Codec, Leg, LegMedia, MaskMode, MediaAddress, Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.wire.rtp import HEADER, is_rtcp

CUSTOMER, AGENT, STRANGER = ("192.0.2.1", 4000), ("192.0.2.2", 5000), ("192.0.2.3", 4000)
OPUS = Codec(96, "OPUS", 48000, 2)
CODECS = (Codec(0, "PCMU", 8000), Codec(8, "PCMA", 8000), Codec(9, "G722", 8000), Codec(13, "CN", 8000), OPUS)
EVENTS = (Codec(101, "TELEPHONE-EVENT", 8000), Codec(97, "TELEPHONE-EVENT", 48000))
RED = (Codec(98, "RED", 8000, fmtp="0/101"),)

HEADER_OCTETS = st.builds(
    HEADER.pack,
    st.sampled_from((0x80, 0x80, 0x80, 0x90, 0xA0, 0x81, 0x40)),
    st.sampled_from((0, 0, 8, 9, 13, 96, 97, 98, 98, 101, 101, 0x80, 0x88, 0xE5, 77, 200, 201)),
    st.integers(0, 20) | st.integers(0, 0xFFFF),
    st.integers(0, 20).map(lambda n: 160 * n) | st.integers(0, 0xFFFFFFFF),
    st.sampled_from((1, 1, 1, 2)),
)
DATAGRAM = st.builds(bytes.__add__, HEADER_OCTETS, st.binary(max_size=330)) | st.binary(max_size=60)
ACT = st.sampled_from(("start", "stop", "hush", "talk", "tick", "agent moves", "customer moves"))
PLAY = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from((CUSTOMER, AGENT, STRANGER)), DATAGRAM) | ACT, max_size=60
)


def opened(seed: int = 1) -> MediaEngine:
    engine = MediaEngine(random.Random(seed).randrange)
    engine.open(1, LegSockets(1, 2), LegSockets(3, 4), 0.0)
    engine.configure(1, Leg.CUSTOMER, leg(CUSTOMER))
    engine.configure(1, Leg.AGENT, leg(AGENT))
    return engine


def leg(address: tuple[str, int]) -> LegMedia:
    return LegMedia(MediaAddress(*address, address[1] + 1), CODECS, EVENTS, redundancy=RED)


def act(engine: MediaEngine, name: str, now: float) -> None:
    match name:
        case "start":
            engine.start_capture(1, MaskMode.TALK, now)
        case "stop":
            engine.stop_capture(1, now)
        case "hush":
            engine.set_mask(1, MaskMode.HUSH)
        case "talk":
            engine.set_mask(1, MaskMode.TALK)
        case "agent moves":
            engine.configure(1, Leg.AGENT, leg((AGENT[0], AGENT[1] + 2)))
        case "customer moves":
            engine.configure(1, Leg.CUSTOMER, leg((CUSTOMER[0], CUSTOMER[1] + 2)))
        case _:
            engine.tick(now)


@settings(max_examples=150, deadline=None)
@given(PLAY)
def test_no_datagram_makes_it_fail_or_leak(play: list[str | tuple[int, tuple[str, int], bytes]]) -> None:
    engine, now, capturing = opened(), 0.0, False
    for step in play:
        now += 0.007
        if isinstance(step, str):
            act(engine, step, now)
            capturing = (capturing and step != "stop") or step == "start"
        else:
            socket, source, datagram = step
            engine.receive(socket, datagram, source, now)
        for socket, datagram, target in engine.outbox:
            assert target[0] == (CUSTOMER if socket <= 2 else AGENT)[0]
            if capturing and socket == 3 and not is_rtcp(datagram):
                assert datagram[1] & 0x7F in (0, 8)
        engine.outbox.clear()
        engine.take_reports()
    engine.close(1, now)


def test_a_call_number_is_used_once_at_a_time() -> None:
    engine = opened()
    with pytest.raises(ValueError, match="in use"):
        engine.open(1, LegSockets(5, 6), LegSockets(7, 8), 0.0)


def test_the_clock_is_looked_at_often_only_while_a_capture_is_open() -> None:
    engine = opened()
    assert engine.next_tick(0.0) >= 2.5
    engine.start_capture(1, MaskMode.TALK, 0.0)
    assert engine.next_tick(0.0) == CAPTURE_TICK_S
    engine.stop_capture(1, 0.1)
    for n in range(100):
        engine.tick(0.1 + 0.005 * n)
    assert engine.next_tick(0.6) > 0.6 + CAPTURE_TICK_S


def test_what_is_asked_where_no_capture_is_open_does_nothing() -> None:
    engine = opened()
    engine.set_mask(1, MaskMode.HUSH)
    engine.stop_capture(1, 0.0)
    engine.tick(0.01)
    assert engine.outbox == []
    assert engine.take_reports() == []


def test_reports_that_are_due_together_go_out_a_few_at_a_time() -> None:
    engine, calls, later = MediaEngine(random.Random(1).randrange), 10, 2 * INTERVAL_S
    for call in range(calls):
        engine.open(call, LegSockets(4 * call, 4 * call + 1), LegSockets(4 * call + 2, 4 * call + 3), 0.0)
        engine.configure(call, Leg.CUSTOMER, leg(CUSTOMER))
        engine.configure(call, Leg.AGENT, leg(AGENT))
    sent: list[int] = []
    while engine.next_tick(later) <= later:
        engine.tick(later)
        assert 0 < len(engine.outbox) <= REPORTS_AT_ONCE
        sent += [socket for socket, _, _ in engine.outbox]
        engine.outbox.clear()
    assert sorted(sent) == [socket for call in range(calls) for socket in (4 * call + 1, 4 * call + 3)]


def security() -> Srtp:
    suite = SrtpSuite.CM_SHA1_80
    sends, receives = (MediaKey(bytearray([seed] * suite.key_octets)) for seed in (1, 2))
    return Srtp(suite, sends=sends, receives=receives)


@pytest.mark.parametrize("kind", ["plain", "captured", "secured", "recorded"])
def test_a_call_that_ended_is_no_garbage(kind: str) -> None:
    """A worker collects none while it has calls."""
    engine = MediaEngine(random.Random(1).randrange)
    gc.collect()
    gc.disable()
    try:
        engine.open(1, LegSockets(1, 2), LegSockets(3, 4), 0.0)
        if kind == "recorded":
            engine.record(1, RecordingFeed())
        for side, address in ((Leg.CUSTOMER, CUSTOMER), (Leg.AGENT, AGENT)):
            media = leg(address)
            engine.configure(1, side, replace(media, security=security()) if kind == "secured" else media)
        if kind != "plain":
            engine.start_capture(1, MaskMode.TALK, 0.0)
        for number in range(20):
            datagram = HEADER.pack(0x80, 0, number, 160 * number, 7) + bytes(160)
            engine.receive(1, datagram, CUSTOMER, 0.02 * number)
            engine.receive(3, datagram, AGENT, 0.02 * number)
            engine.tick(0.02 * number)
            engine.outbox.clear()
        engine.take_reports()
        engine.close(1, 0.4)
        assert gc.collect() == 0
    finally:
        gc.enable()
