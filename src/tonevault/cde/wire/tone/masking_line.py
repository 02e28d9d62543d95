"""The mask of one captured call, customer to agent, as the caller holds it. It refuses to mask by itself: `masking_bank.py` does, for one
line or for many together."""

from collections.abc import Callable
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.masking_bank import DELAY, MaskingBank
from tonevault.cde.wire.tone.report import ToneReport

RESIDUE_LEASE: Final = 480
"""60 ms: RFC 4733 section 2.5.1.2 has an event retransmitted every 50 ms or sooner; a mute that each packet renews for longer than that
holds while the event lasts and lapses by itself when its end is lost."""

RESIDUE_TAIL: Final = 240
"""30 ms more: the sender's audio path may run behind its events by a packet and a half."""


class MaskingLine:
    """Customer to agent while a capture is open.

    Samples go in and as many come out, `DELAY_SAMPLES` later. In talk the customer is heard and keypad tones are replaced by noise of the
    line's own level; in hush the customer is not heard at all. Each press gives one beep. The line's clock is the count of samples pushed:
    the caller pushes silence for packets that never came, during events too, or nothing moves.

    A line alone is pushed by `push`; lines of one bank, which costs much less, by `bank.push([line.place, …], samples)`.
    """

    DELAY_SAMPLES: ClassVar[int] = DELAY

    def __init__(
        self,
        mode: MaskMode,
        when: Callable[[int], float] | None = None,
        *,
        bank: MaskingBank | None = None,
    ) -> None:
        """`when` dates a sample by its index, on the clock that other carriers' presses are dated by; without it, the count of samples is
        the clock. Without a `bank` the line has one of its own. Raises IndexError where the bank has no room."""
        self._when = when or (lambda index: index / SAMPLE_RATE_HZ)
        self._bank = bank or MaskingBank(1)
        self._mode = mode
        self.place = self._bank.open(self._when, hush=mode is MaskMode.HUSH)

    @property
    def mode(self) -> MaskMode:
        """What the caller asked for; `hushed_by_noise` tells whether the line is stricter at the moment."""
        return self._mode

    @property
    def hushed_by_noise(self) -> bool:
        """Whether the line hushes a customer in talk by itself: while its noise floor could hide the onset of a tone from the mask, and for
        good once a key was heard whose onset had got out."""
        strict = self._bank.noisy[self.place] or self._bank.escaped[self.place]
        return self._mode is MaskMode.TALK and bool(strict)

    @property
    def finished(self) -> bool:
        """Whether a closed line holds nothing back any more: from the next packet on the caller relays audio directly."""
        return bool(self._bank.finished[self.place])

    def set_mode(self, mode: MaskMode) -> None:
        """Change between talk and hush from the next push on. To ask for talk also forgives an onset that got out."""
        self._mode = mode
        self._bank.hush[self.place] = mode is MaskMode.HUSH
        self._bank.escaped[self.place] = False

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take the next samples at 8 kHz, any number; give back as many, masked, from `DELAY_SAMPLES` earlier."""
        return np.asarray(self._bank.push((self.place,), samples[None])[0])

    def take_reports(self) -> list[ToneReport]:
        """What the ear has heard since the last call, in order. Each audible press is one ToneStarted, beeped for already."""
        return self._bank.bells[self.place].take_reports()

    def beep(self, key: Key, carrier: Carrier, at: float | None = None) -> bool:
        """Another carrier (event or INFO) tells of a press of `key`, an event of one that began at `at` (now): beep once, unless this press
        was beeped for already.

        Call it once a press, at its first packet or message. True if the press is news; False if another carrier had told of it.
        """
        told_at = self._when(self._position) if at is None else at
        return self._bank.bells[self.place].told(key, carrier, told_at)

    def still_down(self, carrier: Carrier, until: float) -> None:
        """The key that `carrier` told of last is down at `until`: SIP INFO that comes at its release is no other press."""
        self._bank.bells[self.place].still_down(carrier, until)

    def mute_residue(self, samples: int = RESIDUE_LEASE) -> None:
        """Mute what is still in the line, the next `samples` pushed and a release tail. To be called at every packet of an RFC 4733 event:
        the sender lets some of the tone through before its event begins (RFC 4733 section 2.5.1.1), and often beside it."""
        gate = self._bank.gate
        gate.close(self.place, gate.earliest(self.place), self._position + samples + RESIDUE_TAIL)

    def close(self) -> None:
        """The capture ended. Keep pushing until `finished`: a tone still held stays masked until it ends, a beep sounds to its end.

        The push that turns `finished` true has led its output over from the delayed audio to the present, so that direct relaying joins
        without a click; 20 ms that held no tone are skipped. A finished line passes on whatever is pushed, undelayed and unmasked.
        """
        self._bank.closing[self.place] = True

    def release(self) -> None:
        """Give the place in the bank back; nothing may be asked of the line afterwards."""
        self._bank.release(self.place)

    @property
    def _position(self) -> int:
        return int(self._bank.ears.positions[self.place])
