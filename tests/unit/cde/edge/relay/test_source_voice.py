"""The short way of a packet that plainly goes on leads where the long way does."""

import random

import pytest

from tonevault.cde.edge.relay.source_voice import Sound, SourceVoice
from tonevault.cde.media import Codec
from tonevault.cde.wire.g711 import Law, decode
from tonevault.cde.wire.rtp import RtpPacket

PCMU, PCMA = Codec(0, "PCMU", 8000), Codec(8, "PCMA", 8000)


def long_way(source: SourceVoice, packet: RtpPacket, codec: Codec, now: float) -> list[Sound]:
    return list(source.sounds(source.voice(packet, codec, now), now, 0.0))


def short_way(source: SourceVoice, packet: RtpPacket, codec: Codec, now: float) -> tuple[list[Sound], bool]:
    """What is heard, and whether the way was short."""
    at = source.next_packet((packet.sequence, packet.timestamp, codec, packet.payload), now, 0.0)
    if at is None or source.law is None:
        return long_way(source, packet, codec, now), False
    return [Sound(decode(source.law, packet.payload), at, lost=False)], True


def told(sounds: list[Sound]) -> list[tuple[bytes, float, bool]]:
    return [(sound.samples.tobytes(), sound.at, sound.lost) for sound in sounds]


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_lead_to_the_same(seed: int) -> None:
    """Through loss, disorder, duplicates, bursts, jumps of the clock, pauses and ticks."""
    chance = random.Random(seed)
    one, other = SourceVoice(0.0), SourceVoice(0.0)
    sequence, timestamp, now, shortened = chance.randrange(1 << 16), chance.randrange(1 << 32), 0.0, 0
    for turn in range(600):
        now += chance.choice((0.02, 0.02, 0.02, 0.02, 0.001, 0.04))
        codec = PCMA if turn > 500 else PCMU
        fate = chance.random()
        if fate < 0.03:
            sequence += chance.choice((1, 2, 5))
            timestamp += chance.choice((160, 320, 100_000))
        elif fate < 0.06:
            sequence, timestamp = sequence - 1, timestamp - 160
        elif fate < 0.08:
            timestamp += 1600
        payload = chance.randbytes(chance.choice((160, 160, 160, 80)))
        packet = RtpPacket(codec.payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 7, payload)
        if chance.random() < 0.02:
            assert told(list(one.sounds(one.pause(packet, now), now, 0.0))) == told(
                list(other.sounds(other.pause(packet, now), now, 0.0))
            )
        else:
            sounds, is_short = short_way(one, packet, codec, now)
            shortened += is_short
            assert told(sounds) == told(long_way(other, packet, codec, now))
        sequence, timestamp = sequence + 1, timestamp + len(payload)
        if chance.random() < 0.3:
            ticked = [list(each.sounds(each.playout.tick(now), now, 0.0)) for each in (one, other)]
            assert told(ticked[0]) == told(ticked[1])
    assert shortened > 100
    assert one.playout.filled_samples == other.playout.filled_samples
    assert one.playout.late_packets == other.playout.late_packets


def test_what_cannot_be_decoded_goes_the_long_way() -> None:
    source = SourceVoice(0.0)
    assert source.next_packet((1, 0, PCMU, bytes(160)), 0.0, 0.0) is None
    long_way(source, RtpPacket(0, 1, 0, 7, bytes(160)), PCMU, 0.0)
    assert source.next_packet((2, 160, PCMU, b""), 0.02, 0.0) is None
    assert source.next_packet((2, 160, PCMU, bytes(160)), 0.02, 0.0) == pytest.approx(0.0)
    assert source.law is Law.ULAW
