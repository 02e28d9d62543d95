"""What every detector under measurement is asked for: samples in, keys out, each with when it was told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

UNTIMED = -1


class PeerMissingError(Exception):
    """A detector is not installed; the message names the way to get it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A key (RFC 4733 event code) and how many samples had been given when it was told, UNTIMED where the detector does not say."""

    event: int
    at: int


class Detector(Protocol):
    """One detector; `hear` begins a new call each time."""

    name: str

    def hear(self, samples: Samples, packet: int = 160) -> list[Told]:
        """The keys in a line at 8 kHz that is given `packet` samples at a time."""

    def count(self, lines: Sequence[Samples]) -> int:
        """How many keys there are in some lines, each a call of its own."""
