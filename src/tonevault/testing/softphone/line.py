"""The phone's end of the audio: one RTP stream out on a 20 ms beat, everything that comes in put on a recording by its timestamps."""

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.edge.relay.direct_path import Datagram
from tonevault.cde.edge.relay.srtp import SecuredLeg
from tonevault.cde.media import Srtp
from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ, Law, decode, encode
from tonevault.cde.wire.rtp import RtpError, RtpPacket, build_rtp, is_rtcp, parse_rtp, timestamp_step
from tonevault.cde.wire.telephone_event import build_event
from tonevault.testing.softphone.sound import Samples

PACKET_SAMPLES: Final = 160
PACKET_S: Final = PACKET_SAMPLES / SAMPLE_RATE_HZ
"""20 ms, the usual packet of G.711 (RFC 3551 section 4.2)."""
END_REPEATS: Final = 3
"""RFC 4733 section 2.5.1.4: the last packet of an event is sent three times."""
LONGEST_RECORDING: Final = 3600 * SAMPLE_RATE_HZ
"""An hour; what comes after is heard and not kept."""
MAX_GAP: Final = 10 * SAMPLE_RATE_HZ
"""A timestamp that jumps further than ten seconds begins a new stretch right behind the old."""

LAWS: Final = {0: Law.ULAW, 8: Law.ALAW}
"""RFC 3551 table 4: the static payload types of G.711."""


@dataclass(frozen=True, slots=True)
class FarEnd:
    """Where the audio goes and in which payload types."""

    host: str
    port: int
    law_type: int = 0
    event_type: int | None = None


@dataclass(slots=True)
class _Press:
    """An event being sent: `code` and the units of duration still to go."""

    code: int
    units: int
    after_speech: bool = False
    begun_at: int | None = None
    told: int = 0


