"""A masking line behind which lost packets are made up, of what went into it beside what came out. It refuses to unmask."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.concealment import BEFORE, HISTORY, Concealment
from tonevault.cde.wire.g711 import Law

Samples = NDArray[np.int16]
_NOTHING: Final = np.zeros(1, np.bool_)


class Delayed(Protocol):
    """What is mended: a MaskingLine."""

    def push(self, samples: Samples) -> Samples:
        """Take samples; give back as many, masked, that entered earlier."""

    def carry(self, octets: bytes, law: Law, law_out: Law) -> bytes:
        """The same of a packet of G.711."""

    def held(self) -> Samples:
        """What entered and has not left."""

    def recent(self) -> tuple[Samples, Samples]:
        """What entered and what left of the last samples that left, HISTORY of them."""


class MendedLine:
    """Pushes a line. While nothing is missing in it, and nothing is being made up, it costs nothing: `is_calm`."""

    def __init__(self, line: Delayed) -> None:
        self._line = line
        self._concealment = Concealment()
        self.is_calm = True
        self._untold = 0
        """Samples that have left in calm times: what a voice would be made up from is told to the concealment when something is lost."""
        self._spoken: Samples = np.zeros(0, np.int16)
        self._missing = np.zeros(0, np.bool_)
        """What is in the line while it is not calm, and which of it is missing."""

    def carry(self, octets: bytes, law: Law, law_out: Law) -> bytes:
        """A packet of G.711 that was not lost, in calm times."""
        self._untold += len(octets)
        return self._line.carry(octets, law, law_out)

    def push(self, samples: Samples, *, lost: bool) -> Samples:
        """The next samples, which were `lost` or not. What is to be heard."""
        count = len(samples)
        if self.is_calm and not lost:
            self._untold += count
            return self._line.push(samples)
        if self.is_calm:
            self._listen()
        masked = self._line.push(samples)
        held = np.concatenate([self._spoken, samples])
        missing = np.concatenate([self._missing, np.full(count, lost)])
        self._spoken, self._missing = held[count:], missing[count:]
        mended = self._concealment.mend(held[:count], masked, missing[: count + BEFORE])
        self.is_calm = self._concealment.is_idle and not self._missing.any()
        return mended

    def _listen(self) -> None:
        """What was heard in calm times is told, and what the line holds is looked at."""
        spoken, masked = self._line.recent()
        told = min(self._untold, HISTORY)
        if told:
            self._concealment.mend(spoken[-told:], masked[-told:], _NOTHING)
        self._untold = 0
        self._spoken = self._line.held()
        self._missing = np.zeros(len(self._spoken), np.bool_)
