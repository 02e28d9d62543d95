"""Control frames: what is built reads back, and what is too long is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.edge.relay.control_frames import (
    FrameError,
    Kind,
    Load,
    closed_frame,
    configure_frame,
    held_frame,
    key_frame,
    kind_of,
    load_frame,
    mode_frame,
    plain_frame,
    read_closed,
    read_configure,
    read_held,
    read_key,
    read_load,
    read_mode,
)
from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.media import (
    Carrier,
    Codec,
    Direction,
    Leg,
    LegMedia,
    MaskMode,
    MediaAddress,
    Srtp,
    SrtpSuite,
)
from tonevault.cde.sealed.key import Key
from tonevault.cde.sealed.media_key import MediaKey

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
PORT = st.integers(0, 65535)
CODEC = st.builds(Codec, st.integers(0, 127), TEXT, st.integers(0, 2**32 - 1), st.integers(0, 255), TEXT)
CODECS = st.lists(CODEC, max_size=4).map(tuple)


def lock(suite: SrtpSuite, number: int) -> Srtp:
    sends, receives = (MediaKey(bytearray([each % 256] * suite.key_octets)) for each in (number, number + 1))
    return Srtp(suite, sends, receives)


SECURITY = st.none() | st.builds(lock, st.sampled_from(SrtpSuite), st.integers(0, 255))
MEDIA = st.builds(
    LegMedia,
    st.builds(MediaAddress, TEXT, PORT, PORT),
    CODECS,
    CODECS,
    PORT,
    st.sampled_from(Direction),
    SECURITY,
    CODECS,
)


@given(st.integers(0, 2**32 - 1), st.sampled_from(Leg), MEDIA)
def test_a_negotiation_reads_back(call: int, leg: Leg, media: LegMedia) -> None:
    frame = memoryview(configure_frame(call, leg, media))
    assert kind_of(frame) == (Kind.CONFIGURE, call)
    assert read_configure(frame) == (leg, media)


@pytest.mark.parametrize("until", [12.5, float("inf")])
def test_how_long_a_key_was_held_reads_back_and_names_no_key(until: float) -> None:
    frame = held_frame(9, Carrier.TONE, until)
    assert kind_of(memoryview(frame)) == (Kind.HELD, 9)
    assert read_held(memoryview(frame)) == (Carrier.TONE, until)
    assert len(frame) == len(plain_frame(Kind.HELD, 9)) + 1 + 8, "a carrier and a time"


@pytest.mark.parametrize("code", range(16))
def test_a_key_reads_back(code: int) -> None:
    frame = memoryview(key_frame(Kind.PRESSED, 9, Key.from_event(code), Carrier.INFO, 12.5))
    key, carrier, onset = read_key(frame)
    assert key.matches(Key.from_event(code))
    assert (carrier, onset) == (Carrier.INFO, 12.5)


@pytest.mark.parametrize("mode", MaskMode)
def test_a_mode_reads_back(mode: MaskMode) -> None:
    assert read_mode(memoryview(mode_frame(Kind.START, 9, mode))) is mode


def test_counters_and_load_read_back() -> None:
    counters = FlowCounters(*range(len(FlowCounters.__slots__)))
    assert read_closed(memoryview(closed_frame(9, counters))) == counters
    load = Load(1, 2, 3, 4, 5, 6, 7)
    assert read_load(memoryview(load_frame(load))) == load


def test_what_does_not_fit_is_refused() -> None:
    remote = MediaAddress("192.0.2.1", 1, 2)
    with pytest.raises(FrameError, match="fmtp"):
        configure_frame(1, Leg.AGENT, LegMedia(remote, (Codec(0, "X", 8000, 1, "f" * 256),), ()))
    short = Srtp(SrtpSuite.GCM_256, MediaKey(bytearray(44)), MediaKey(bytearray(43)))
    with pytest.raises(FrameError, match="length of its suite"):
        configure_frame(1, Leg.AGENT, LegMedia(remote, (), (), security=short))
    with pytest.raises(FrameError, match="codecs"):
        configure_frame(1, Leg.AGENT, LegMedia(remote, (Codec(0, "X", 8000),) * 129, ()))
    with pytest.raises(FrameError, match="parameters"):
        configure_frame(1, Leg.AGENT, LegMedia(remote, (Codec(0, "X", 8000, 1, "f" * 255),) * 100, ()))


@pytest.mark.parametrize("octets", [b"", b"\x01\x00", b"\xff" + bytes(4)])
def test_what_is_no_frame_is_refused(octets: bytes) -> None:
    with pytest.raises(FrameError):
        kind_of(memoryview(octets))


def test_a_plain_frame_is_its_kind_and_its_call() -> None:
    assert kind_of(memoryview(plain_frame(Kind.STOP, 77))) == (Kind.STOP, 77)
