"""The hot path says nothing else than the careful one, and takes nothing that is not plainly the next packet."""

import random
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tonevault.cde.edge.relay.direct_path import Datagram, DirectPath
from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.edge.relay.payload_map import PayloadMap, Route
from tonevault.cde.edge.relay.track import JUMP_S
from tonevault.cde.media import Codec, LegMedia, MediaAddress
from tonevault.cde.wire.rtp import HEADER_OCTETS, RtpPacket, build_rtp, parse_rtp

PHONE, HEARER = ("192.0.2.1", 4000), ("192.0.2.2", 5000)
PCMU, PCMA = Codec(0, "PCMU", 8000), Codec(8, "PCMA", 8000)
OPUS_HERE, OPUS_THERE = Codec(96, "OPUS", 48000, 2), Codec(111, "OPUS", 48000, 2)
VOICE = bytes(range(160))


def leg(*codecs: Codec) -> LegMedia:
    return LegMedia(MediaAddress(*PHONE, 9), codecs, ())


class Play:
    """A path between a phone and its hearer. A careful play never asks the hot path."""

    def __init__(
        self, *, careful: bool = False, seed: int = 1, sends: Codec = PCMU, hears: Codec = PCMU
    ) -> None:
        self.outbox: list[Datagram] = []
        self.path = DirectPath(self.outbox, 7, OutStream(random.Random(seed).randrange))
        self.path.voice = PayloadMap(leg(sends, PCMA), leg(hears, PCMA)).voice
        self.path.source, self.path.target = PHONE, HEARER
        self.hot = 0
        self.heard: list[bytes] = []
        self._careful = careful

    def take(self, packet: RtpPacket, now: float) -> bytes | None:
        """Gives back what the hearer is sent for it."""
        datagram = build_rtp(packet)
        forwarded = None if self._careful else self.path.track.forward(datagram, now)
        if forwarded is not None:
            self.hot += 1
            said = forwarded
        else:
            route = self.path.voice[packet.payload_type | 0x80 * packet.marker]
            assert route is not None
            if not self.path.carry(parse_rtp(datagram), route, now):
                return None
            said = self.outbox.pop()[1]
        self.heard.append(said)
        return said


def packet(number: int, *, first: int = 0, clock: int = 0, step: int = 160, ssrc: int = 5) -> RtpPacket:
    """The number-th of a stream."""
    return RtpPacket(0, (first + number) & 0xFFFF, (clock + step * number) & 0xFFFFFFFF, ssrc, VOICE)


@dataclass(frozen=True)
class Step:
    """How the next packet differs from the one that would plainly follow."""

    sequence: int = 1
    units: int = 160
    waits_s: float = 0.02
    payload_type: int = 0
    marker: bool = False
    octets: int = 160
    extended: bool = False


PLAIN = st.just(Step())
ANY = st.builds(
    Step,
    st.sampled_from((1, 1, 2, 3, 0, -1, 50)),
    st.sampled_from((160, 160, 0, 320, 240, -160, 7999, 100_000)),
    st.sampled_from((0.02, 0.0, 0.5)),
    st.sampled_from((0, 8)),
    st.booleans(),
    st.sampled_from((160, 1, 80)),
    st.booleans(),
)


PAUSED = [Step(sequence=number, waits_s=0.5) for number in (-1, -1, 1, 0)]


@settings(max_examples=150, deadline=None)
@example([[Step(), Step()], PAUSED, [Step(), Step()]], 0, 0, 0)
@given(
    st.lists(st.lists(PLAIN, max_size=6) | ANY.map(lambda one: [one]), max_size=12),
    st.sampled_from((0, 100, 0xFFF8, 0x7FF0)),
    st.sampled_from((0, 0xFFFFFC00, 0x7FFFFF00)),
    st.integers(0, 50),
)
def test_both_ways_say_the_same(play: list[list[Step]], first: int, clock: int, seed: int) -> None:
    direct, careful = Play(seed=seed), Play(careful=True, seed=seed)
    sequence, timestamp, now = first, clock, 1.0
    for step in (one for steps in play for one in steps):
        sequence, timestamp = (sequence + step.sequence) & 0xFFFF, (timestamp + step.units) & 0xFFFFFFFF
        now += step.waits_s
        extension = (1, b"abcd") if step.extended else None
        payload = VOICE[: step.octets]
        said = RtpPacket(step.payload_type, sequence, timestamp, 5, payload, step.marker, (), extension)
        assert direct.take(said, now) == careful.take(said, now)
        assert (direct.path.sequence, direct.path.timestamp) == (
            careful.path.sequence,
            careful.path.timestamp,
        )
        assert direct.path.heard_at == careful.path.heard_at
    assert direct.path.settle() == careful.path.settle()
    for name in ("sequence", "timestamp", "samples", "sent_at", "packets", "octets"):
        assert getattr(direct.path.stream, name) == getattr(careful.path.stream, name)


