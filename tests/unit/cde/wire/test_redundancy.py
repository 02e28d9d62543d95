"""Redundant packets come apart into what they stand for, and damaged ones are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.wire.redundancy import BLOCKS_LIMIT, fold, unfold
from tonevault.cde.wire.rtp import RtpError, RtpPacket


def packet(payload: bytes, *, sequence: int = 7, timestamp: int = 100, payload_type: int = 98) -> RtpPacket:
    return RtpPacket(payload_type, sequence, timestamp, 5, payload, marker=True)


def test_the_example_of_the_rfc() -> None:
    """RFC 2198 section 6, a DVI4 primary with an LPC block 20 ms older: its headers, with content of our own."""
    payload = bytes((0x80 | 7, 160 >> 6, (160 & 0x3F) << 2, 14, 5)) + b"L" * 14 + b"D" * 84
    former, newest = unfold(packet(payload))
    assert (former.payload_type, former.payload, former.marker) == (7, b"L" * 14, False)
    assert (former.sequence, former.timestamp) == (6, (100 - 160) & 0xFFFFFFFF)
    assert (newest.payload_type, newest.payload, newest.marker) == (5, b"D" * 84, True)
    assert (newest.sequence, newest.timestamp) == (7, 100)


def test_what_is_folded_unfolds() -> None:
    former = [packet(bytes((n,)) * 9, sequence=n, timestamp=40 * n, payload_type=n % 2) for n in range(1, 4)]
    one = packet(b"now", sequence=4, timestamp=160, payload_type=0)
    parts = unfold(fold(one, 98, former))
    assert [(p.payload_type, p.sequence, p.timestamp, p.payload) for p in parts] == [
        (p.payload_type, p.sequence, p.timestamp, p.payload) for p in (*former, one)
    ]


def test_an_empty_block_stands_for_nothing_but_keeps_its_number() -> None:
    former = [
        packet(b"", sequence=5, timestamp=60, payload_type=0),
        packet(b"x", sequence=6, timestamp=80, payload_type=0),
    ]
    parts = unfold(fold(packet(b"now", payload_type=0), 98, former))
    assert [part.sequence for part in parts] == [6, 7]


@pytest.mark.parametrize(
    "payload",
    [b"", b"\x80", b"\x80\x00\x00", b"\x80\x00\x00\x05", b"\x80\x00\x00\x05\x00four", b"\x80\0\0\0" * 9],
)
def test_damaged_packets_are_refused(payload: bytes) -> None:
    with pytest.raises(RtpError, match="redundancy"):
        unfold(packet(payload))


def test_blocks_without_end_are_refused() -> None:
    with pytest.raises(RtpError, match="more than 16"):
        unfold(packet(b"\x80\0\0\0" * (BLOCKS_LIMIT + 1) + b"\0"))


@given(st.binary(max_size=80))
def test_any_octets_are_parted_or_refused(payload: bytes) -> None:
    try:
        parts = unfold(packet(payload))
    except RtpError:
        return
    assert sum(len(part.payload) for part in parts) < len(payload)
    assert parts[-1].sequence == 7
