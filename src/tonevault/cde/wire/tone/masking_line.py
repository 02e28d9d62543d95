"""The mask of one captured call, customer to agent: a 20 ms delay line from which keypad tones never come out. It refuses to let a
sample through before the ear has heard the 20 ms that follow it."""

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.beep import Beeper
from tonevault.cde.wire.tone.comfort_noise import ComfortNoise, NoiseFloor
from tonevault.cde.wire.tone.ear import Ear, Hearing
from tonevault.cde.wire.tone.gate import FADE, Gate
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.press import PressLedger
from tonevault.cde.wire.tone.report import ToneEnded, ToneReport, ToneStarted

SLICE: Final = 160
"""Longer pushes are worked off in slices of 20 ms, so that a beep begins within 20 ms of where its key was heard."""

HANG: Final = 80
"""10 ms kept closed after the last window that may hold a tone: a window with less than about 10 ms of tone in it looks innocent."""

BEFORE_A_HOLE: Final = 64
"""8 ms kept closed before samples that never came: they may be the beginning of a key of which the ear gets to hear no more in time. A
window needs about as much of it to suspect anything."""

LONGEST_HOLE: Final = 480
"""60 ms, three packets: what was closed before a hole stays closed through it and for HANG after it, for a key may end in so short a
piece that it looks innocent. Silence that lasts longer is a pause."""

RESIDUE_LEASE: Final = 480
"""60 ms: RFC 4733 section 2.5.1.2 has an event retransmitted every 50 ms or sooner; a mute that each packet renews for longer than that
holds while the event lasts and lapses by itself when its end is lost."""

RESIDUE_TAIL: Final = 240
"""30 ms more: the sender's audio path may run behind its events by a packet and a half."""

NOISIEST: Final = power_of(-30.0)
"""Noise floor above which the mask is not trusted: 10 dB below −20 dBm0, the quietest pair to expect of a phone behind a lossy line. Where
noise is 10 dB below the pair no tone escapes, see docs/tones.md."""

NOISE_EASED: Final = power_of(-33.0)
"""The floor must fall 3 dB lower before the line trusts itself again."""


