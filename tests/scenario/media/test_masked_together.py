"""Captures of many calls that go through the mask together: each agent is sent what it would be sent if its call were alone."""

import random

import pytest

from tests.e2e.peers import g711
from tests.e2e.peers.wav import Sound, keyed, noise, silence, speech_like
from tonevault.cde.edge.relay import mask_round
from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.masked_flow import Pressed
from tonevault.cde.media import Codec, Leg, LegMedia, MaskMode, MediaAddress
from tonevault.cde.wire.rtp import RtpPacket, build_rtp, is_rtcp, parse_rtp

PCMU = (Codec(0, "PCMU", 8000),)
PACKETS = 120
GATHERED = 3
"""Packet times after which what has gathered is masked; more than any worker lets gather."""


def sounds(calls: int) -> list[Sound]:
    kinds = [
        silence(0.2).then(keyed("159#")),
        speech_like(2.0),
        noise(2.0, -30),
        silence(0.5).then(keyed("44")),
    ]
    return [kinds[n % len(kinds)].then(silence(3.0)) for n in range(calls)]


def engine_of(calls: int) -> MediaEngine:
    engine = MediaEngine(random.Random(1).randrange)
    for call in range(calls):
        engine.open(call, LegSockets(4 * call, 4 * call + 1), LegSockets(4 * call + 2, 4 * call + 3), 0.0)
        for leg in Leg:
            address = MediaAddress("192.0.2.1", 4000 + 2 * call, 4001 + 2 * call)
            engine.configure(call, leg, LegMedia(address, PCMU, ()))
        engine.start_capture(call, MaskMode.TALK, 1.0)
    return engine


def played(
    calls: list[int], voices: list[Sound], *, gathers: bool
) -> tuple[dict[int, bytes], dict[int, int]]:
    """What the agent of each call heard, and how many presses were told of it."""
    engine = engine_of(len(voices))
    engine.gathers = gathers
    heard = dict.fromkeys(range(len(voices)), b"")
    presses = dict.fromkeys(range(len(voices)), 0)
    for turn in range(PACKETS):
        now = 1.0 + 0.02 * turn
        for call in calls:
            samples = voices[call].samples[160 * turn : 160 * (turn + 1)]
            packet = RtpPacket(0, turn, 160 * turn, call, g711.encode(0, samples))
            engine.receive(4 * call, build_rtp(packet), ("192.0.2.1", 4000 + 2 * call), now)
        engine.tick(now)
        if gathers and turn % GATHERED == GATHERED - 1:
            engine.mask(now)
        for socket, datagram, _ in engine.outbox:
            if not is_rtcp(datagram):
                heard[socket // 4] += parse_rtp(datagram).payload
        engine.outbox.clear()
        for told in engine.take_reports():
            presses[told.call] += isinstance(told.report, Pressed)
    return heard, presses


def test_together_is_as_alone() -> None:
    voices = sounds(9)
    together, presses = played(list(range(9)), voices, gathers=True)
    for call in range(9):
        alone, alone_presses = played([call], voices, gathers=False)
        assert together[call] == alone[call][: len(together[call])]
        assert presses[call] == alone_presses[call]
    assert len(together[0]) == 160 * PACKETS
    assert [presses[call] for call in range(4)] == [4, 0, 0, 2]


def test_more_captures_than_a_bank_has_lines_and_their_places_are_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mask_round, "LINES", 8)
    engine = engine_of(mask_round.LINES + 3)
    assert len(engine._banks._banks) == 2
    for call in range(mask_round.LINES):
        engine.close(call, 2.0)
    for call in range(mask_round.LINES):
        engine.open(1000 + call, LegSockets(8000 + 4 * call, 1), LegSockets(8002 + 4 * call, 3), 2.0)
        engine.start_capture(1000 + call, MaskMode.HUSH, 2.0)
    assert len(engine._banks._banks) == 2


def test_what_happens_to_a_line_happens_after_what_was_said_before() -> None:
    """A capture that is hushed while its voice still waits hushes what comes later."""
    engine = engine_of(2)
    engine.gathers = True
    voice = noise(1.0, -20)

    def says(turn: int) -> None:
        for call in (0, 1):
            samples = voice.samples[160 * turn : 160 * (turn + 1)]
            packet = RtpPacket(0, turn, 160 * turn, call, g711.encode(0, samples))
            engine.receive(4 * call, build_rtp(packet), ("192.0.2.1", 4000 + 2 * call), 1.0 + 0.02 * turn)

    for turn in range(10):
        says(turn)
    assert engine.unmasked == 2
    engine.set_mask(0, MaskMode.HUSH)
    engine.mask(1.2)
    assert engine.unmasked == 0
    heard = {
        call: b"".join(
            parse_rtp(datagram).payload for socket, datagram, _ in engine.outbox if socket == 4 * call + 2
        )
        for call in (0, 1)
    }
    assert heard[0] == heard[1]
    assert len(heard[0]) > 1000
