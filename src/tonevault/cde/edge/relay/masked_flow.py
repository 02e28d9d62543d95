"""The customer's voice towards the agent while a capture is open: all through the mask, presses told. It refuses to pass an event."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ, Law, decode, encode
from tonevault.cde.wire.playout import PATIENCE_S, Piece, Playout
from tonevault.cde.wire.rtp import RtpPacket
from tonevault.cde.wire.telephone_event import END_LOST_S, EventUpdate, PressedEvent
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneStarted

EVENT_PATIENCE_S: Final = 0.03
"""While a key is told by events, and the audio stopped when it went down, silence is filled in this early, so that the beep comes at once.
A packet and a half: a sender that keeps sending audio beside its events is not mistaken for one that does not."""
HELD_SAMPLES: Final = 80
"""A tone that sounds within the first 10 ms of a capture was down before it opened: nobody answers a request in that time."""
HELD_S: Final = 0.1
"""The tone of a key that events tell to be held from before may come so much later: audio runs behind its events by a jitter buffer."""
BURST_FRAMES: Final = 3
"""More frames than this at once (after a pause that was waited out) would only swell the agent's jitter buffer: silent ones are left out,
and the timestamps tell the pause."""
_SILENCE: Final = {law: encode(law, np.zeros(1, np.int16)) for law in Law}
"""The one octet of digital silence."""


@dataclass(frozen=True, slots=True, eq=False)
class Pressed:
    """A press, as one carrier told it; `onset` in monotonic seconds."""

    key: Key
    carrier: Carrier
    onset: float


@dataclass(frozen=True, slots=True)
class MaskChanged:
    """The mask became stricter, or as asked for again, by itself."""

    mode: MaskMode


CaptureReport = Pressed | MaskChanged


@dataclass(frozen=True, slots=True)
class VoiceOut:
    """What the agent's leg takes: a law and its payload type, and the samples of a packet (its ptime)."""

    law: Law
    payload_type: int
    frame_samples: int


class MaskedFlow:
    """One capture. Methods take a packet or the time and give back the datagrams that the agent's leg is to be sent."""

    def __init__(self, mode: MaskMode, stream: OutStream, voice_out: VoiceOut | None, now: float) -> None:
        self.playout = Playout(now)
        self._voice_out = voice_out
        self.reports: list[CaptureReport] = []
        self._line = MaskingLine(mode)
        self._stream = stream
        self._opened_at = now
        self._closed_at: float | None = None
        self._law = Law.ULAW
        self._ready = bytearray()
        self._pushed = 0
        self._audio_at = now
        self._held_until = now
        """Tones that began before this belong to a key that was down before the capture opened."""
        self._event: PressedEvent | None = None
        self._event_at = now
        self._undecodable = False
        self._mode = mode

    def retarget(self, voice_out: VoiceOut | None) -> None:
        """The agent's leg takes something else from now on; None: it knows no G.711, so that neither voice nor beep can be sent to it."""
        if voice_out != self._voice_out:
            self._voice_out = voice_out
            self._ready.clear()

    @property
    def finished(self) -> bool:
        """Whether the capture was closed and nothing it masks is under way: audio may pass directly again."""
        return self._closed_at is not None and self._line.finished

    @property
    def closing(self) -> bool:
        """Whether the capture was closed, and only masks what is under way."""
        return self._closed_at is not None

    def set_mode(self, mode: MaskMode) -> None:
        """Change between talk and hush."""
        self._mode = mode
        self._line.set_mode(mode)

    def close(self, now: float) -> None:
        """The capture ends; what is held stays masked until `finished`."""
        if self._closed_at is None:
            self._closed_at = now
            self._line.close()

    def voice(self, packet: RtpPacket, law: Law | None, now: float) -> list[bytes]:
        """A voice packet. Without a law it cannot be decoded, so it is not heard at all: the mask is hush."""
        self._undecodable = law is None
        if law is None:
            return self._push(self.playout.skip(packet.sequence, now), now)
        self._law = law
        self._audio_at = now
        return self._push(self.playout.arrive(packet.sequence, packet.timestamp, packet.payload, now), now)

    def pause(self, sequence: int, now: float) -> list[bytes]:
        """Comfort noise: the customer's phone says that nothing is said."""
        return self._push(self.playout.skip(sequence, now), now)

    def event(self, update: EventUpdate, sequence: int, now: float) -> list[bytes]:
        """A packet of a telephone-event, which goes no further. Its first packet is the press."""
        pieces = self.playout.skip(sequence, now)
        self._line.mute_residue()
        if update.event is not self._event:
            self._event = update.event
            self._event_at = now
            if update.onset < self._opened_at:
                self._held_until = now + HELD_S
        if update.key is not None and self._closed_at is None and update.onset >= self._opened_at:
            self._line.beep(update.key, Carrier.EVENT)
            self.reports.append(Pressed(update.key, Carrier.EVENT, update.onset))
        return self._push(pieces, now)

    def beep(self, key: Key) -> None:
        """A key was told by SIP INFO."""
        self._line.beep(key, Carrier.INFO)

    def tick(self, now: float) -> list[bytes]:
        """Time passes: silence for what did not come, so that the line moves on and the agent's stream never stops."""
        return self._push(self.playout.tick(now, self._patience(now)), now)

    def _patience(self, now: float) -> float:
        if self._undecodable:
            return 0.0
        event = self._event
        down = event is not None and not event.ended and now - event.updated_at <= END_LOST_S
        return EVENT_PATIENCE_S if down and self._audio_at <= self._event_at else PATIENCE_S

    def _push(self, pieces: list[Piece], now: float) -> list[bytes]:
        for piece in pieces:
            samples = np.zeros(piece, np.int16) if isinstance(piece, int) else decode(self._law, piece)
            self._pushed += len(samples)
            masked = self._line.push(samples)
            if self._voice_out is not None:
                self._ready += encode(self._voice_out.law, masked)
        if not pieces:
            return []
        self._tell(now)
        return self._cut(now)

    def _tell(self, now: float) -> None:
        """What the ear heard, and whether the mask is still what was asked for."""
        for report in self._line.take_reports():
            if isinstance(report, ToneStarted):
                onset = now - (self._pushed - report.onset) / SAMPLE_RATE_HZ
                in_window = self._closed_at is None or onset < self._closed_at
                if report.onset >= HELD_SAMPLES and onset >= self._held_until and in_window:
                    self.reports.append(Pressed(report.key, Carrier.TONE, onset))
        hushed = self._undecodable or self._line.hushed_by_noise or self._line.mode is MaskMode.HUSH
        mode = MaskMode.HUSH if hushed else MaskMode.TALK
        if mode is not self._mode:
            self._mode = mode
            self.reports.append(MaskChanged(mode))

    def _cut(self, now: float) -> list[bytes]:
        """Whole packets of what is ready; at the end of the capture also the rest."""
        out = self._voice_out
        if out is None:
            return []
        frames = []
        while len(self._ready) >= out.frame_samples or (self.finished and self._ready):
            frames.append(bytes(self._ready[: out.frame_samples]))
            del self._ready[: out.frame_samples]
        spare = len(frames) - BURST_FRAMES
        silence = _SILENCE[out.law]
        datagrams = []
        resumed = False
        for frame in frames:
            if spare > 0 and frame.count(silence) == len(frame):
                spare -= 1
                self._stream.skip(len(frame))
                resumed = True
                continue
            datagrams.append(self._stream.frame(out.payload_type, frame, len(frame), now, marker=resumed))
            resumed = False
        return datagrams
