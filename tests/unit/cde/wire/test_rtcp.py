"""RTCP: reports that are built parse to themselves, compound packets keep RFC 3550's order, broken ones are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.wire.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpError,
    SenderReport,
    build_report,
    ntp_middle,
    ntp_time,
    parse_rtcp,
)

U32 = st.integers(0, 0xFFFFFFFF)
BLOCK = st.builds(ReportBlock, U32, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), U32, U32, U32, U32)
BLOCKS = st.lists(BLOCK, max_size=3).map(tuple)
REPORT = st.builds(SenderReport, U32, st.integers(0, 2**64 - 1), U32, U32, U32, BLOCKS) | st.builds(
    ReceiverReport, U32, BLOCKS
)


@given(REPORT, st.text("abc", min_size=1, max_size=20), st.booleans())
def test_a_report_parses_to_itself(report: SenderReport | ReceiverReport, cname: str, leaves: bool) -> None:
    datagram = build_report(report, cname, leaves=leaves)
    assert len(datagram) % 4 == 0
    assert parse_rtcp(datagram) == [report, *([Goodbye((report.ssrc,))] if leaves else [])]


@given(st.binary(max_size=80))
def test_any_octets_parse_or_are_refused(octets: bytes) -> None:
    try:
        parse_rtcp(octets)
    except RtcpError:
        return


@pytest.mark.parametrize(
    ("octets", "rule"),
    [
        (b"\x80\xc9", "header"),
        (b"\x00\xc9\0\0", "version"),
        (b"\x80\xc9\0\x09", "length"),
        (b"\x81\xc9\0\x01" + bytes(4), "receiver report"),
        (b"\x80\xc8\0\x01" + bytes(4), "sender report"),
        (b"\x82\xcb\0\x01" + bytes(4), "goodbye"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_its_name(octets: bytes, rule: str) -> None:
    with pytest.raises(RtcpError, match=rule):
        parse_rtcp(octets)


def test_unknown_types_are_passed_over() -> None:
    application = b"\x80\xcc\0\x02" + bytes(8)
    report = ReceiverReport(5)
    assert parse_rtcp(application + build_report(report, "a")) == [report]


def test_ntp_time_counts_seconds_and_fractions() -> None:
    assert ntp_time(1.5) == 0x0000000180000000
    assert ntp_middle(ntp_time(1.5)) == 0x00018000
