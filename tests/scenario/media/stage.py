"""A stage for whole calls in simulated time: a phone's script, a network that loses and disorders, the engine, and what either side got."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from tests.e2e.peers import g711
from tests.e2e.peers.g711 import Pcm
from tests.e2e.peers.keypad import EVENT_CODES
from tests.e2e.peers.wav import RATE_HZ, Sound
from tonevault.cde.capture.telling import Telling
from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.flow import Flow
from tonevault.cde.edge.relay.masked_flow import CaptureReport, MaskChanged, Pressed
from tonevault.cde.media import Carrier, Codec, Leg, LegMedia, MaskMode, MediaAddress
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.rtp import RtpPacket, build_rtp, is_rtcp, parse_rtp
from tonevault.cde.wire.telephone_event import build_event
from tonevault.cde.wire.voice_codec import decoder_for, encoder_for

PCMU = Codec(0, "PCMU", 8000)
PCMA = Codec(8, "PCMA", 8000)
G722 = Codec(9, "G722", 8000)
G729 = Codec(18, "G729", 8000)
EVENTS = Codec(101, "TELEPHONE-EVENT", 8000)
AGENT_EVENTS = Codec(96, "TELEPHONE-EVENT", 8000)

CUSTOMER = ("192.0.2.10", 40000)
AGENT = ("192.0.2.20", 50000)
CUSTOMER_SOCKETS, AGENT_SOCKETS = LegSockets(1, 2), LegSockets(3, 4)
CALL = 1
TICK_S = 0.005
START = 100.0
Act = Callable[[], None]
PACKET_S = 0.02


@dataclass(slots=True)
class Network:
    """What happens on the way: shares of packets lost and doubled, and uniform extra delay in seconds."""

    loss: float = 0.0
    twice: float = 0.0
    jitter_s: float = 0.0


class Phone:
    """Writes an RTP stream: what is sent and when, in seconds from the beginning. Audio and events share a clock (RFC 4733 section 2.1).

    `pace` is how much slower than it should the phone's clock runs: 1.0002 is 200 ppm.
    """

    def __init__(
        self,
        payload_type: int = 0,
        *,
        ssrc: int = 1111,
        sequence: int = 65000,
        timestamp: int = 0xFFFFF000,
        codec: Codec | None = None,
        events: Codec = EVENTS,
        pace: float = 1.0,
    ) -> None:
        self.sent: list[tuple[float, RtpPacket]] = []
        self.at = 0.0
        self._type = payload_type if codec is None else codec.payload_type
        self._encoder = None if codec is None else encoder_for(codec)
        self._units = 1 if codec is None else codec.clock_rate // RATE_HZ
        self._events = events
        self.event_units = self._units
        """Of an event's duration, a sample of 8 kHz."""
        self._pace = pace
        self._ssrc = ssrc
        self._sequence = sequence
        self._timestamp = timestamp

    def _send(
        self, at: float, payload_type: int, timestamp: int, payload: bytes, *, marker: bool = False
    ) -> None:
        packet = RtpPacket(
            payload_type, self._sequence & 0xFFFF, timestamp & 0xFFFFFFFF, self._ssrc, payload, marker
        )
        self.sent.append((at, packet))
        self._sequence += 1

    def _payload(self, samples: Pcm) -> bytes:
        if self._encoder is None:
            return g711.encode(self._type, samples)
        return self._encoder.encode(samples)

    def _passes(self, samples: int) -> None:
        self._timestamp += samples * self._units
        self.at += samples / RATE_HZ * self._pace

    def says(self, sound: Sound, packet_s: float = PACKET_S) -> "Phone":
        """Audio in packets, the last one filled up with silence."""
        length = round(packet_s * RATE_HZ)
        samples = sound.samples
        padded = np.concatenate([samples, np.zeros(-len(samples) % length, np.int16)])
        for start in range(0, len(padded), length):
            self._send(self.at, self._type, self._timestamp, self._payload(padded[start : start + length]))
            self._passes(length)
        return self

    def pauses(self, length_s: float) -> "Phone":
        """Nothing is sent."""
        self._passes(round(length_s * RATE_HZ))
        return self

    def delayed(self, length_s: float) -> "Phone":
        """All that was sent so far is sent later."""
        self.sent = [(at + length_s, packet) for at, packet in self.sent]
        self.at += length_s
        return self

    def keys(
        self,
        key: str,
        length_s: float = 0.1,
        *,
        ends: int = 3,
        beside: Sound | None = None,
        starts: bool = True,
    ) -> "Phone":
        """A press by events instead of audio, or beside it. Without `starts` its first half is never sent; `ends` counts its ends."""
        began, code, steps = self._timestamp, EVENT_CODES[key], round(length_s / PACKET_S)
        segment, told = began, 0
        for step in range(steps):
            told += 160 * self.event_units
            if told > 0xFFFF:
                segment, told = segment + 0xFFFF, told - 0xFFFF
            if starts or step >= steps // 2:
                self._tells(segment, build_event(code, told), marker=step == 0)
            if beside is not None:
                piece = beside.samples[160 * step : 160 * (step + 1)]
                self._send(self.at, self._type, self._timestamp, self._payload(piece))
            self._passes(160)
        for _ in range(ends):
            self._tells(segment, build_event(code, told, end=True))
        return self

    def _tells(self, timestamp: int, payload: bytes, *, marker: bool = False) -> None:
        self._send(self.at, self._events.payload_type, timestamp, payload, marker=marker)

    def changes_source(self, ssrc: int, sequence: int, timestamp: int) -> "Phone":
        """Go on as another SSRC."""
        self._ssrc, self._sequence, self._timestamp = ssrc, sequence, timestamp
        return self


