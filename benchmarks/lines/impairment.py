"""What a line does to keys on their way: noise, voices, echo, dial tone, gaps. Each function takes a wave and gives back another."""

import numpy as np
from numpy.typing import NDArray
from tests.unit.cde.wire.tone.lines import Press, Wave, white

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ
from tonevault.cde.wire.tone.level import power_of

LOUD_ENOUGH = 0.1
"""A stretch of voice under a key must hold at least this share of the voice's active power, or it is a pause and no disturbance."""


def with_noise(rng: np.random.Generator, wave: Wave, level_dbm0: float) -> Wave:
    """White noise of the whole band."""
    return np.asarray(wave + white(rng, len(wave), level_dbm0))


def with_voice(rng: np.random.Generator, wave: Wave, voices: Wave, level_dbm0: float) -> Wave:
    """A stretch of talk whose active level (over its frames within 30 dB of the loudest) is `level_dbm0`."""
    while True:
        at = int(rng.integers(len(voices) - len(wave)))
        piece = voices[at : at + len(wave)]
        frames = (piece[: len(piece) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1)
        active = frames[frames > frames.max() * 1e-3].mean() if frames.max() > 0 else 0.0
        if active > LOUD_ENOUGH * power_of(-17):
            return np.asarray(wave + piece * np.sqrt(power_of(level_dbm0) / active))


def with_steady_tone(wave: Wave, frequency: float, level_dbm0: float) -> Wave:
    """One of the tones that networks play: 350 and 440 Hz in North America, 425 Hz in most of Europe."""
    turn = 2 * np.pi * frequency * np.arange(len(wave)) / SAMPLE_RATE_HZ
    return np.asarray(wave + np.sqrt(2 * power_of(level_dbm0)) * np.sin(turn))


def with_echo(wave: Wave, delay_ms: float, below_db: float) -> Wave:
    """The wave once more, later and fainter."""
    delay = round(delay_ms * SAMPLE_RATE_HZ / 1000)
    later = np.concatenate([np.zeros(delay), wave])[: len(wave)]
    return np.asarray(wave + later * 10 ** (-below_db / 20))


def with_holes(wave: Wave, presses: list[Press], at_ms: float, length_ms: float) -> Wave:
    """A gap in each key."""
    out = wave.copy()
    for press in presses:
        begin = press.onset + round(at_ms * 8)
        out[begin : begin + round(length_ms * 8)] = 0
    return out


def with_lost_packets(
    samples: NDArray[np.int16], presses: list[Press], rng: np.random.Generator, *, repeat: bool
) -> NDArray[np.int16]:
    """One packet of 20 ms that lies within each key is lost: filled with silence, or with the packet before it."""
    out = samples.copy()
    for press in presses:
        first, last = -(-press.onset // 160) + 1, press.end // 160 - 2
        at = 160 * int(rng.integers(first, max(last, first) + 1))
        out[at : at + 160] = out[at - 160 : at] if repeat else 0
    return out


def with_loss(
    samples: NDArray[np.int16], rng: np.random.Generator, share: float
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Packets of 20 ms lost at random and filled with silence; and which were."""
    out = samples.copy()
    lost = rng.random(len(samples) // 160) < share
    for packet in np.flatnonzero(lost):
        out[160 * packet : 160 * packet + 160] = 0
    return out, lost
