"""The mask of one captured call, customer to agent: a 20 ms delay line from which keypad tones never come out. It refuses to let a sample
through before the ear has heard the 20 ms that follow it.

The loops over samples are compiled (`c/mask.c`); what is decided once a key, the trackers and bells of Python decide.
"""

import ctypes
from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import DECODED, ENCODED, SAMPLE_RATE_HZ, Law, decode
from tonevault.cde.wire.tone.beep import Beeper
from tonevault.cde.wire.tone.bell import Bell
from tonevault.cde.wire.tone.comfort_noise import NOISE
from tonevault.cde.wire.tone.delay_line import mask_tables, new_passage
from tonevault.cde.wire.tone.ear import SLICE, Ear
from tonevault.cde.wire.tone.gate import DELAY, FADE
from tonevault.cde.wire.tone.kernel import EAR, address
from tonevault.cde.wire.tone.report import ToneReport

Samples = NDArray[np.int16]

RESIDUE_LEASE: Final = 480
"""60 ms: RFC 4733 section 2.5.1.2 has an event retransmitted every 50 ms or sooner; a mute that each packet renews for longer than that
holds while the event lasts and lapses by itself when its end is lost."""

RESIDUE_TAIL: Final = 240
"""30 ms more: the sender's audio path may run behind its events by a packet and a half."""

_WANTED: Final = -1
"""What passage_carry says where the tracker must be told before anything is masked."""

_TABLES: Final = mask_tables(NOISE)
_DECODED_AT: Final = {law: address(table) for law, table in DECODED.items()}
_ENCODED_AT: Final = {law: address(table) for law, table in ENCODED.items()}