class Line(asyncio.DatagramProtocol):
    """One RTP session of the phone. `heard` is the recording; `events_heard` counts telephone-event packets that came in."""

    def __init__(self, random_source: random.Random) -> None:
        self._ssrc = random_source.getrandbits(32)
        self._sequence = random_source.getrandbits(15)
        self._clock = random_source.getrandbits(31)
        self._speech: deque[Samples] = deque()
        self._presses: deque[_Press] = deque()
        self._transport: asyncio.DatagramTransport | None = None
        self._beat: asyncio.Task[None] | None = None
        self._far: FarEnd | None = None
        self._heard = np.zeros(0, np.int16)
        self._length = 0
        self._source: tuple[int, int, int] | None = None
        self._lock: SecuredLeg | None = None
        self.counters = FlowCounters()
        """Of a line with SRTP: what came forged, or was heard before."""
        self._idle = asyncio.Event()
        self._idle.set()
        self.events_heard = 0
        self.packets_heard = 0
        self.on_hold = False

    async def open(self, host: str) -> int:
        """Bind a UDP port of `host` and answer it."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        port: int = self._transport.get_extra_info("sockname")[1]
        return port

    def connect(self, far: FarEnd) -> None:
        """Start to send, or change where and how."""
        self._far = far
        if self._beat is None:
            self._beat = asyncio.get_running_loop().create_task(self._keep_beat())

    def secure(self, security: Srtp | None) -> None:
        """From now on all that is sent is locked, and nothing is heard that does not open."""
        if security is not None and self._lock is not None:
            self._lock.rekey(security)
        elif security is not None:
            self._lock = SecuredLeg(security, self, self.counters)

    @property
    def is_secured(self) -> bool:
        """Whether the audio is SRTP."""
        return self._lock is not None

    def append(self, item: Datagram, /) -> None:
        """Send a datagram as it is: a locked one comes from the lock."""
        _, datagram, target = item
        if self._transport is not None:
            self._transport.sendto(datagram, target)

    def say(self, samples: Samples) -> None:
        """Speak after what is being spoken already."""
        self._speech.append(samples)
        self._idle.clear()

    def press_event(self, code: int, duration_s: float, *, after_speech: bool = False) -> None:
        """Send one key as an RFC 4733 event after the presses, or also the speech, that are being sent already."""
        self._presses.append(_Press(code, round(duration_s * SAMPLE_RATE_HZ), after_speech))
        self._idle.clear()

    async def quiet(self) -> None:
        """Wait until everything was said and pressed."""
        await self._idle.wait()

    @property
    def heard(self) -> Samples:
        """Everything heard so far, 8 kHz."""
        return self._heard[: self._length].copy()

    def close(self) -> None:
        """Stop sending and give the port back."""
        if self._beat is not None:
            self._beat.cancel()
        if self._transport is not None:
            self._transport.close()
        if self._lock is not None:
            self._lock.destroy()
        self._idle.set()

    async def _keep_beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._send_packet()
            due += PACKET_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _send_packet(self) -> None:
        far = self._far
        if far is None or self._transport is None or self._transport.is_closing():
            return
        press = self._presses[0] if self._presses else None
        if press is not None and far.event_type is not None and not (press.after_speech and self._speech):
            self._send_event(press, far.event_type)
        elif not self.on_hold:
            payload = encode(LAWS[far.law_type], self._next_speech())
            self._send(far.law_type, self._clock, payload, marker=False)
        self._clock = (self._clock + PACKET_SAMPLES) & 0xFFFFFFFF
        if not self._presses and not self._speech:
            self._idle.set()

    def _next_speech(self) -> Samples:
        out = np.zeros(PACKET_SAMPLES, np.int16)
        filled = 0
        while self._speech and filled < PACKET_SAMPLES:
            head = self._speech.popleft()
            take = min(len(head), PACKET_SAMPLES - filled)
            out[filled : filled + take] = head[:take]
            filled += take
            if take < len(head):
                self._speech.appendleft(head[take:])
        return out

    def _send_event(self, press: _Press, event_type: int) -> None:
        first = press.begun_at is None
        if press.begun_at is None:
            press.begun_at = self._clock
        press.told = min(press.told + PACKET_SAMPLES, press.units)
        ends = press.told >= press.units
        payload = build_event(press.code, press.told, end=ends)
        for _ in range(END_REPEATS if ends else 1):
            self._send(event_type, press.begun_at, payload, marker=first)
        if ends:
            self._presses.popleft()

    def _send(self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool) -> None:
        if self._far is None or self._transport is None:
            return
        packet = RtpPacket(payload_type, self._sequence, timestamp, self._ssrc, payload, marker)
        self._sequence = (self._sequence + 1) & 0xFFFF
        (self._lock or self).append((0, build_rtp(packet), (self._far.host, self._far.port)))

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:  # noqa: ARG002 - asyncio's signature
        """Put audio on the recording; count events."""
        opened = data if self._lock is None else self._lock.opened(data)
        if opened is None or is_rtcp(opened):
            return
        try:
            packet = parse_rtp(opened)
        except RtpError:
            return
        self.packets_heard += 1
        law = LAWS.get(packet.payload_type)
        if law is not None:
            self._record(packet, decode(law, packet.payload))
        elif self._far is not None and packet.payload_type == self._far.event_type:
            self.events_heard += 1

    def _record(self, packet: RtpPacket, samples: Samples) -> None:
        if self._source is None or self._source[0] != packet.ssrc:
            self._source = (packet.ssrc, packet.timestamp, self._length)
        _, base, start = self._source
        place = start + timestamp_step(packet.timestamp, base)
        if not start <= place <= self._length + MAX_GAP:
            self._source = (packet.ssrc, packet.timestamp, self._length)
            place = self._length
        end = place + len(samples)
        if end > LONGEST_RECORDING:
            return
        if end > len(self._heard):
            self._heard = np.concatenate(
                [self._heard, np.zeros(max(end, 2 * len(self._heard)) - len(self._heard), np.int16)]
            )
        self._heard[place:end] = samples
        self._length = max(self._length, end)
