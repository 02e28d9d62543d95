"""One direction of a call: a leg's packets become the other leg's stream. It refuses strangers, and payloads nobody negotiated."""

from collections.abc import Callable
from typing import Final

from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.edge.relay.direct_path import DirectPath, Outbox
from tonevault.cde.edge.relay.latch import Address, Latch
from tonevault.cde.edge.relay.masked_flow import CaptureReport, MaskedFlow, Pressed
from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.edge.relay.payload_map import EventRoute, PayloadMap, Route
from tonevault.cde.edge.relay.source_watch import SourceWatch, leaps
from tonevault.cde.edge.relay.voice_sender import VoiceOut
from tonevault.cde.media import MaskMode
from tonevault.cde.wire.redundancy import unfold
from tonevault.cde.wire.rtp import (
    HEADER,
    HEADER_OCTETS,
    MARKER,
    PLAIN_FIRST_OCTET,
    SEQUENCE_MASK,
    RtpError,
    RtpPacket,
    is_rtcp,
    parse_rtp,
    sequence_step,
)
from tonevault.cde.wire.telephone_event import EventError, EventReceiver

RETIRED_S: Final = 0.2
"""Stragglers of an SSRC that was just left are dropped, lest the stream swing back for one packet."""
NO_VOICE: Final[list[Route | None]] = [None] * 256


