"""The customer's voice towards the agent while a capture is open: all through the mask, presses told. It refuses to pass an event."""

from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.relay.held_keys import STILL_DOWN, Held, HeldKeys
from tonevault.cde.edge.relay.mended_line import MendedLine
from tonevault.cde.edge.relay.out_stream import OutStream
from tonevault.cde.edge.relay.press_time import PressTime
from tonevault.cde.edge.relay.source_voice import NextVoice, SourceVoice
from tonevault.cde.edge.relay.voice_sender import VoiceOut, VoiceSender
from tonevault.cde.media import Carrier, Codec, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.playout import PATIENCE_S, Piece
from tonevault.cde.wire.rtp import RtpPacket
from tonevault.cde.wire.telephone_event import END_LOST_S, EventUpdate, PressedEvent
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneEnded

EVENT_PATIENCE_S: Final = 0.03
"""While a key is told by events, and the audio stopped when it went down, silence is filled in this early, so that the beep comes at once.
A packet and a half: a sender that keeps sending audio beside its events is not mistaken for one that does not."""
LONGEST_PACKET: Final = MaskingLine.LONGEST_PACKET
HELD_SAMPLES: Final = 80
"""A tone that sounds within the first 10 ms of a capture was down before it opened: nobody answers a request in that time."""
STALL_S: Final = 0.05
"""Ten ticks that did not come: the machine stood still."""
STALL_MEMORY_S: Final = 0.3
"""What waited meanwhile is read at once afterwards, give or take another stall."""
EASED_S: Final = 0.3
"""A line whose noise comes and goes within this is a noisy one: an agent reads no quicker."""
HELD_S: Final = 0.1
"""The tone of a key that events tell to be held from before may come so much later: audio runs behind its events by a jitter buffer."""


@dataclass(frozen=True, slots=True, eq=False)
class Pressed:
    """A press, as one carrier told it; `onset` in monotonic seconds: for events and tones by the clock of the stream that holds both, so
    that no delay on the way, nor a machine that stood still, parts them."""

    key: Key
    carrier: Carrier
    onset: float


@dataclass(frozen=True, slots=True)
class MaskChanged:
    """The mask became stricter, or as asked for again, by itself."""

    mode: MaskMode


CaptureReport = Pressed | Held | MaskChanged


