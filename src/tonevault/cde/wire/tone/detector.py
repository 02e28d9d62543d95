"""The detector of one call: keypad tones in G.711 audio, told while the key is still down. It refuses audio that is not 8 kHz."""

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.ear import Ear
from tonevault.cde.wire.tone.report import ToneReport


class ToneDetector:
    """Hears keypad tones in a stream of 8 kHz samples, pushed in chunks of any length."""

    def __init__(self) -> None:
        self._ear = Ear()

    def push(self, samples: NDArray[np.int16]) -> list[ToneReport]:
        """Take the next samples; give back what became certain: a tone that began (at most 52 ms ago) or one that ended."""
        return self._ear.hear(samples).reports
