"""The media of many calls, sans I/O: datagrams and the time go in, datagrams and reports come out. It refuses sockets and clocks."""

import heapq
from dataclasses import dataclass
from functools import partial
from typing import Final

from tonevault.cde.edge.relay.call_media import CallMedia, Inlet, LegSockets
from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.edge.relay.direct_path import Datagram, DirectPath
from tonevault.cde.edge.relay.flow import Flow
from tonevault.cde.edge.relay.latch import Address
from tonevault.cde.edge.relay.leg_reports import INTERVAL_S
from tonevault.cde.edge.relay.masked_flow import CaptureReport
from tonevault.cde.edge.relay.recording_feed import RecordingFeed, RecordingTap
from tonevault.cde.media import Leg, LegMedia, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.kernel.ids import Entropy

CAPTURE_TICK_S: Final = 0.005
"""While any capture is open, the clock is looked at this often: a quarter of a packet, so that filled silence keeps step."""
MOVED_S: Final = 0.019
"""A line that moved within the time of a packet needs no clock: nothing is filled in and nothing that waits comes out so soon."""
REPORTS_AT_ONCE: Final = 1
"""What falls due together, after a stall say, goes out over some turns: each report is 20 µs for which voice waits."""
SCATTER: Final = 1 << 20
"""RFC 3550 section 6.2: reports come at 0.5 to 1.5 times the interval, lest all calls report at once."""


@dataclass(frozen=True, slots=True, eq=False)
class CallReport:
    """What a capture of one call told."""

    call: int
    report: CaptureReport


