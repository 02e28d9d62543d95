"""Comfort noise of RFC 3389: how loud a sender says its pauses are. It refuses the spectrum, which no listener needs."""

from typing import Final

from tonevault.cde.wire.tone.level import power_of

OVERLOAD_DBM0: Final = 6.18
"""RFC 3389 section 3 counts down from the line's overload, 0 dBov: a full-scale square wave, 3.01 dB above G.711's loudest sine (+3.17)."""
LEVEL: Final = 0x7F
"""The low seven bits of the first octet: −dBov."""


def noise_power(payload: bytes) -> float:
    """The power of the noise in squared 16-bit sample units; 0.0 where nothing is said of it."""
    return power_of(OVERLOAD_DBM0 - (payload[0] & LEVEL)) if payload else 0.0
