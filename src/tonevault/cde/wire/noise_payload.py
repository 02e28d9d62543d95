"""Comfort noise of RFC 3389: how loud a sender says its pauses are, and noise as loud. It refuses the spectrum, which no listener needs."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.tone.level import power_of

OVERLOAD_DBM0: Final = 6.18
"""RFC 3389 section 3 counts down from the line's overload, 0 dBov: a full-scale square wave, 3.01 dB above G.711's loudest sine (+3.17)."""
LOUDEST: Final = power_of(-35.0)
"""No pause is made louder, whatever its sender says."""
LEVEL: Final = 0x7F
"""The low seven bits of the first octet: −dBov."""


def noise_power(payload: bytes) -> float:
    """The power of the noise in squared 16-bit sample units; 0.0 where nothing is said of it."""
    return min(power_of(OVERLOAD_DBM0 - (payload[0] & LEVEL)), LOUDEST) if payload else 0.0


def _table() -> NDArray[np.float32]:
    noise = np.random.default_rng(13).standard_normal(16381)
    return np.asarray(noise / noise.std(), np.float32)


_TABLE: Final = _table()
"""White noise of unit power, 2 s of it: a prime number of samples, so that its repetition meets no rhythm of packets."""


class PauseNoise:
    """An endless run of noise."""

    def __init__(self) -> None:
        self._at = 0

    def take(self, count: int, power: float) -> NDArray[np.int16]:
        """The next samples, of that power."""
        places = np.arange(self._at, self._at + count) % len(_TABLE)
        self._at = (self._at + count) % len(_TABLE)
        return np.asarray(np.rint(_TABLE[places] * np.sqrt(power)), np.int16)
