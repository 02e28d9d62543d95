"""RTP packets: what is parsed is what was built, and broken octets are refused without being repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.wire.rtp import (
    RtpError,
    RtpPacket,
    build_rtp,
    is_rtcp,
    parse_rtp,
    sequence_step,
    timestamp_step,
)

U16 = st.integers(0, 0xFFFF)
U32 = st.integers(0, 0xFFFFFFFF)
EXTENSION = st.tuples(
    U16, st.integers(0, 5).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words))
)
PACKET = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 63) | st.integers(96, 127),
    sequence=U16,
    timestamp=U32,
    ssrc=U32,
    payload=st.binary(max_size=200),
    marker=st.booleans(),
    contributors=st.lists(U32, max_size=15).map(tuple),
    extension=st.none() | EXTENSION,
)


@given(PACKET)
def test_a_built_packet_parses_to_itself(packet: RtpPacket) -> None:
    assert parse_rtp(build_rtp(packet)) == packet


@given(PACKET, st.integers(1, 255))
def test_padding_is_taken_off(packet: RtpPacket, padding: int) -> None:
    padded = bytearray(build_rtp(packet) + bytes(padding - 1) + bytes((padding,)))
    padded[0] |= 0x20
    assert parse_rtp(bytes(padded)) == packet


@given(st.binary(max_size=80))
def test_any_octets_parse_or_are_refused(octets: bytes) -> None:
    try:
        packet = parse_rtp(octets)
    except RtpError:
        return
    assert len(packet.payload) <= len(octets) - 12


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (bytes(11), "fixed header"),
        (bytes(12), "version"),
        (b"\x80\xc8" + bytes(10), "payload type"),
        (b"\x82\x00" + bytes(14), "CSRC list"),
        (b"\x90\x00" + bytes(12), "header extension"),
        (b"\x90\x00" + bytes(10) + b"\0\0\0\2" + bytes(4), "header extension"),
        (b"\xa0\x00" + bytes(10), "padding"),
        (b"\xa0\x00" + bytes(10) + b"\x09", "padding"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_name(octets: bytes, rule: str) -> None:
    with pytest.raises(RtpError, match=rule):
        parse_rtp(octets)


def test_rtcp_is_told_from_rtp_by_its_second_octet() -> None:
    assert is_rtcp(b"\x80\xc8")
    assert not is_rtcp(b"\x80\x80")
    assert not is_rtcp(b"\x80")


@pytest.mark.parametrize(
    ("newer", "older", "step"),
    [(1, 0, 1), (0, 0xFFFF, 1), (0xFFFF, 0, -1), (0x8000, 0, -0x8000), (0x7FFF, 0, 0x7FFF)],
)
def test_sequence_numbers_run_on_a_circle(newer: int, older: int, step: int) -> None:
    assert sequence_step(newer, older) == step


def test_timestamps_run_on_a_circle() -> None:
    assert timestamp_step(80, 0xFFFFFFFF - 79) == 160
    assert timestamp_step(0xFFFFFFFF - 79, 80) == -160
