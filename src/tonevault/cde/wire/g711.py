"""G.711: both laws between octets and linear samples, by tables. It refuses every other codec."""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 8000
"""ITU-T G.711 section 1: 8,000 samples a second."""


class Law(StrEnum):
    """The two companding laws, by their RFC 3551 section 6 encoding names."""

    ULAW = "PCMU"
    ALAW = "PCMA"


_ULAW_BIAS = 33
"""G.711 table 2: the decision values of a 14-bit sample, shifted by 33, are powers of two."""


def _ulaw_decoded() -> NDArray[np.int16]:
    """The 256 values of G.711 table 2 (µ-law), scaled from 14 to 16 bits."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    segment, step = (code >> 4) & 7, code & 0x0F
    magnitude = ((2 * step + _ULAW_BIAS) << segment) - _ULAW_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16) * np.int16(4)


def _alaw_decoded() -> NDArray[np.int16]:
    """The 256 values of G.711 table 1 (A-law, even bits inverted), scaled from 13 to 16 bits."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (code >> 4) & 7, code & 0x0F
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16) * np.int16(8)


def _encoded(decoded: NDArray[np.int16]) -> NDArray[np.uint8]:
    """For each of the 65,536 linear samples (index: the sample as uint16), the code whose value is nearest."""
    order = np.argsort(decoded, kind="stable")
    values = decoded[order].astype(np.float64)
    samples = np.arange(-32768, 32768)
    nearest = np.searchsorted((values[1:] + values[:-1]) / 2, samples)
    table = np.empty(65536, np.uint8)
    table[samples.astype(np.uint16)] = order[nearest]
    return table


DECODED: Final = {Law.ULAW: _ulaw_decoded(), Law.ALAW: _alaw_decoded()}
"""The linear samples of each law's 256 codes."""
ENCODED: Final = {law: _encoded(decoded) for law, decoded in DECODED.items()}
"""The code of each linear sample, by the sample as uint16."""


def decode(law: Law, octets: bytes) -> NDArray[np.int16]:
    """Linear 16-bit samples, one for each octet."""
    return DECODED[law].take(np.frombuffer(octets, np.uint8))


def encode(law: Law, samples: NDArray[np.int16]) -> bytes:
    """One octet for each linear sample: the nearest value of the law."""
    return ENCODED[law].take(samples.view(np.uint16)).tobytes()


def ulaw_to_linear(octets: bytes) -> NDArray[np.int16]:
    """µ-law (PCMU) octets as linear 16-bit samples; full scale is ±32,124."""
    return decode(Law.ULAW, octets)


def linear_to_ulaw(samples: NDArray[np.int16]) -> bytes:
    """Linear 16-bit samples as µ-law (PCMU) octets."""
    return encode(Law.ULAW, samples)


def alaw_to_linear(octets: bytes) -> NDArray[np.int16]:
    """A-law (PCMA) octets as linear 16-bit samples; full scale is ±32,256."""
    return decode(Law.ALAW, octets)


def linear_to_alaw(samples: NDArray[np.int16]) -> bytes:
    """Linear 16-bit samples as A-law (PCMA) octets."""
    return encode(Law.ALAW, samples)


class Voice:
    """Either direction of one stream: G.711 keeps no state, so an instance may serve any number."""

    frame_lengths_ms: tuple[int, ...] = ()
    settling = 0

    def __init__(self, law: Law) -> None:
        self.law = law

    def length(self, payload: bytes) -> int:
        """One sample an octet."""
        return len(payload)

    def decode(self, payload: bytes) -> NDArray[np.int16]:
        """As the law says."""
        return decode(self.law, payload)

    def repeated(self, payload: bytes) -> NDArray[np.int16]:  # noqa: ARG002 - a VoiceDecoder
        """Nothing: G.711 does not repeat itself."""
        return np.zeros(0, np.int16)

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """As the law says."""
        return encode(self.law, samples)
