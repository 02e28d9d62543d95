"""What is made here leaves in packets of the length asked for, as one stream, through pauses and changes of codec."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.edge.relay.voice_sender import BURST_FRAMES, VoiceOut, VoiceSender
from tonevault.cde.media import Codec
from tonevault.cde.wire.rtp import RtpPacket, parse_rtp

PCMU, OPUS = Codec(0, "PCMU", 8000), Codec(96, "OPUS", 48000, 2)
LOUD = np.full(160, 8000, np.int16)
QUIET = np.zeros(160, np.int16)


def sender(out: VoiceOut | None) -> VoiceSender:
    return VoiceSender(OutStream(Random(1).randrange), out)


def sent(one: VoiceSender, *pieces: np.ndarray, is_last: bool = False) -> list[RtpPacket]:
    for piece in pieces:
        one.take(piece)
    return [parse_rtp(datagram) for datagram in one.packets(5.0, is_last=is_last)]


@pytest.mark.parametrize("ms", [10, 20, 30, 60])
def test_packets_have_the_length_asked_for(ms: int) -> None:
    packets = sent(sender(VoiceOut(PCMU, ms)), *[LOUD] * 12)
    assert {len(packet.payload) for packet in packets} == {8 * ms}
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(packets)} == {8 * ms}


@pytest.mark.parametrize(("asked", "given"), [(10, 10), (30, 20), (50, 40), (60, 60)])
def test_opus_has_the_next_shorter_packet_that_it_knows(asked: int, given: int) -> None:
    packets = sent(sender(VoiceOut(OPUS, asked)), *[LOUD] * 12)
    assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(packets)} == {48 * given}


def test_the_rest_goes_with_the_last() -> None:
    one = sender(VoiceOut(PCMU, 20))
    assert [len(packet.payload) for packet in sent(one, LOUD, LOUD[:50], is_last=True)] == [160, 50]
    opus = sender(VoiceOut(OPUS, 20))
    packets = sent(opus, LOUD, LOUD[:50], is_last=True)
    assert len(packets) == 2, "padded: Opus has no packet of 6 ms"


def test_of_many_at_once_the_quiet_ones_stay_away() -> None:
    packets = sent(sender(VoiceOut(PCMU, 20)), *[QUIET] * 8, LOUD)
    assert len(packets) == BURST_FRAMES
    assert packets[-1].marker is False
    assert packets[0].marker
    assert (packets[-1].timestamp - packets[0].timestamp) & 0xFFFFFFFF == 160 * (BURST_FRAMES - 1)
    loud = sent(sender(VoiceOut(PCMU, 20)), *[LOUD] * 9)
    assert len(loud) == 9


def test_a_pause_of_the_hearer_is_a_pause_of_the_clock_alone() -> None:
    one = sender(VoiceOut(PCMU, 20))
    (before,) = sent(one, LOUD)
    one.retarget(None)
    assert sent(one, *[LOUD] * 10) == []
    one.retarget(VoiceOut(PCMU, 20))
    (after,) = sent(one, LOUD)
    assert (after.sequence - before.sequence) & 0xFFFF == 1
    assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 11 * 160
    assert after.marker


def test_another_codec_goes_on_where_the_last_one_stopped() -> None:
    one = sender(VoiceOut(PCMU, 20))
    (before,) = sent(one, LOUD)
    one.retarget(VoiceOut(OPUS, 20))
    first, second = sent(one, LOUD, LOUD)
    assert (first.payload_type, first.ssrc) == (96, before.ssrc)
    assert (first.timestamp - before.timestamp) & 0xFFFFFFFF == 160
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 960


def test_a_codec_that_nobody_speaks_is_sent_nothing() -> None:
    assert sent(sender(VoiceOut(Codec(18, "G729", 8000), 20)), LOUD) == []
