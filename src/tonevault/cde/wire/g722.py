"""G.722 at 64 kbit/s to and from 8 kHz samples, by the library of that name. It refuses the upper band: no key's tone lies there."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

try:
    import G722  # type: ignore[import-not-found]
except ImportError:  # A platform without its wheel: such a leg is hushed in a capture, and says so.
    G722 = None

_SAMPLE_RATE_HZ: Final = 8000
"""The library's narrow-band mode codes the lower sub-band alone, 0 to 4 kHz, and any G.722 decoder plays it."""
_BIT_RATE: Final = 64000
"""RFC 3551 section 4.5.2: RTP carries mode 1, 64 kbit/s, so that an octet is one unit of the RTP clock of 8000."""


def is_there() -> bool:
    """Whether the library is installed."""
    return G722 is not None


def decoder() -> "Decoder | None":
    """A decoder of one stream."""
    return Decoder() if is_there() else None


def encoder() -> "Encoder | None":
    """An encoder of one stream."""
    return Encoder() if is_there() else None


class Decoder:
    """Adaptive: payloads must come in their order. A hole does it little harm (its predictors leak, ITU-T G.722 section 3.6)."""

    settling = 320
    """40 ms: a loud tone into which it is thrown is found from 38 ms on."""

    def __init__(self) -> None:
        self._state = G722.G722(_SAMPLE_RATE_HZ, _BIT_RATE)

    def length(self, payload: bytes) -> int:
        """One sample of 8 kHz an octet."""
        return len(payload)

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """The lower band of a payload."""
        return np.frombuffer(self._state.decode(payload), np.int16)

    def repeated(self, payload: bytes) -> NDArray[np.int16]:  # noqa: ARG002 - a VoiceDecoder
        """Nothing: G.722 does not repeat itself."""
        return np.zeros(0, np.int16)


class Encoder:
    """Adaptive: samples must come in their order."""

    frame_lengths_ms: tuple[int, ...] = ()

    def __init__(self) -> None:
        self._state = G722.G722(_SAMPLE_RATE_HZ, _BIT_RATE)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """One octet a sample."""
        return bytes(self._state.encode(samples))