class MaskedFlow:
    """One capture. Methods take a packet or the time; `packets` then gives what the agent's leg is to be sent."""

    def __init__(self, mode: MaskMode, stream: OutStream, voice_out: VoiceOut | None, now: float) -> None:
        self.reports: list[CaptureReport] = []
        self.source = SourceVoice(now)
        self._sender = VoiceSender(stream, voice_out)
        self._time = PressTime(now)
        self._held = HeldKeys()
        self._line = MaskingLine(mode, self._time.when)
        self._mended = MendedLine(self._line)
        self._opened_at = now
        self._closed_at: float | None = None
        self._pushed = 0
        self.pushed_at = now
        """When the line moved last."""
        self._audio_at = now
        self._held_until = now
        """Tones that began before this belong to a key that was down before the capture opened."""
        self._event: PressedEvent | None = None
        self._event_at = now
        self._undecodable = False
        self._mode = mode
        self._hushed_at = now
        self._awake_at = now
        self._stall_s = 0.0
        self._stall_until = now

    def follow(self, sequence: int, timestamp: int, due: float, clock_rate: int) -> None:
        """Take up the customer's stream, which was heard before: its last sequence number, and the timestamp and time of what is next."""
        self.source.follow(sequence, timestamp, due, clock_rate)

    def source_changed(self) -> None:
        """The customer's stream goes on under another SSRC."""
        self.source.changed()

    def retarget(self, voice_out: VoiceOut | None) -> None:
        """The agent's leg takes something else from now on; None: no codec that is spoken here, so neither voice nor beep can be sent."""
        self._sender.retarget(voice_out)

    def wipe(self) -> None:
        """The capture is over: nothing that was heard stays."""
        self._line.wipe()

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

    def voice(self, packet: RtpPacket, codec: Codec | None, now: float) -> None:
        """A voice packet. Without a codec it cannot be decoded, so it is not heard at all: the mask is hush."""
        self._undecodable = codec is None
        if codec is None:
            self._push(self.source.playout.skip(packet.sequence, now), now)
            return
        self._audio_at = now
        self._push(self.source.voice(packet, codec, now), now)

    def next_voice(self, voice: NextVoice, now: float) -> bytes | None:
        """A packet of G.711 that plainly goes on where the last one ended, and becomes one: the datagram. None, nothing done, if it is for
        `voice`."""
        octets, source, sender = voice[3], self.source, self._sender
        count, law_out = len(octets), sender.law
        if not (self._mended.is_calm and sender.is_even(count)) or law_out is None or count > LONGEST_PACKET:
            return None
        at = source.next_packet(voice, now, self._stalled(now))
        if at is None or source.law is None:
            return None
        self._undecodable = False
        self._audio_at = self.pushed_at = now
        self._time.went_on(self._pushed, at)
        self._pushed += count
        masked = self._mended.carry(octets, source.law, law_out)
        if self._line.has_reports:
            self._listen()
        return sender.framed(masked, now)

    @property
    def is_eventful(self) -> bool:
        """Whether there may be something to tell, or the capture to be over: `packets` is to be asked."""
        return (
            self._closed_at is not None
            or self._line.is_strict
            or self._mode is not MaskMode.TALK
            or self._held.awaits_end
            or bool(self.reports)
        )

    def pause(self, packet: RtpPacket, now: float) -> None:
        """Comfort noise: the customer's phone says that nothing is said."""
        self._push(self.source.pause(packet, now), now)

    def event(self, update: EventUpdate, sequence: int, now: float) -> None:
        """A packet of a telephone-event, which goes no further. Its first packet is the press."""
        pieces = self.source.playout.skip(sequence, now)
        onset, newest = self.source.event(update, now, self._stalled(now))
        if not update.repeated:
            self._line.mute_residue()
        if update.event is not self._event and not update.repeated:
            self._event = update.event
            self._event_at = now
            if onset < self._opened_at:
                self._held_until = newest + HELD_S
        if update.key is None:
            self._line.still_down(Carrier.EVENT, newest)
        elif self._opened_at <= onset and (self._closed_at is None or onset < self._closed_at):
            self._line.beep(update.key, Carrier.EVENT, onset)
            self.reports.append(Pressed(update.key, Carrier.EVENT, onset))
            self._held.event_told(update.event)
        self._push(pieces, now)

    def beep(self, key: Key) -> None:
        """A key was told by SIP INFO."""
        self._line.beep(key, Carrier.INFO)

    def tick(self, now: float) -> None:
        """Time passes: silence for what did not come, so that the line moves on and the agent's stream never stops. To be called every
        few milliseconds: when it is not, the machine stood still."""
        self._stalled(now)
        self._push(self.source.playout.tick(now, self._patience(now)), now)

    def _stalled(self, now: float) -> float:
        """For how long this machine stood still of late: packets that it let wait are as late as that."""
        asleep = now - self._awake_at
        self._awake_at = now
        if asleep > STALL_S:
            self._stall_s = asleep + (self._stall_s if now <= self._stall_until else 0.0)
            self._stall_until = now + STALL_MEMORY_S
        return self._stall_s if now <= self._stall_until else 0.0

    def _patience(self, now: float) -> float:
        if self._undecodable:
            return 0.0
        event = self._event
        down = event is not None and not event.ended and now - event.updated_at <= END_LOST_S
        return EVENT_PATIENCE_S if down and self._audio_at <= self._event_at else PATIENCE_S

    def _push(self, pieces: list[Piece], now: float) -> None:
        if not pieces:
            return
        self.pushed_at = now
        for sound in self.source.sounds(pieces, now, self._stalled(now)):
            self._time.mark(self._pushed, sound.at, len(sound.samples), lost=sound.lost)
            self._pushed += len(sound.samples)
            self._sender.take(self._mended.push(sound.samples, lost=sound.lost))
            self._listen()

    def packets(self, now: float) -> list[bytes]:
        """What the agent's leg is to be sent of all that was masked."""
        self.reports += self._held.events(now)
        self._tell_mode(now)
        return self._sender.packets(now, is_last=self.finished)

    def _listen(self) -> None:
        """What the ear heard."""
        for report in self._line.take_reports():
            if isinstance(report, ToneEnded):
                self.reports += self._held.tone(self._time.ended(report))
                continue
            onset = self._time.when(report.onset)
            in_window = self._closed_at is None or onset < self._closed_at
            is_held = report.onset < HELD_SAMPLES + self.source.settling or onset < self._held_until
            if not self._time.is_press(report):
                self.reports += self._held.tone(STILL_DOWN)
                continue
            self._held.tone_told(as_press=in_window and not is_held)
            if in_window and not is_held:
                self.reports.append(Pressed(report.key, Carrier.TONE, onset))

    def _tell_mode(self, now: float) -> None:
        """Whether the mask is still what was asked for. That it is so again is told when it has been for a while."""
        hushed = self._undecodable or self._line.hushed_by_noise or self._line.mode is MaskMode.HUSH
        mode = MaskMode.HUSH if hushed else MaskMode.TALK
        if mode is MaskMode.HUSH:
            self._hushed_at = now
        if mode is not self._mode and (mode is MaskMode.HUSH or now - self._hushed_at >= EASED_S):
            self._mode = mode
            self.reports.append(MaskChanged(mode))