class Flow:
    """What its sender's packets meet, in this order: the direct path, for all that is plainly the next packet of a call; the latch; the
    payload map; then the capture if one is open, else the direct path again."""

    def __init__(
        self, outbox: Outbox, outlet: int, stream: OutStream, tell: Callable[[CaptureReport], None]
    ) -> None:
        self.direct = DirectPath(outbox, outlet, stream)
        self.stream = stream
        self.counters = FlowCounters()
        self.masked: MaskedFlow | None = None
        self._unsent = False
        """Whether something happened in the capture, so that there may be something to send."""
        self.source_ssrc: int | None = None
        self.source_base = (0, 0)
        """The sequence number before the source's first, and what had been received until then: what its losses are counted from."""
        self.back: Flow | None = None
        """The other direction, which sends where this one's packets come from."""
        self.control: Callable[[bytes, Address, float], None] | None = None
        """Who takes RTCP that comes to the RTP port (RFC 5761)."""
        self._events = EventReceiver()
        self._tell = tell
        self._map: PayloadMap | None = None
        self._latch: Latch | None = None
        self._held = False
        self._voice_out: VoiceOut | None = None
        self._watch = SourceWatch()
        self._unmasked_at = 0.0
        """When the last capture ended: what was keyed before then never passes, even if none of it came in time."""
        self._retired: int | None = None
        self._retired_until = 0.0

    def receive(self, datagram: bytes, source: Address, now: float) -> None:
        """A datagram came to the RTP port of this flow's sender."""
        direct = self.direct
        if source == direct.source:
            if self.masked is not None:
                if self._hears_plainly(self.masked, datagram, now):
                    return
            elif direct.target is not None:
                forwarded = direct.track.forward(datagram, now)
                if forwarded is not None:
                    direct.outbox.append((direct.outlet, forwarded, direct.target))
                    return
        self._receive_with_care(datagram, source, now)
        if self._unsent:
            self._send_masked(now)

    def _hears_plainly(self, masked: MaskedFlow, datagram: bytes, now: float) -> bool:
        """Take what is plainly the next voice packet of the source in a capture; False, and nothing done, if it needs looking at."""
        payloads, direct = self._map, self.direct
        if payloads is None or len(datagram) <= HEADER_OCTETS:
            return False
        first, mark_type, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
        codec = payloads.spoken.get(mark_type)
        step = (sequence - direct.sequence) & SEQUENCE_MASK
        if codec is None or first != PLAIN_FIRST_OCTET or ssrc != self.source_ssrc or step != 1:
            return False
        payload = datagram[HEADER_OCTETS:]
        self.counters.received += 1
        out = masked.next_voice((sequence, timestamp, codec, payload), now)
        if out is None:
            masked.voice(RtpPacket(mark_type, sequence, timestamp, ssrc, payload), codec, now)
        elif direct.target is not None and not self._held:
            direct.outbox.append((direct.outlet, out, direct.target))
            self.counters.relayed += 1
        direct.note_next(sequence, timestamp, now)
        if out is None or masked.is_eventful:
            self._send_masked(now)
        return True

    def settled_on(self, now: float) -> Address | None:
        """The signalled address, while its packets are the latched ones: then no other is admitted, and the caller may have the kernel
        refuse them. None while the peer has not spoken, speaks from elsewhere, or has been silent so long that another may be admitted."""
        if self._latch is None:
            return None
        self._latch.heard(self.direct.heard_at)
        return self._latch.settled_on(now)

    def configure(
        self, payloads: PayloadMap, latch: Latch, voice_out: VoiceOut | None, *, held: bool
    ) -> None:
        """What was negotiated changed: payload types, the sender's address, what the hearer takes, whether voice may pass at all."""
        self._close_direct()
        self._map, self._latch, self._voice_out, self._held = payloads, latch, voice_out, held
        self.direct.source = latch.source
        self.direct.voice = NO_VOICE if held else payloads.voice
        if self.masked is not None:
            self.masked.retarget(None if held else voice_out)

    def start_capture(self, mode: MaskMode, now: float) -> MaskedFlow:
        """From here on only the mask speaks to the other leg. A capture that is still closing is taken up again."""
        direct = self.direct
        heard_before = self.source_ssrc is not None
        self._close_direct()
        if self.masked is not None:
            self.masked.wipe()
        self.masked = MaskedFlow(mode, self.stream, None if self._held else self._voice_out, now)
        if heard_before:
            self.masked.follow(direct.sequence, direct.next_timestamp, direct.due_at, self.stream.clock_rate)
        return self.masked

    def tick(self, now: float) -> None:
        """Time passes in a capture. It need not be told while the line moves."""
        if self.masked is not None:
            self.masked.tick(now)
            self._send_masked(now)

    def wipe(self) -> None:
        """The call ended: nothing that told of a key stays."""
        self._events.wipe()
        if self.masked is not None:
            self.masked.wipe()
        self.masked = None

    def settle(self) -> None:
        """Bring the stream and the counters up to date with the direct path."""
        carried = self.direct.settle()
        self.counters.received += carried
        self.counters.relayed += carried

    def _close_direct(self) -> None:
        self.settle()
        self.direct.close()

    def _receive_with_care(self, datagram: bytes, source: Address, now: float) -> None:
        latch, payloads = self._latch, self._map
        if latch is None or payloads is None or source[0] != latch.signalled[0]:
            self.counters.strangers += 1
            return
        if is_rtcp(datagram):
            if self.control is not None:
                self.control(datagram, source, now)
            return
        try:
            packet = parse_rtp(datagram)
        except RtpError:
            self.counters.malformed += 1
            return
        if packet.payload_type not in payloads.known:
            self.counters.unknown += 1
            return
        latch.heard(self.direct.heard_at)
        if not latch.admits(source, now):
            self.counters.strangers += 1
            return
        if source != self.direct.source:
            self.direct.source = source
            if self.back is not None:
                self.back.direct.target = latch.target
        if self._is_of_the_source(packet, now):
            self._carry(packet, payloads, now)
        else:
            self.counters.late += 1

    def _is_of_the_source(self, packet: RtpPacket, now: float) -> bool:
        """Whether the packet is one of the stream that speaks, or shows that another has taken over."""
        if packet.ssrc != self.source_ssrc:
            return self._take_source(packet, now)
        if leaps(packet.sequence, self.direct.sequence):
            return self._watch.confirms(packet.ssrc, packet.sequence, self.direct.sequence)
        return True

    def _take_source(self, packet: RtpPacket, now: float) -> bool:
        """Another SSRC speaks: the stream goes on with it. False for its first packet, and for a straggler of the one just left."""
        if packet.ssrc == self._retired and now < self._retired_until:
            return False
        if self.source_ssrc is not None:
            if not self._watch.confirms(packet.ssrc, packet.sequence, self.direct.sequence):
                return False
            self._retired, self._retired_until = self.source_ssrc, now + RETIRED_S
            self._events.source_changed()
            if self.masked is not None:
                self.masked.source_changed()
        self._close_direct()
        self.source_ssrc = packet.ssrc
        self.source_base = (packet.sequence - 1, self.counters.received)
        return True

    def _carry(self, packet: RtpPacket, payloads: PayloadMap, now: float) -> None:
        if packet.payload_type in payloads.redundant:
            self._carry_folded(packet, payloads, now)
            return
        event_route = payloads.events.get(packet.payload_type)
        if event_route is not None:
            self._carry_event(packet, event_route, now)
            return
        if self.masked is not None:
            self._count_received(packet, now)
            if packet.payload_type in payloads.pauses:
                self.masked.pause(packet, now)
            else:
                self.masked.voice(packet, payloads.spoken.get(packet.payload_type), now)
            self._tell_of(self.masked)
            return
        mark = MARKER if packet.marker else 0
        self._pass(packet, payloads.voice[packet.payload_type | mark], now, is_event=False)

    def _carry_folded(self, packet: RtpPacket, payloads: PayloadMap, now: float) -> None:
        """Redundancy ends here: the packet becomes those it stands for, of which only what is missing is carried. Repeated events are heard
        in a capture, whose mask they cannot pass, and nowhere else: they may be older than the capture's close."""
        try:
            *former, newest = unfold(packet)
        except RtpError:
            self.counters.malformed += 1
            self._leave_out(packet, now)
            return
        parts = [part for part in former if self._is_missing(part, payloads)]
        parts.insert(0 if self.masked is None else len(parts), newest)
        for part in parts:
            if part is not newest:
                self.counters.recovered += 1
                self.counters.received -= 1
            if part.payload_type not in payloads.known - payloads.redundant:
                self.counters.unknown += 1
                self._leave_out(part, now)
            elif part.payload_type in payloads.events:
                self._carry_event(part, payloads.events[part.payload_type], now, repeated=part is not newest)
            else:
                self._carry(part, payloads, now)

    def _is_missing(self, part: RtpPacket, payloads: PayloadMap) -> bool:
        if part.payload_type in payloads.events:
            return self.masked is not None and not self._events.knows(part.payload, part.timestamp)
        return sequence_step(part.sequence, self.direct.sequence) > 0

    def _carry_event(
        self, packet: RtpPacket, event_route: EventRoute, now: float, *, repeated: bool = False
    ) -> None:
        self.counters.events += 1
        try:
            update = self._events.receive(
                packet.payload,
                packet.timestamp,
                packet.marker,
                event_route.clock_rate,
                now,
                repeated=repeated,
            )
        except EventError:
            self.counters.malformed += 1
            self._leave_out(packet, now)
            return
        if self.masked is not None:
            update.event.withheld = True
            self.counters.withheld += 1
            self._count_received(packet, now)
            self.masked.event(update, packet.sequence, now)
            self._tell_of(self.masked)
        elif update.event.withheld or update.onset < self._unmasked_at:
            update.event.withheld = True
            self.counters.withheld += 1
            self._leave_out(packet, now)
        elif event_route.payload_type is None:
            self._pass(packet, None, now, is_event=True)
        else:
            mark = MARKER if packet.marker else 0
            route = Route(event_route.payload_type | mark, None, event_route.clock_rate)
            self._pass(packet, route, now, is_event=True)

    def _pass(self, packet: RtpPacket, route: Route | None, now: float, *, is_event: bool) -> None:
        """Outside a capture: on to the other leg, unless that leg does not know the payload or the direction is on hold."""
        if self._held or route is None:
            if self._held:
                self.counters.held += 1
            else:
                self.counters.unknown += 1
            self._leave_out(packet, now)
        elif not self.direct.carry(packet, route, now, is_event=is_event):
            self.counters.received += 1
            self.counters.late += 1

    def _leave_out(self, packet: RtpPacket, now: float) -> None:
        self.counters.received += 1
        self.direct.leave_out(packet, now)

    def _count_received(self, packet: RtpPacket, now: float) -> None:
        self.counters.received += 1
        self.direct.note(packet, now)

    def _tell_of(self, masked: MaskedFlow) -> None:
        """What a packet or the time told."""
        for report in masked.reports:
            if isinstance(report, Pressed):
                self.counters.presses += 1
            self._tell(report)
        masked.reports.clear()
        self._unsent = True

    def _send_masked(self, now: float) -> None:
        """Send what the mask let through; when the mask is done, the direct path takes the stream up with the next packet."""
        masked, direct = self.masked, self.direct
        self._unsent = False
        if masked is None:
            return
        datagrams = masked.packets(now)
        if direct.target is not None and not self._held:
            for datagram in datagrams:
                direct.outbox.append((direct.outlet, datagram, direct.target))
            self.counters.relayed += len(datagrams)
        if masked.reports:
            self._tell_of(masked)
            self._unsent = False
        if masked.finished:
            self.counters.concealed_ms += masked.source.playout.filled_samples // 8
            self.counters.late += masked.source.playout.late_packets
            self._unmasked_at = masked.pushed_at
            masked.wipe()
            self.masked = None
