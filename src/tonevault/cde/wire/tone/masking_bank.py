"""The masks of many captured calls, worked off together: 20 ms delay lines from which keypad tones never come out. It refuses to let a
sample through before the ear has heard the 20 ms that follow it."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.beep import Beeper
from tonevault.cde.wire.tone.bell import Bell
from tonevault.cde.wire.tone.comfort_noise import ComfortNoise, NoiseFloor
from tonevault.cde.wire.tone.ear_bank import EarBank, Hearings
from tonevault.cde.wire.tone.gate import FADE, Gate
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.report import ToneReport, ToneStarted
from tonevault.cde.wire.tone.screen import HOP

Ints = NDArray[np.intp]
Samples = NDArray[np.int16]
Floats = NDArray[np.float32]

DELAY: Final = 160
"""20 ms: what a line holds back."""

SLICE: Final = 160
"""Longer pushes are worked off in slices of 20 ms: the line holds no more back than that, and what is heard late closes it late."""

HANG: Final = 80
"""10 ms kept closed after the last window that may hold a tone: a window with less than about 10 ms of tone in it looks innocent."""

BEFORE_A_HOLE: Final = 64
"""8 ms kept closed before samples that never came: they may be the beginning of a key of which the ear gets to hear no more in time. A
window needs about as much of it to suspect anything."""

LONGEST_HOLE: Final = 480
"""60 ms, three packets: what was closed before a hole stays closed through it and for HANG after it, for a key may end in so short a
piece that it looks innocent. Silence that lasts longer is a pause."""

NOISIEST: Final = power_of(-30.0)
"""Noise floor above which the mask is not trusted: 10 dB below −20 dBm0, the quietest pair to expect of a phone behind a lossy line. Where
noise is 10 dB below the pair no tone escapes, see docs/tones.md."""

NOISE_EASED: Final = power_of(-33.0)
"""The floor must fall 3 dB lower before the line trusts itself again."""


STEADY_FOR: Final = 10
"""Frames (200 ms) for which noise has to be steady: a hurried voice is for one or two in an hour."""


class MaskingBank:
    """Up to `lines` lines. A line is a place in the bank, taken by `open` and given back by `release`; `masking_line.py` is what a caller
    holds of it. No line knows of another: many pushed together give what each would alone."""

    def __init__(
        self, lines: int, *, beeper: Callable[[], Beeper] = Beeper, noise: ComfortNoise | None = None
    ) -> None:
        """`beeper` makes the beeper of each line; `noise` has a place for each."""
        self.ears = EarBank(lines)
        self.gate = Gate(lines, DELAY)
        self.bells = [Bell(float, beeper()) for _ in range(lines)]
        self.hush = np.zeros(lines, np.bool_)
        """The caller wants nothing of the customer to be heard."""
        self.noisy = np.zeros(lines, np.bool_)
        """Noise may hide a tone's onset from the mask."""
        self.escaped = np.zeros(lines, np.bool_)
        """A tone's onset got out."""
        self.closing = np.zeros(lines, np.bool_)
        self.finished = np.zeros(lines, np.bool_)
        self._beeper = beeper
        self._noise = noise or ComfortNoise(lines)
        self._floor = NoiseFloor(lines)
        self._steady_for: Ints = np.zeros(lines, np.intp)
        self._held: Samples = np.zeros((lines, DELAY), np.int16)
        self._hole: Ints = np.zeros(lines, np.intp)
        self._voice: Floats = np.ones(lines, np.float32)
        self._free = list(range(lines))[::-1]

    @property
    def room(self) -> int:
        """Lines that can still be opened."""
        return len(self._free)

    def open(self, when: Callable[[int], float], *, hush: bool) -> int:
        """A new line, empty: the voice fades in after it. Raises IndexError where there is no room."""
        line = self._free.pop()
        self.ears.forget(line)
        self.gate.forget(line)
        self._floor.forget(line)
        self._noise.forget(line)
        self.bells[line] = Bell(when, self._beeper())
        self.hush[line] = hush
        self.noisy[line] = self.escaped[line] = self.closing[line] = self.finished[line] = False
        self._held[line] = self._hole[line] = self._steady_for[line] = 0
        self._voice[line] = 0.0 if hush else 1.0
        self.gate.close(line, -DELAY, 0)
        return line

    def release(self, line: int) -> None:
        """The line is not used any more. Nothing that was heard of it is kept."""
        self._held[line] = 0
        self.ears.forget(line)
        self._free.append(line)

    def push(self, lines: Sequence[int], samples: Samples) -> Samples:
        """Take the next samples at 8 kHz of some lines, each once, (lines, any number); give back as many, masked, from DELAY earlier."""
        chosen = np.array(lines, np.intp)
        if samples.shape[1] <= SLICE:
            return self._push(chosen, samples)
        slices = [self._push(chosen, samples[:, at : at + SLICE]) for at in range(0, samples.shape[1], SLICE)]
        return np.concatenate(slices, axis=1)

    def _push(self, lines: Ints, samples: Samples) -> Samples:
        """A slice. Lines that are finished pass it on; lines whose windows do not end together are pushed apart."""
        phases = np.where(self.finished[lines], -1, self.ears.positions[lines] % HOP)
        if len(phases) and (phases == phases[0]).all():
            return samples if phases[0] < 0 else self._masked(lines, samples)
        output = samples.copy()
        for phase in np.unique(phases[phases >= 0]):
            alike = np.flatnonzero(phases == phase)
            output[alike] = self._masked(lines[alike], samples[alike])
        return output

    def _masked(self, lines: Ints, samples: Samples) -> Samples:
        count = samples.shape[1]
        hearings = self.ears.hear(lines, samples)
        self.gate.enter(lines, count)
        self._close(lines, hearings)
        self._mind_holes(lines, samples)
        for place, reports in hearings.reports.items():
            self._heed(int(lines[place]), reports)
        held = np.concatenate([self._held[lines], samples], axis=1)
        self._held[lines] = held[:, count:]
        return self._cleaned(lines, held[:, :count], samples)

    def _close(self, lines: Ints, hearings: Hearings) -> None:
        """Close the gate where a tone may be: from so long before a suspicious window's end that the fade just fits into the line, to HANG
        after it. In one slice these stretches overlap, so the first and the last window tell all of them."""
        tonal = hearings.tonal
        places = np.flatnonzero(tonal.any(axis=1))
        if not len(places):
            return
        first = hearings.first_end[places] + HOP * tonal[places].argmax(axis=1)
        last = hearings.first_end[places] + HOP * (tonal.shape[1] - 1 - tonal[places, ::-1].argmax(axis=1))
        for line, start, stop in zip(
            lines[places].tolist(), (first - DELAY + FADE).tolist(), (last + HANG).tolist(), strict=True
        ):
            self.gate.close(line, start, stop)

    def _mind_holes(self, lines: Ints, samples: Samples) -> None:
        """Samples that are all zero are taken for ones that never came; no telephone is so quiet for long."""
        count = samples.shape[1]
        hole = np.where(samples.any(axis=1), 0, self._hole[lines] + count)
        self._hole[lines] = hole
        new = hole == count
        for line in lines[new | ((hole > 0) & (hole <= LONGEST_HOLE))].tolist():
            position = int(self.ears.positions[line])
            begin = position - count
            closed = self.gate.is_closed(line, begin - 1)
            if self._hole[line] == count:
                self.gate.close(line, begin - BEFORE_A_HOLE, begin)
            if closed and self._hole[line] <= LONGEST_HOLE:
                self.gate.close(line, begin, position + HANG)

    def _heed(self, line: int, reports: list[ToneReport]) -> None:
        """Tell the bell, and stop trusting the mask where a tone's onset got out."""
        earliest = self.gate.earliest(line)
        for report in reports:
            if isinstance(report, ToneStarted) and not self.gate.kept(line, report.onset, earliest):
                self.escaped[line] = True
        self.bells[line].heard(reports)

    def _cleaned(self, lines: Ints, leaving: Samples, entering: Samples) -> Samples:
        """What leaves the lines, with noise where the gate is closed, without the voice where that is to be hushed, and with beeps. Most
        lines need nothing of that most of the time."""
        count = leaving.shape[1]
        shut, gain = self.gate.gain(lines, count)
        is_open = np.ones(len(lines), np.bool_)
        is_open[shut] = False
        self._mind_noise(lines[is_open], leaving[is_open])
        muted = self.hush[lines] | self.noisy[lines] | self.escaped[lines]
        wanted = np.where(muted, np.float32(0), np.float32(1))
        ringing = np.array([not self.bells[line].beeper.idle for line in lines.tolist()])
        altered = ~is_open | muted | ringing | self.closing[lines] | (self._voice[lines] < 1)
        places = altered.nonzero()[0]
        if not len(places):
            return leaving
        wave = leaving[places].astype(np.float32)
        if len(shut):
            noise = self._noise.take(lines[shut], count, self._floor.power(lines[shut]))
            rows = np.searchsorted(places, shut)
            wave[rows] = wave[rows] * gain + noise * np.sqrt(np.maximum(1 - gain * gain, 0))
        wave *= self._voice_ramp(lines[places], wanted[places], count)
        for row, place in enumerate(places.tolist()):
            line = int(lines[place])
            self.bells[line].beeper.mix_into(wave[row], int(self.ears.positions[line]) - count)
            if self.closing[line] and self.bells[line].beeper.idle and not self.gate.holds(line):
                self.finished[line] = True
                over = np.linspace(0, 1, count, dtype=np.float32)
                wave[row] += over * (entering[place] - wave[row])
        leaving[places] = np.clip(np.rint(wave), -32768, 32767).astype(np.int16)
        return leaving

    def _mind_noise(self, lines: Ints, leaving: Samples) -> None:
        """Open audio tells the noise of the line, and whether that takes away what the mask promises."""
        news = self._floor.hear(lines, leaving.astype(np.float32))
        noisy = self.noisy[news]
        for line in news[noisy].tolist():
            power = float(self._floor.power(np.array([line]))[0])
            self.noisy[line] = min(power, self._floor.dip(line)) > NOISE_EASED
        loud = self._floor.loud(news[~noisy], NOISIEST).tolist()
        steady = np.array([line for line in loud if self._floor.steady(line)], np.intp)
        streak = self._steady_for[steady] + 1
        self._steady_for[news] = 0
        self._steady_for[steady] = streak
        self.noisy[steady] = streak >= STEADY_FOR

    def _voice_ramp(self, lines: Ints, wanted: Floats, count: int) -> Floats:
        """Gain of the voice: 1 in talk, 0 in hush, a fade where that changed, (lines, count)."""
        ramp = np.repeat(wanted[:, None], count, axis=1)
        before = self._voice[lines]
        changed = (before != wanted).nonzero()[0]
        if len(changed):
            part = np.linspace(0, 1, min(FADE, count), dtype=np.float32)
            step = (wanted - before)[changed, None]
            ramp[changed, : len(part)] = before[changed, None] + step * part
            self._voice[lines] = wanted
        return ramp
