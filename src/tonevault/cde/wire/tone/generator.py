"""Pure synthesis of keypad tones, for the softphone and for tests. It refuses to play: it only returns samples."""

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.dtmf import COLUMN_HZ, ROW_HZ, place_of
from tonevault.cde.wire.tone.level import peak_of

DEFAULT_LEVEL_DBM0 = -9.0
"""Level of the pair: about −12 dBm0 a tone, which is what telephones send (ETSI ES 201 235-2 section 4.2.3)."""


def key_tone(
    event: int,
    duration_s: float,
    *,
    level_dbm0: float = DEFAULT_LEVEL_DBM0,
    twist_db: float = 0.0,
    row_offset: float = 0.0,
    column_offset: float = 0.0,
    fade_s: float = 0.0,
) -> NDArray[np.int16]:
    """Samples of one key press at 8 kHz.

    `event` is the RFC 4733 code of the key; `level_dbm0` the level of the pair; `twist_db` by how much the column tone is louder than
    the row tone; the offsets are relative errors of frequency (0.015 is +1.5 %); `fade_s` ramps both edges with a raised cosine.
    """
    row, column = place_of(event)
    count = round(duration_s * SAMPLE_RATE_HZ)
    ratio = 10 ** (twist_db / 10)
    share = 10 * np.log10(1 / (1 + ratio))
    turn = 2 * np.pi * np.arange(count) / SAMPLE_RATE_HZ
    pair = peak_of(level_dbm0 + share) * np.sin(turn * ROW_HZ[row] * (1 + row_offset))
    pair += peak_of(level_dbm0 + share + twist_db) * np.sin(turn * COLUMN_HZ[column] * (1 + column_offset))
    fade = min(round(fade_s * SAMPLE_RATE_HZ), count // 2)
    if fade:
        ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)
        pair[:fade] *= ramp
        pair[count - fade :] *= ramp[::-1]
    return np.clip(np.rint(pair), -32768, 32767).astype(np.int16)


def dial(
    events: bytes,
    *,
    on_s: float = 0.08,
    off_s: float = 0.08,
    level_dbm0: float = DEFAULT_LEVEL_DBM0,
    twist_db: float = 0.0,
) -> NDArray[np.int16]:
    """Samples of several keys one after another, each followed by a pause. `events` holds one RFC 4733 code a byte."""
    pause = np.zeros(round(off_s * SAMPLE_RATE_HZ), np.int16)
    parts = [
        part
        for event in events
        for part in (key_tone(event, on_s, level_dbm0=level_dbm0, twist_db=twist_db), pause)
    ]
    return np.concatenate(parts) if parts else pause[:0]