class MaskingLine:
    """Customer to agent while a capture is open.

    Samples go in and as many come out, `DELAY_SAMPLES` later. In talk the customer is heard and keypad tones are replaced by noise of the
    line's own level; in hush the customer is not heard at all. Each press gives one beep. The line's clock is the count of samples pushed:
    the caller pushes silence for packets that never came, during events too, or nothing moves.
    """

    DELAY_SAMPLES: ClassVar[int] = 160

    def __init__(self, mode: MaskMode, when: Callable[[int], float] | None = None) -> None:
        """`when` dates a sample by its index, on the clock that other carriers' presses are dated by; without it, the count of samples is
        the clock."""
        self._when = when or (lambda index: index / SAMPLE_RATE_HZ)
        self._mode = mode
        self._ear = Ear()
        self._hole = 0
        self._gate = Gate(self.DELAY_SAMPLES)
        self._gate.close(-self.DELAY_SAMPLES, 0)  # The empty line: the voice fades in after it.
        self._ledger = PressLedger()
        self._beeper = Beeper()
        self._floor = NoiseFloor()
        self._noise = ComfortNoise()
        self._line: NDArray[np.float32] = np.zeros(self.DELAY_SAMPLES, np.float32)
        self._reports: list[ToneReport] = []
        self._voice = 0.0 if mode is MaskMode.HUSH else 1.0
        self._noisy = False
        self._escaped = False
        self._closing = False
        self._finished = False

    @property
    def mode(self) -> MaskMode:
        """What the caller asked for; `hushed_by_noise` tells whether the line is stricter at the moment."""
        return self._mode

    @property
    def hushed_by_noise(self) -> bool:
        """Whether the line hushes a customer in talk by itself: while its noise floor could hide the onset of a tone from the mask, and for
        good once a key was heard whose onset had got out."""
        return self._mode is MaskMode.TALK and (self._noisy or self._escaped)

    @property
    def finished(self) -> bool:
        """Whether a closed line holds nothing back any more: from the next packet on the caller relays audio directly."""
        return self._finished

    def set_mode(self, mode: MaskMode) -> None:
        """Change between talk and hush from the next push on. To ask for talk also forgives an onset that got out."""
        self._mode = mode
        self._escaped = False

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take the next samples at 8 kHz, any number; give back as many, masked, from `DELAY_SAMPLES` earlier."""
        pieces = [self._push_slice(samples[at : at + SLICE]) for at in range(0, len(samples), SLICE)]
        return np.concatenate(pieces) if pieces else samples[:0]

    def take_reports(self) -> list[ToneReport]:
        """What the ear has heard since the last call, in order. Each audible press is one ToneStarted, beeped for already."""
        reports, self._reports = self._reports, []
        return reports

    def beep(self, key: Key, carrier: Carrier, at: float | None = None) -> bool:
        """Another carrier (event or INFO) tells of a press of `key`, an event of one that began at `at` (now): beep once, unless this press
        was beeped for already.

        Call it once a press, at its first packet or message. True if the press is news; False if another carrier had told of it.
        """
        news = self._ledger.tell(key, carrier, self._when(self._ear.position) if at is None else at)
        if news:
            self._beeper.ring()
        return news

    def still_down(self, carrier: Carrier, until: float) -> None:
        """The key that `carrier` told of last is down at `until`: SIP INFO that comes at its release is no other press."""
        self._ledger.still_down(carrier, until)

    def mute_residue(self, samples: int = RESIDUE_LEASE) -> None:
        """Mute what is still in the line, the next `samples` pushed and a release tail. To be called at every packet of an RFC 4733 event:
        the sender lets some of the tone through before its event begins (RFC 4733 section 2.5.1.1), and often beside it."""
        self._gate.close(self._gate.earliest, self._ear.position + samples + RESIDUE_TAIL)

    def close(self) -> None:
        """The capture ended. Keep pushing until `finished`: a tone still held stays masked until it ends, a beep sounds to its end.

        The push that turns `finished` true has led its output over from the delayed audio to the present, so that direct relaying joins
        without a click; 20 ms that held no tone are skipped. A finished line passes on whatever is pushed, undelayed and unmasked.
        """
        self._closing = True

    def _push_slice(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        if self._finished:
            return samples
        count = len(samples)
        hearing = self._ear.hear(samples)
        self._gate.enter(count)
        for end in hearing.tonal:
            self._gate.close(end - self.DELAY_SAMPLES + FADE, end + HANG)
        self._mind_holes(samples)
        self._heed(hearing)
        present = samples.astype(np.float32)
        line = np.concatenate([self._line, present])
        leaving, self._line = line[:count], line[count:]
        output = self._masked(leaving)
        output *= self._voice_ramp(count)
        self._beeper.mix_into(output)
        if self._closing and self._is_clear():
            self._finished = True
            over = np.linspace(0, 1, count, dtype=np.float32)
            output = output * (1 - over) + present * over
        return np.clip(np.rint(output), -32768, 32767).astype(np.int16)

    def _mind_holes(self, samples: NDArray[np.int16]) -> None:
        """Samples that are all zero are taken for ones that never came; no telephone is so quiet for long."""
        if samples.any():
            self._hole = 0
            return
        begin = self._ear.position - len(samples)
        closed = self._gate.is_closed(begin - 1)
        if self._hole == 0:
            self._gate.close(begin - BEFORE_A_HOLE, begin)
        self._hole += len(samples)
        if closed and self._hole <= LONGEST_HOLE:
            self._gate.close(begin, self._ear.position + HANG)

    def _heed(self, hearing: Hearing) -> None:
        """Beep for keys that are news, and stop trusting the mask where a key's onset got out."""
        self._reports += hearing.reports
        for report in hearing.reports:
            if isinstance(report, ToneStarted):
                if self._ledger.tell(report.key, Carrier.TONE, self._when(report.onset)):
                    self._beeper.ring()
                self._escaped |= not self._gate.kept(report.onset, self._gate.earliest)
            elif isinstance(report, ToneEnded):
                self._ledger.still_down(Carrier.TONE, self._when(report.end))

    def _masked(self, leaving: NDArray[np.float32]) -> NDArray[np.float32]:
        """What leaves the line, with noise where the gate is closed; open audio tells the noise of the line."""
        gain = self._gate.gain(len(leaving))
        if gain is None:
            self._floor.hear(leaving)
            if self._noisy:
                self._noisy = min(self._floor.power, self._floor.dip) > NOISE_EASED
            else:
                self._noisy = self._floor.steady and self._floor.power > NOISIEST
            return leaving.copy()
        noise = self._noise.take(len(leaving), self._floor.power)
        return np.asarray(leaving * gain + noise * np.sqrt(1 - gain * gain))

    def _voice_ramp(self, count: int) -> NDArray[np.float32]:
        """Gain of the voice: 1 in talk, 0 in hush, a fade where that changed."""
        target = 0.0 if self._mode is MaskMode.HUSH or self.hushed_by_noise else 1.0
        ramp = np.full(count, target, np.float32)
        if target != self._voice:
            fade = min(FADE, count)
            ramp[:fade] = np.linspace(self._voice, target, fade, dtype=np.float32)
            self._voice = target
        return ramp

    def _is_clear(self) -> bool:
        """Whether neither the line, nor what is about to enter it, nor a beep would be cut by ending now."""
        return self._beeper.idle and not self._gate.holds
