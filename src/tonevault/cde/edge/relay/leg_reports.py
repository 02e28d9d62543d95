"""RTCP of one leg: our own reports on the stream it hears and the stream it sends. It refuses to pass the peer's reports through."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.relay.flow import Flow
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
from tonevault.kernel.ids import Entropy

INTERVAL_S: Final = 5.0
"""RFC 3550 section 6.2: the recommended least interval; a two-party session never needs a longer one."""
RESTART: Final = 6000
"""More packets between two reports than this (5 s of 10 ms packets are 500) is a restart of the source's numbers, not a loss."""
CNAME_LETTERS: Final = 16
"""RFC 7022 section 4.2 asks for 96 random bits at most; 16 letters are 75, ample to tell two legs apart."""


@dataclass(slots=True)
class PeerView:
    """What the peer last reported of the stream we send it: 1/256 lost, packets lost in all, jitter in timestamp units, round trip."""

    fraction_lost: int = 0
    packets_lost: int = 0
    jitter: int = 0
    round_trip_s: float | None = None


class LegReports:
    """Ends RTCP on one leg. `sent` is the flow whose stream this leg hears, `heard` the flow of what this leg sends."""

    def __init__(self, sent: Flow, heard: Flow, entropy: Entropy) -> None:
        self.view = PeerView()
        self._sent = sent
        self._heard = heard
        self._cname = "".join(chr(ord("a") + entropy(26)) for _ in range(CNAME_LETTERS))
        self._source: int | None = None
        self._extended = 0
        self._base = 0
        self._received_before = 0
        self._expected_last = 0
        self._received_last = 0
        self._peer_report: tuple[int, float] | None = None
        self._packets_last = 0

    def receive(self, datagram: bytes, now: float) -> bool:
        """Take a compound packet of the peer. False if it is malformed."""
        try:
            packets = parse_rtcp(datagram)
        except RtcpError:
            return False
        for packet in packets:
            match packet:
                case SenderReport():
                    self._peer_report = (ntp_middle(packet.ntp_time), now)
                    self._learn(packet.blocks, now)
                case ReceiverReport():
                    self._learn(packet.blocks, now)
                case Goodbye():
                    self._peer_report = None
        return True

    def _learn(self, blocks: tuple[ReportBlock, ...], now: float) -> None:
        for block in blocks:
            if block.ssrc != self._sent.stream.ssrc:
                continue
            self.view.fraction_lost, self.view.packets_lost = block.fraction_lost, block.packets_lost
            self.view.jitter = block.jitter
            if block.last_report:
                trip = (ntp_middle(ntp_time(now)) - block.last_report - block.delay) & 0xFFFFFFFF
                self.view.round_trip_s = trip / 65536 if trip < 0x80000000 else 0.0

    def build(self, now: float, *, leaves: bool = False) -> bytes:
        """Our report: SR if the leg was sent anything since the last one, else RR (RFC 3550 section 6.4)."""
        self._sent.settle()
        self._heard.settle()
        stream = self._sent.stream
        blocks = self._blocks(now)
        sends = stream.packets != self._packets_last
        self._packets_last = stream.packets
        if not sends:
            return build_report(ReceiverReport(stream.ssrc, blocks), self._cname, leaves=leaves)
        report = SenderReport(
            stream.ssrc, ntp_time(now), stream.timestamp_at(now), stream.packets, stream.octets, blocks
        )
        return build_report(report, self._cname, leaves=leaves)

    def _blocks(self, now: float) -> tuple[ReportBlock, ...]:
        """RFC 3550 appendix A.3 on what came since the last report."""
        source, counters = self._heard.source_ssrc, self._heard.counters
        if source is None:
            return ()
        highest = self._heard.direct.sequence
        if source != self._source:
            self._source = source
            self._base, self._received_before = self._heard.source_base
            self._extended, self._expected_last, self._received_last = self._base, 0, self._received_before
        step = (highest - self._extended) & 0xFFFF
        if step > RESTART:
            self._base = self._extended = highest
            self._received_before = self._received_last = counters.received
            self._expected_last = step = 0
        self._extended += step
        expected = self._extended - self._base
        received = counters.received - self._received_before
        lost = max(-0x800000, min(0x7FFFFF, expected - received))
        counters.lost = max(0, lost)
        expected_now = expected - self._expected_last
        lost_now = expected_now - (counters.received - self._received_last)
        self._expected_last, self._received_last = expected, counters.received
        fraction = min(255, (lost_now << 8) // expected_now) if expected_now > 0 and lost_now > 0 else 0
        last, delay = self._peer_report_age(now)
        jitter = int(self._heard.direct.track.jitter_s * self._heard.stream.clock_rate)
        return (ReportBlock(source, fraction, lost, self._extended & 0xFFFFFFFF, jitter, last, delay),)

    def _peer_report_age(self, now: float) -> tuple[int, int]:
        if self._peer_report is None:
            return 0, 0
        middle, came_at = self._peer_report
        return middle, min(0xFFFFFFFF, int((now - came_at) * 65536))