@pytest.mark.parametrize("seed", range(4))
def test_a_steady_stream_is_carried_by_the_hot_path_past_every_end_of_its_numbers(seed: int) -> None:
    play = Play(seed=seed)
    play.path.stream.sequence, play.path.stream.timestamp = 0xFFFF - 60, 0xFFFFFFFF - 160 * 30 + seed
    for number in range(100):
        play.take(packet(number, first=0xFFFF - 45, clock=0xFFFFFFFF - 160 * 80 + seed), 1.0 + 0.02 * number)
    assert play.hot == 100 - 2 - 4, "two to learn its step, and one after each of four counts began again"
    heard = [parse_rtp(one) for one in play.heard]
    assert len({(one.sequence - number) & 0xFFFF for number, one in enumerate(heard)}) == 1
    assert len({(one.timestamp - 160 * number) & 0xFFFFFFFF for number, one in enumerate(heard)}) == 1
    assert {(one.ssrc, one.payload_type, one.payload) for one in heard} == {(play.path.stream.ssrc, 0, VOICE)}


def steady(sends: Codec = PCMU, hears: Codec = PCMU) -> Play:
    """After three packets, the last of which was hot."""
    play, step = Play(sends=sends, hears=hears), sends.clock_rate // 50
    for number in range(3):
        play.take(RtpPacket(sends.payload_type, number, step * number, 5, VOICE), 0.02 * number)
    assert play.hot == 1
    return play


@pytest.mark.parametrize(
    "other",
    [
        RtpPacket(8, 3, 480, 5, VOICE),
        RtpPacket(0, 3, 480, 5, VOICE, marker=True),
        RtpPacket(0, 4, 480, 5, VOICE),
        RtpPacket(0, 2, 320, 5, VOICE),
        RtpPacket(0, 3, 640, 5, VOICE),
        RtpPacket(0, 3, 480, 6, VOICE),
        RtpPacket(0, 3, 480, 5, VOICE, contributors=(9,)),
        RtpPacket(0, 3, 480, 5, VOICE, extension=(1, b"abcd")),
        RtpPacket(0, 3, 480, 5, b""),
    ],
    ids=["type", "marker", "lost one", "twice", "clock", "source", "contributor", "extension", "empty"],
)
def test_what_is_not_plainly_the_next_is_looked_at(other: RtpPacket) -> None:
    path = steady().path
    datagram = build_rtp(other)
    assert path.track.forward(datagram, 0.06) is None
    assert path.sequence == 2
    plain = build_rtp(RtpPacket(0, 3, 480, 5, VOICE))
    assert path.track.forward(plain[:HEADER_OCTETS], 0.06) is None
    assert path.track.forward(plain, 0.06) is not None


def test_another_type_cannot_pass_as_the_carry_of_the_numbers() -> None:
    play = Play()
    for number in range(4):
        play.take(packet(number, first=0xFFFC), 0.02 * number)
    assert (play.hot, play.path.sequence) == (2, 0xFFFF)
    assert play.path.track.forward(build_rtp(RtpPacket(1, 0, 640, 5, VOICE)), 0.08) is None


def test_a_source_that_goes_on_after_a_pause_that_its_timestamps_do_not_tell_is_looked_at() -> None:
    path = steady().path
    late = build_rtp(packet(3))
    assert path.track.forward(late, 0.04 + JUMP_S + 0.03) is None
    assert path.track.forward(late, 0.04 + JUMP_S) is not None


def test_a_path_that_was_never_taken_up_carries_nothing_not_even_zeros() -> None:
    path = Play().path
    assert path.track.forward(bytes(172), 1.0) is None
    assert path.track.forward(build_rtp(packet(0)), 1.0) is None
    assert path.track.packets == 0


def test_laws_and_types_change_on_the_hot_path_too() -> None:
    play = steady(sends=OPUS_HERE, hears=OPUS_THERE)
    play.take(RtpPacket(96, 3, 960 * 3, 5, VOICE), 0.06)
    assert (play.hot, parse_rtp(play.heard[-1]).payload_type) == (2, 111)
    table = bytes(reversed(range(256)))
    path = Play().path
    path.voice = [Route(8, table, 8000)] * 256
    for number in range(2):
        path.carry(packet(number), Route(8, table, 8000), 0.02 * number)
    forwarded = path.track.forward(build_rtp(packet(2)), 0.04)
    assert forwarded is not None
    said = parse_rtp(forwarded)
    assert (said.payload_type, said.payload) == (8, VOICE.translate(table))


def test_a_path_that_is_closed_carries_nothing_and_counts_what_it_did() -> None:
    play = steady()
    assert play.path.close() == 3
    assert play.path.stream.octets == 3 * len(VOICE)
    assert play.path.track.forward(build_rtp(packet(3)), 0.06) is None
    assert play.path.close() == 0


def test_jitter_is_that_of_rfc_3550() -> None:
    play, expected, came = Play(), 0.0, 0.0
    for number in range(60):
        before, came = came, 0.02 * number + (0.004 if number % 3 else 0.0)
        play.take(packet(number), came)
        if number >= 2:
            expected += (abs(came - before - 0.02) - expected) / 16
    assert play.path.track.jitter_s == pytest.approx(expected)
