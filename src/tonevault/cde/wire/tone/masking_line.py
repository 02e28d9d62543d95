"""The mask of one captured call, customer to agent: a 20 ms delay line from which keypad tones never come out. It refuses to let a
sample through before the ear has heard the 20 ms that follow it."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.detector import ToneDetector
from tonevault.cde.wire.tone.press import PressLedger
from tonevault.cde.wire.tone.report import ToneReport

RESIDUE_LEASE_SAMPLES = 480
"""60 ms: RFC 4733 section 2.5.1.2 has an event retransmitted every 50 ms or sooner; a mute that each packet renews for longer than that
holds while the event lasts and lapses by itself when its end is lost."""


class MaskingLine:
    """Customer to agent while a capture is open.

    Samples go in and as many come out, `DELAY_SAMPLES` later. In talk the customer is heard and keypad tones are replaced by noise of the
    line's own level; in hush the customer is not heard at all. Each press gives one beep. The line's clock is the count of samples pushed:
    the caller pushes silence for packets that never came, during events too, or nothing moves.
    """

    DELAY_SAMPLES: ClassVar[int] = 160

    def __init__(self, mode: MaskMode) -> None:
        self._mode = mode
        self._detector = ToneDetector()
        self._ledger = PressLedger()
        self._reports: list[ToneReport] = []
        self._position = 0
        self._closing = False

    @property
    def mode(self) -> MaskMode:
        """What the caller asked for; `hushed_by_noise` tells whether the line is stricter at the moment."""
        return self._mode

    @property
    def hushed_by_noise(self) -> bool:
        """Whether the line hushed a customer in talk by itself, because its noise would hide the onset of a tone from the mask."""
        return False

    @property
    def finished(self) -> bool:
        """Whether a closed line holds nothing back any more: from the next packet on the caller may relay audio directly."""
        return self._closing

    def set_mode(self, mode: MaskMode) -> None:
        """Change between talk and hush from the next push on."""
        self._mode = mode

    def push(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take the next samples at 8 kHz, any number; give back as many, masked, from `DELAY_SAMPLES` earlier."""
        self._position += len(samples)
        self._reports += self._detector.push(samples)
        return np.zeros(len(samples), np.int16)

    def take_reports(self) -> list[ToneReport]:
        """What the ear has heard since the last call, in order. Each audible press is one ToneStarted, beeped for already."""
        reports, self._reports = self._reports, []
        return reports

    def beep(self, key: Key, carrier: Carrier) -> bool:
        """Another carrier (event or INFO) tells that a press of `key` began now: beep once, unless this press was beeped for already.

        Call it once a press, at its first packet or message. True if the press is news; False if another carrier had told of it.
        """
        return self._ledger.tell(key, carrier, self._position / SAMPLE_RATE_HZ)

    def mute_residue(self, samples: int = RESIDUE_LEASE_SAMPLES) -> None:
        """Mute what is still in the line, the next `samples` pushed and a release tail. To be called at every packet of an RFC 4733 event:
        the sender lets some of the tone through before its event begins (RFC 4733 section 2.5.1.1), and often beside it."""

    def close(self) -> None:
        """The capture ended. Keep pushing until `finished`: a tone still held stays masked until it ends, a beep sounds to its end. The push
        that turns `finished` true has led the output back from the delayed to the present audio, so that direct relaying joins it without
        a click and nothing is owed."""
        self._closing = True
