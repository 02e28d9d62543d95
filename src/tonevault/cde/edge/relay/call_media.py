"""The media of one call: two flows, RTCP on either leg, the capture between them. It refuses to mask the agent's voice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.relay.direct_path import Datagram, DirectPath, Outbox
from tonevault.cde.edge.relay.flow import Flow
from tonevault.cde.edge.relay.latch import Address, Latch, canonical_host
from tonevault.cde.edge.relay.leg_reports import LegReports
from tonevault.cde.edge.relay.masked_flow import CaptureReport
from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.edge.relay.payload_map import PayloadMap
from tonevault.cde.edge.relay.srtp import SecuredLeg
from tonevault.cde.edge.relay.voice_sender import VoiceOut
from tonevault.cde.media import Direction, Leg, LegMedia, MaskMode, Srtp
from tonevault.kernel.ids import Entropy

Tapped = Callable[[Leg, LegMedia, Outbox], Outbox]
"""Puts something before the outbox of a leg."""

Inlet = Callable[[bytes, Address, float], None]
"""What takes the datagrams of one socket: octets, source, now."""

SHORTEST_PTIME_MS: Final = 10
LONGEST_PTIME_MS: Final = 60
USUAL_PTIME_MS: Final = 20
"""RFC 3551 section 4.2: 20 ms unless told otherwise. A peer's wish is followed between 10 and 60 ms, in whole 10 ms."""


@dataclass(frozen=True, slots=True)
class LegSockets:
    """The ids of a leg's two sockets."""

    rtp: int
    rtcp: int


class _LegSide:
    """What belongs to one leg: its sockets, its latches, what was negotiated, and the flow that its packets feed."""

    def __init__(self, sockets: LegSockets, stream: OutStream) -> None:
        self.sockets = sockets
        self.stream = stream
        """The stream that this leg hears."""
        self.media: LegMedia | None = None
        self.latch: Latch | None = None
        self.rtcp_latch: Latch | None = None
        self.secured: SecuredLeg | None = None

    def negotiate(self, media: LegMedia) -> None:
        """Keep the latches if the peer's addresses did not change: a hold must not let another source in."""
        remote = media.remote
        self.latch = _kept(self.latch, (remote.host, remote.port))
        self.rtcp_latch = _kept(self.rtcp_latch, (remote.host, remote.rtcp_port))
        self.media = media

    @property
    def shares_port(self) -> bool:
        """RFC 5761: RTCP on the port of RTP."""
        return self.media is not None and self.media.remote.rtcp_port == self.media.remote.port


def _kept(latch: Latch | None, signalled: Address) -> Latch:
    if latch is not None and latch.signalled == (canonical_host(signalled[0]), signalled[1]):
        return latch
    return Latch(signalled)


