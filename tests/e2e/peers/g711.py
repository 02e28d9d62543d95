"""G.711 both ways by tables built from ITU-T G.711's own segment rules; the peers share no codec with the product."""

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

PCMU, PCMA = 0, 8  # RFC 3551 table 4.


def _mu_law_value(code: int) -> int:
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + 0x84) << ((inverted & 0x70) >> 4)
    return 0x84 - magnitude if inverted & 0x80 else magnitude - 0x84


def _a_law_value(code: int) -> int:
    toggled = code ^ 0x55
    segment, step = (toggled & 0x70) >> 4, (toggled & 0x0F) << 4
    magnitude = step + 8 if segment == 0 else (step + 0x108) << (segment - 1)
    return magnitude if toggled & 0x80 else -magnitude


_DECODED: dict[int, Pcm] = {
    PCMU: np.array([_mu_law_value(code) for code in range(256)], dtype=np.int16),
    PCMA: np.array([_a_law_value(code) for code in range(256)], dtype=np.int16),
}


def _encoding(decoded: Pcm) -> npt.NDArray[np.uint8]:
    """For each 16-bit sample the nearest code, indexed by the sample plus 32768."""
    order = np.argsort(decoded, kind="stable")
    levels = decoded[order].astype(np.int32)
    edges = (levels[1:] + levels[:-1]) / 2
    return order[np.searchsorted(edges, np.arange(-32768, 32768))].astype(np.uint8)


_ENCODED = {payload_type: _encoding(table) for payload_type, table in _DECODED.items()}


def decode(payload_type: int, payload: bytes) -> Pcm:
    """16-bit samples of a PCMU (0) or PCMA (8) payload; KeyError for any other payload type."""
    return _DECODED[payload_type][np.frombuffer(payload, dtype=np.uint8)]


def encode(payload_type: int, samples: Pcm) -> bytes:
    """The payload of 16-bit samples in PCMU (0) or PCMA (8); KeyError for any other payload type."""
    return _ENCODED[payload_type][samples.astype(np.int32) + 32768].tobytes()