class MaskingLine:
    """Customer to agent while a capture is open.

    Samples go in and as many come out, `DELAY_SAMPLES` later. In talk the customer is heard and keypad tones are replaced by noise of the
    line's own level; in hush the customer is not heard at all. Each press gives one beep. The line's clock is the count of samples pushed:
    the caller pushes silence for packets that never came, during events too, or nothing moves.
    """

    DELAY_SAMPLES: ClassVar[int] = DELAY
    LONGEST_PACKET: ClassVar[int] = SLICE
    """Octets that `carry` takes at once."""

    def __init__(
        self,
        mode: MaskMode,
        when: Callable[[int], float] | None = None,
        *,
        beeper: Beeper | None = None,
        noise: NDArray[np.float32] | None = None,
    ) -> None:
        """`when` dates a sample by its index, on the clock that other carriers' presses are dated by; without it, the count of samples is
        the clock. `noise`, as long as NOISE, is what stands in for the customer in its place. Raises CompiledError where the compiled loops
        are missing."""
        self._when = when or (lambda index: index / SAMPLE_RATE_HZ)
        self._mode = mode
        self._noise = noise
        self._tables = _TABLES if noise is None else mask_tables(noise)
        self._passage = new_passage(self._tables, hush=mode is MaskMode.HUSH)
        self._line = self._passage.line
        self._ear = Ear(self._passage.ear, self._passage.glance)
        self._beeper = beeper or Beeper()
        self._bell = Bell(self._when, self._beeper)
        self._rings = False
        """Whether a beep sounds or waits."""
        self.is_strict = False
        """Whether the line hushes the customer by itself, or would, if it were not in hush."""
        self.has_reports = False
        """Whether `take_reports` would give any."""
        self._at, self._line_at = address(self._passage), address(self._line)
        self._leaving = np.frombuffer(self._passage.leaving, np.int16)
        self._octets = memoryview(self._passage.octets)
        self._hear = EAR.function("passage_hear", "ppi")
        self._mask = EAR.function("passage_mask", "pi")
        self._carry = EAR.function("passage_carry", "pbipp")
        self._finish = EAR.function("passage_finish", "pip")
        self._close = EAR.function("gate_close", "pll")
        self._close(self._line_at, -DELAY, 0)  # The voice fades in.

    @property
    def mode(self) -> MaskMode:
        """What the caller asked for; `hushed_by_noise` tells whether the line is stricter at the moment."""
        return self._mode

    @property
    def hushed_by_noise(self) -> bool:
        """Whether the line hushes a customer in talk by itself: while its noise floor could hide the onset of a tone from the mask, and for
        good once a key was heard whose onset had got out."""
        return self.is_strict and self._mode is MaskMode.TALK

    @property
    def finished(self) -> bool:
        """Whether a closed line holds nothing back any more: from the next packet on the caller relays audio directly."""
        return bool(self._line.finished)

    def set_mode(self, mode: MaskMode) -> None:
        """Change between talk and hush from the next push on. To ask for talk also forgives an onset that got out."""
        self._mode = mode
        self._line.hush = mode is MaskMode.HUSH
        self._line.escaped = False
        self.is_strict = bool(self._line.noisy)

    def push(self, samples: Samples) -> Samples:
        """Take the next samples at 8 kHz, any number; give back as many, masked, from `DELAY_SAMPLES` earlier."""
        entering = np.ascontiguousarray(samples, np.int16)
        output = np.empty(len(entering), np.int16)
        for begin in range(0, len(entering), SLICE):
            piece = entering[begin : begin + SLICE]
            count = len(piece)
            if self._hear(self._at, address(piece), count):
                self._tell()
            if self._rings:
                self._ring(count)
            self.is_strict = bool(self._mask(self._at, count))
            output[begin : begin + count] = self._leaving[:count]
        return output

    def carry(self, octets: bytes, law: Law, law_out: Law) -> bytes:
        """The same of a packet of G.711, at most LONGEST_PACKET octets of it, as octets: what a packet mostly is, at a fraction of what it
        costs by way of samples. Raises ValueError for a longer one."""
        count, encoded = len(octets), _ENCODED_AT[law_out]
        if count > SLICE:
            raise ValueError(f"octets: at most {SLICE} at once; push what is longer as samples")
        if self._rings:
            told = _WANTED if self._hear(self._at, address(decode(law, octets)), count) else 0
        else:
            told = self._carry(self._at, octets, count, _DECODED_AT[law], encoded)
            if told != _WANTED:
                self.is_strict = told != 0
                return self._octets[:count].tobytes()
        if told == _WANTED:
            self._tell()
        if self._rings:
            self._ring(count)
        self.is_strict = bool(self._finish(self._at, count, encoded))
        return self._octets[:count].tobytes()

    def held(self) -> Samples:
        """What entered and has not left: the last DELAY_SAMPLES."""
        return np.array(self._line.held, np.int16)

    def recent(self) -> tuple[Samples, Samples]:
        """What entered, and what left in its place: the last MENDED samples that left."""
        line = self._line
        return np.array(line.spoken, np.int16), np.array(line.masked, np.int16)

    def _tell(self) -> None:
        """The ear wants its tracker to be told; what that reports is rung for."""
        reports = self._ear.follow()
        if reports:
            self._bell.heard(reports)
            self.has_reports = True
            self._rings = True

    def _ring(self, count: int) -> None:
        """Where the beep begins that sounds in the slice which the ear has just heard."""
        begin = self._beeper.next(self._ear.position - count, count)
        if begin is not None:
            self._line.beep_at = begin
        self._rings = not self._beeper.idle
        self._line.ringing = self._rings

    def take_reports(self) -> list[ToneReport]:
        """What the ear has heard since the last call, in order. Each audible press is one ToneStarted, beeped for already."""
        self.has_reports = False
        return self._bell.take_reports()

    def beep(self, key: Key, carrier: Carrier, at: float | None = None) -> bool:
        """Another carrier (event or INFO) tells of a press of `key`, an event of one that began at `at` (now): beep once, unless this press
        was beeped for already.

        Call it once a press, at its first packet or message. True if the press is news; False if another carrier had told of it.
        """
        self._rings = True
        return self._bell.told(key, carrier, self._when(self._ear.position) if at is None else at)

    def still_down(self, carrier: Carrier, until: float) -> None:
        """The key that `carrier` told of last is down at `until`: SIP INFO that comes at its release is no other press."""
        self._bell.still_down(carrier, until)

    def mute_residue(self, samples: int = RESIDUE_LEASE) -> None:
        """Mute what is still in the line, the next `samples` pushed and a release tail. To be called at every packet of an RFC 4733 event:
        the sender lets some of the tone through before its event begins (RFC 4733 section 2.5.1.1), and often beside it."""
        position = self._ear.position
        self._close(self._line_at, position - DELAY + FADE, position + samples + RESIDUE_TAIL)

    def close(self) -> None:
        """The capture ended. Keep pushing until `finished`: a tone still held stays masked until it ends, a beep sounds to its end.

        The push that turns `finished` true has led its output over from the delayed audio to the present, so that direct relaying joins
        without a click; 20 ms that held no tone are skipped. A finished line passes on whatever is pushed, undelayed and unmasked.
        """
        self._line.closing = True

    def wipe(self) -> None:
        """Overwrite what was heard; nothing may be asked of the line afterwards."""
        ctypes.memset(self._at, 0, ctypes.sizeof(self._passage))