class CallMedia:
    """Flows are named by the leg whose packets they take: the customer's flow is heard by the agent."""

    def __init__(
        self,
        outbox: list[Datagram],
        customer: LegSockets,
        agent: LegSockets,
        entropy: Entropy,
        tell: Callable[[CaptureReport], None],
    ) -> None:
        self._outbox = outbox
        self._tapped: Tapped | None = None
        self._sides = {
            Leg.CUSTOMER: _LegSide(customer, OutStream(entropy)),
            Leg.AGENT: _LegSide(agent, OutStream(entropy)),
        }
        self.flows = {
            leg: Flow(outbox, self._sides[leg.other].sockets.rtp, self._sides[leg.other].stream, tell)
            for leg in Leg
        }
        self.reports = {leg: LegReports(self.flows[leg.other], self.flows[leg], entropy) for leg in Leg}
        for leg in Leg:
            self.flows[leg].back = self.flows[leg.other]
            self.flows[leg].control = self._rtcp_inlet(leg)

    @property
    def customer_flow(self) -> Flow:
        """The only flow that a capture masks."""
        return self.flows[Leg.CUSTOMER]

    @property
    def is_plain(self) -> bool:
        """Whether no packet is opened, locked or recorded on its way."""
        return self._tapped is None and all(side.secured is None for side in self._sides.values())

    def record(self, tapped: Tapped) -> None:
        """What either leg is sent goes through a tap. To be asked for before anything is negotiated."""
        self._tapped = tapped

    def direct_paths(self) -> dict[int, DirectPath]:
        """The direct path of what comes to each RTP socket."""
        return {self._sides[leg].sockets.rtp: self.flows[leg].direct for leg in Leg}

    def inlets(self) -> dict[int, Inlet]:
        """Who takes the datagrams of which socket."""
        taken: dict[int, Inlet] = {}
        for leg in Leg:
            side = self._sides[leg]
            rtp: Inlet = self.flows[leg].receive
            rtcp = self._rtcp_inlet(leg)
            if side.secured is not None:
                rtp = self._opening_inlet(leg, side.secured, rtp)
                rtcp = self._opening_inlet(leg, side.secured, rtcp)
            taken[side.sockets.rtp], taken[side.sockets.rtcp] = rtp, rtcp
        return taken

    def _opening_inlet(self, leg: Leg, secured: SecuredLeg, inlet: Inlet) -> Inlet:
        """Before all else on a secured leg: only what its key opens is looked at, so that nothing else latches or counts as heard."""
        side, counters = self._sides[leg], self.flows[leg].counters

        def take(datagram: bytes, source: Address, now: float) -> None:
            if side.latch is None or source[0] != side.latch.signalled[0]:
                counters.strangers += 1
                return
            opened = secured.opened(datagram)
            if opened is not None:
                inlet(opened, source, now)

        return take

    def configure(self, leg: Leg, media: LegMedia) -> None:
        """Take what was negotiated for one leg; media flows once both legs are known."""
        self._sides[leg].negotiate(media)
        self._secure(leg, media.security)
        secured = self._sides[leg].secured
        outbox = self._outbox if secured is None else secured
        self.flows[leg.other].direct.outbox = (
            outbox if self._tapped is None else self._tapped(leg, media, outbox)
        )
        customer, agent = self._sides[Leg.CUSTOMER], self._sides[Leg.AGENT]
        if customer.media is None or agent.media is None:
            return
        for sender in Leg:
            self._connect(sender)

    def _secure(self, leg: Leg, security: Srtp | None) -> None:
        """Lock the leg, or leave it open: a leg without SRTP has no part of this in the way of its packets."""
        side = self._sides[leg]
        if security is None:
            if side.secured is not None:
                side.secured.destroy()
            side.secured = None
        elif side.secured is None:
            side.secured = SecuredLeg(security, self._outbox, self.flows[leg].counters)
        else:
            side.secured.rekey(security)

    def _connect(self, sender_leg: Leg) -> None:
        sender, hearer = self._sides[sender_leg], self._sides[sender_leg.other]
        if sender.media is None or hearer.media is None or sender.latch is None or hearer.latch is None:
            return
        payloads = PayloadMap(sender.media, hearer.media)
        target = hearer.latch.target
        speaks = sender.media.direction in (Direction.SENDRECV, Direction.RECVONLY)
        listens = hearer.media.direction in (Direction.SENDRECV, Direction.SENDONLY)
        flow = self.flows[sender_leg]
        flow.direct.target = target
        held = not speaks or not listens or target is None
        flow.configure(payloads, sender.latch, _voice_out(payloads, hearer.media), held=held)

    def _rtcp_inlet(self, leg: Leg) -> Inlet:
        def take(datagram: bytes, source: Address, now: float) -> None:
            counters = self.flows[leg].counters
            side = self._sides[leg]
            latch = side.latch if side.shares_port else side.rtcp_latch
            if latch is None or source[0] != latch.signalled[0]:
                counters.strangers += 1
            elif not self.reports[leg].receive(datagram, now):
                counters.malformed += 1
            elif not side.shares_port:
                latch.admits(source, now)

        return take

    def report(self, leg: Leg, now: float, *, leaves: bool = False) -> None:
        """Send our RTCP to one leg."""
        side = self._sides[leg]
        latch = side.latch if side.shares_port else side.rtcp_latch
        if latch is None or latch.target is None:
            return
        datagram = self.reports[leg].build(now, leaves=leaves)
        socket = side.sockets.rtp if side.shares_port else side.sockets.rtcp
        if side.secured is not None:
            side.secured.append_rtcp((socket, datagram, latch.target))
        else:
            self._outbox.append((socket, datagram, latch.target))

    def start_capture(self, mode: MaskMode, now: float) -> None:
        """Open the mask, or open it anew if one is still closing."""
        self.customer_flow.start_capture(mode, now)

    def wipe(self) -> None:
        """The call ended: nothing that told of a key stays, nor the keys of its media. Nor does the call refer to itself any more: it is
        gone at once, for a worker collects no garbage while it has calls."""
        for flow in self.flows.values():
            flow.wipe()
            flow.back = flow.control = None
        for side in self._sides.values():
            if side.secured is not None:
                side.secured.destroy()


def _voice_out(payloads: PayloadMap, media: LegMedia) -> VoiceOut | None:
    """How audio made here is sent to a leg: in its preferred codec of those spoken here, in packets of its ptime. None if it knows none."""
    if not payloads.spoken_back:
        return None
    ptime_ms = media.ptime_ms // 10 * 10 or USUAL_PTIME_MS
    return VoiceOut(payloads.spoken_back[0], max(SHORTEST_PTIME_MS, min(LONGEST_PTIME_MS, ptime_ms)))
