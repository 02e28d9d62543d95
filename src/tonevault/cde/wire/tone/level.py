"""Levels of the telephone network: dBm0 to the amplitude and power of linear 16-bit samples, and back."""

import math

PEAK_AT_0_DBM0 = 32124 / 10 ** (3.17 / 20)
"""Peak of a sine at 0 dBm0. G.711 section 4: the largest µ-law sine, whose peak is 32,124 of 16 bits, is at +3.17 dBm0."""

POWER_AT_0_DBM0 = PEAK_AT_0_DBM0**2 / 2
"""Mean square of a sine at 0 dBm0, in squared sample units."""


def peak_of(level_dbm0: float) -> float:
    """Peak, in sample units, of a sine at `level_dbm0`."""
    return PEAK_AT_0_DBM0 * 10 ** (level_dbm0 / 20)


def power_of(level_dbm0: float) -> float:
    """Mean square, in squared sample units, of any signal at `level_dbm0`."""
    return POWER_AT_0_DBM0 * 10 ** (level_dbm0 / 10)


def dbm0_of(power: float) -> float:
    """Level in dBm0 of a mean square in squared sample units; minus infinity for silence."""
    return 10 * math.log10(power / POWER_AT_0_DBM0) if power > 0 else -math.inf