class MediaEngine:
    """All calls of one relay. Calls and sockets are known by numbers of the caller's choice.

    After each `receive` or `tick` the caller sends and clears `outbox`, and takes the reports. Nothing is queued inside. `now` is monotonic
    seconds and must not go back.
    """

    def __init__(self, entropy: Entropy) -> None:
        self.outbox: list[Datagram] = []
        self._entropy = entropy
        self._reports: list[CallReport] = []
        self._calls: dict[int, CallMedia] = {}
        self._inlets: dict[int, Inlet] = {}
        self._flows: dict[int, Flow] = {}
        """By the RTP socket of their sender."""
        self._paths: dict[int, DirectPath] = {}
        self._capturing: dict[int, Flow] = {}
        """The customers' flows of calls whose capture is open or closing."""
        self._reports_due: list[tuple[float, int, Leg]] = []

    def open(self, call: int, customer: LegSockets, agent: LegSockets, now: float) -> None:
        """A new call, with the ids of its sockets. A call number must be new."""
        if call in self._calls:
            raise ValueError("call: this number is in use")
        media = CallMedia(self.outbox, customer, agent, self._entropy, partial(self._tell, call))
        self._calls[call] = media
        self._inlets |= media.inlets()
        self._flows |= {customer.rtp: media.flows[Leg.CUSTOMER], agent.rtp: media.flows[Leg.AGENT]}
        for leg in Leg:
            heapq.heappush(self._reports_due, (self._next_report(now), call, leg))

    def _tell(self, call: int, report: CaptureReport) -> None:
        self._reports.append(CallReport(call, report))

    def record(self, call: int, feed: RecordingFeed) -> None:
        """What this call's legs are sent is also told to `feed`. To be asked for before anything is negotiated."""
        self._calls[call].record(lambda leg, media, outbox: RecordingTap(feed, call, leg, media, outbox))

    def configure(self, call: int, leg: Leg, media: LegMedia) -> None:
        """What was negotiated for a leg. Raises ValueError if the remote host is no IP address."""
        one = self._calls[call]
        one.configure(leg, media)
        self._inlets |= one.inlets()
        for socket in one.inlets():
            self._paths.pop(socket, None)
        if one.is_plain:
            self._paths |= one.direct_paths()

    def start_capture(self, call: int, mode: MaskMode, now: float) -> None:
        """From now on nothing of a key passes from the customer to the agent. A capture that is open stays, in this mode."""
        media = self._calls[call]
        masked = media.customer_flow.masked
        if masked is not None and not masked.closing:
            masked.set_mode(mode)
            return
        media.start_capture(mode, now)
        self._capturing[call] = media.customer_flow

    def set_mask(self, call: int, mode: MaskMode) -> None:
        """Change between talk and hush; nothing if no capture is open."""
        masked = self._calls[call].customer_flow.masked
        if masked is not None:
            masked.set_mode(mode)

    def stop_capture(self, call: int, now: float) -> None:
        """Close the mask; it stays until a key that is held has ended."""
        masked = self._calls[call].customer_flow.masked
        if masked is not None:
            masked.close(now)

    def beep(self, call: int, key: Key) -> None:
        """SIP INFO told of a key: one beep, unless this press was beeped for already; nothing if no capture is open."""
        masked = self._calls[call].customer_flow.masked
        if masked is not None:
            masked.beep(key)

    def close(self, call: int, now: float) -> FlowCounters:
        """End a call: a farewell by RTCP to either leg. Gives back its counters, both directions together."""
        media = self._calls[call]
        for leg in Leg:
            media.report(leg, now, leaves=True)
        counters = self.counters(call)
        for socket in media.inlets():
            del self._inlets[socket]
            self._flows.pop(socket, None)
            self._paths.pop(socket, None)
        media.wipe()
        del self._calls[call]
        self._capturing.pop(call, None)
        return counters

    def direct_path(self, socket: int) -> DirectPath | None:
        """The path on which datagrams that come to an RTP socket are made what is sent, in place and without an object for each.

        For a loop that offers them there first and gives `receive` what the path does not take. None for RTCP, and where either leg is
        secured or the call is recorded. It lasts until the call is configured anew or closed.
        """
        return self._paths.get(socket)

    def settled_on(self, socket: int, now: float) -> Address | None:
        """The address from which alone an RTP socket admits packets at present, if it can be told; see `Flow.settled_on`."""
        return self._flows[socket].settled_on(now)

    def receive(self, socket: int, datagram: bytes, source: Address, now: float) -> None:
        """A datagram came to a socket."""
        self._inlets[socket](datagram, source, now)

    def next_tick(self, now: float) -> float:
        """When `tick` is due next, at the latest."""
        if self._capturing:
            return now + CAPTURE_TICK_S
        return self._reports_due[0][0] if self._reports_due else now + INTERVAL_S

    def tick(self, now: float) -> None:
        """Time passes: captures fill in what did not come, and reports are sent."""
        is_over = []
        for call, flow in self._capturing.items():
            masked = flow.masked
            if masked is None:
                is_over.append(call)
            elif now - masked.pushed_at >= MOVED_S:
                flow.tick(now)
        for call in is_over:
            del self._capturing[call]
        for _ in range(REPORTS_AT_ONCE):
            if not self._reports_due or self._reports_due[0][0] > now:
                break
            _, call, leg = heapq.heappop(self._reports_due)
            if call in self._calls:
                self._calls[call].report(leg, now)
                heapq.heappush(self._reports_due, (self._next_report(now), call, leg))

    def take_reports(self) -> list[CallReport]:
        """What captures told since the last call, in order."""
        reports, self._reports = self._reports, []
        return reports

    def counters(self, call: int) -> FlowCounters:
        """A call's counts so far, both directions together."""
        total = FlowCounters()
        for flow in self._calls[call].flows.values():
            flow.settle()
            total.add(flow.counters)
        return total

    @property
    def captures(self) -> int:
        """How many captures are open, or closing."""
        return len(self._capturing)

    @property
    def calls(self) -> int:
        """How many calls are open."""
        return len(self._calls)

    def _next_report(self, now: float) -> float:
        return now + INTERVAL_S * (0.5 + self._entropy(SCATTER) / SCATTER)