def moved(packet: RtpPacket, units: int) -> RtpPacket:
    """The packet under a timestamp that much later."""
    return replace(packet, timestamp=(packet.timestamp + units) & 0xFFFFFFFF)


@dataclass(slots=True)
class Heard:
    """What one leg was sent: packets with their times."""

    packets: list[tuple[float, RtpPacket]] = field(default_factory=list)

    def decoded(self, codec: Codec) -> Sound:
        """Audio of any codec, put where its timestamps say; what was never sent is silence."""
        decoder = decoder_for(codec)
        assert decoder is not None
        voice = [packet for _, packet in self.packets if packet.payload_type == codec.payload_type]
        units = codec.clock_rate // RATE_HZ
        pieces = [decoder.decode(packet.payload) for packet in voice]
        places = [((packet.timestamp - voice[0].timestamp) & 0xFFFFFFFF) // units for packet in voice]
        length = max((at + len(one) for at, one in zip(places, pieces, strict=True)), default=0)
        samples = np.zeros(length, np.int16)
        for at, one in zip(places, pieces, strict=True):
            samples[at : at + len(one)] = one
        return Sound(samples)

    def audio(self, payload_type: int = 0) -> Sound:
        """Audio put where its timestamps say; what was never sent is silence."""
        voice = [packet for _, packet in self.packets if packet.payload_type == payload_type]
        if not voice:
            return Sound(np.zeros(0, np.int16))
        first = voice[0].timestamp
        places = [(packet.timestamp - first) & 0xFFFFFFFF for packet in voice]
        samples = np.zeros(
            max(place + len(p.payload) for place, p in zip(places, voice, strict=True)), np.int16
        )
        for place, packet in zip(places, voice, strict=True):
            samples[place : place + len(packet.payload)] = g711.decode(payload_type, packet.payload)
        return Sound(samples)

    def between(self, start: float, end: float) -> "Heard":
        """The packets of a span of the stage's time."""
        return Heard([(at, packet) for at, packet in self.packets if start <= at < end])

    @property
    def types(self) -> set[int]:
        return {packet.payload_type for _, packet in self.packets}

    def assert_one_stream(self) -> None:
        """One SSRC, sequence numbers without a break, timestamps that never go back."""
        packets = [packet for _, packet in self.packets]
        assert len({packet.ssrc for packet in packets}) <= 1
        for before, after in pairwise(packets):
            assert (after.sequence - before.sequence) & 0xFFFF == 1
            assert (after.timestamp - before.timestamp) & 0xFFFFFFFF < 0x80000000


class Stage:
    """One call on one engine. Times are seconds from the beginning of the play."""

    def __init__(
        self,
        *,
        seed: int = 1,
        customer: tuple[Codec, ...] = (PCMU,),
        agent: tuple[Codec, ...] = (PCMU,),
        ptime_ms: int = 20,
        network: Network | None = None,
        events: tuple[Codec, ...] = (EVENTS,),
        agent_events: tuple[Codec, ...] = (AGENT_EVENTS,),
        configured: bool = True,
    ) -> None:
        self.chance = random.Random(seed)
        self.engine = MediaEngine(self.chance.randrange)
        self.network = network or Network()
        self.customer_media = LegMedia(MediaAddress(*CUSTOMER, CUSTOMER[1] + 1), customer, events)
        self.agent_media = LegMedia(MediaAddress(*AGENT, AGENT[1] + 1), agent, agent_events, ptime_ms)
        self.engine.open(CALL, CUSTOMER_SOCKETS, AGENT_SOCKETS, START)
        if configured:
            self.engine.configure(CALL, Leg.CUSTOMER, self.customer_media)
            self.engine.configure(CALL, Leg.AGENT, self.agent_media)
        self.agents = {AGENT}
        """Where the agent's side may be sent something."""
        self.targets: list[tuple[float, tuple[str, int]]] = []
        """Where the agent's side was sent something, and when."""
        self.agent_heard, self.customer_heard = Heard(), Heard()
        self.rtcp: list[tuple[int, bytes]] = []
        self.reports: list[tuple[float, CaptureReport]] = []
        self._script: list[tuple[float, int, Act | None]] = []
        self._stalls: list[tuple[float, float]] = []
        self.now = 0.0

    def at(self, time: float, act: Act) -> "Stage":
        """Do something (a callable without arguments) at a time."""
        self._script.append((time, len(self._script), act))
        return self

    def capture(self, start: float, end: float | None = None, mode: MaskMode = MaskMode.TALK) -> "Stage":
        """Open a capture, and close it."""
        self.at(start, lambda: self.engine.start_capture(CALL, mode, START + self.now))
        if end is not None:
            self.at(end, lambda: self.engine.stop_capture(CALL, START + self.now))
        return self

    def stalls(self, start: float, end: float) -> "Stage":
        """The machine stands still: what comes meanwhile is met at the end, in its order, and no tick happens."""
        self._stalls.append((start, end))
        return self

    def info(self, time: float, key: str) -> "Stage":
        """SIP INFO tells of a key."""
        return self.at(time, lambda: self.engine.beep(CALL, Key.from_event(EVENT_CODES[key])))

    def sends(
        self, phone: Phone, *, socket: int = CUSTOMER_SOCKETS.rtp, source: tuple[str, int] = CUSTOMER
    ) -> "Stage":
        """Put a phone's packets through the network."""
        for at, packet in phone.sent:
            if self.chance.random() < self.network.loss:
                continue
            for _ in range(2 if self.chance.random() < self.network.twice else 1):
                delay = self.chance.uniform(0, self.network.jitter_s)
                self.at(at + delay, self._arrival(socket, build_rtp(packet), source))
        return self

    def _arrival(self, socket: int, datagram: bytes, source: tuple[str, int]) -> Act:
        return lambda: self.engine.receive(socket, datagram, source, START + self.now)

    def customer_flow(self) -> Flow:
        """What the customer's packets meet."""
        return self.engine._calls[CALL].customer_flow

    def concealed_ms(self) -> int:
        """What the open capture has filled in."""
        masked = self.customer_flow().masked
        assert masked is not None
        return masked.source.playout.filled_samples // 8

    def play(self, length_s: float, *, quiet_until: float = 0.0) -> "Stage":
        """Let time run; ticks, which change nothing before a capture, begin at `quiet_until`."""
        ticks: list[tuple[float, int, Act | None]] = [
            (n * TICK_S, -1, None) for n in range(round(quiet_until / TICK_S), round(length_s / TICK_S) + 1)
        ]
        for time, _, act in sorted(self._script + ticks, key=lambda entry: entry[:2]):
            if time > length_s:
                break
            stall = next((one for one in self._stalls if one[0] <= time < one[1]), None)
            if stall is not None and act is None:
                continue
            self.now = time if stall is None else stall[1]
            if act is None:
                self.engine.tick(START + time)
            else:
                act()
            self._collect()
        return self

    def _collect(self) -> None:
        for socket, datagram, target in self.engine.outbox:
            if is_rtcp(datagram):
                self.rtcp.append((socket, datagram))
                continue
            heard = self.agent_heard if socket == AGENT_SOCKETS.rtp else self.customer_heard
            if heard is self.agent_heard:
                assert target in self.agents
                self.targets.append((self.now, target))
            else:
                assert target[0] in (CUSTOMER[0], "192.0.2.77")
            heard.packets.append((self.now, parse_rtp(datagram)))
        self.engine.outbox.clear()
        self.reports += [(self.now, told.report) for told in self.engine.take_reports()]

    def presses(self, carrier: Carrier | None = None) -> list[Pressed]:
        """The presses told, by one carrier or by any."""
        told = [report for _, report in self.reports if isinstance(report, Pressed)]
        return [report for report in told if carrier is None or report.carrier is carrier]

    def tellings(self) -> list[Telling]:
        """The presses told, as the capture takes them."""
        return [
            Telling(report.key, report.carrier, report.onset, START + at)
            for at, report in self.reports
            if isinstance(report, Pressed)
        ]

    def mask_changes(self) -> list[MaskMode]:
        """The changes of the mask that were told."""
        return [report.mode for _, report in self.reports if isinstance(report, MaskChanged)]

    def keyed(self, carrier: Carrier) -> str:
        """The keys told by one carrier, opened for the judge."""
        codes = {code: key for key, code in EVENT_CODES.items()}
        found = []
        for press in self.presses(carrier):
            found += [key for code, key in codes.items() if press.key.matches(Key.from_event(code))]
        return "".join(found)
