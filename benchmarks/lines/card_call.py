"""Sixteen keys as a customer sends them over a bad line: many small things wrong at once, none of them beyond what Q.24 allows."""

import numpy as np
from benchmarks.lines import impairment as line
from tests.unit.cde.wire.tone.lines import Press, Samples, Wave, through

from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ, Law
from tonevault.cde.wire.tone.generator import key_tone

DIGITS = 16


def card_call(rng: np.random.Generator, voices: Wave) -> tuple[Samples, list[Press]]:
    """A line with one number on it. Level, twist and offsets are the caller's, so the same for all its keys; times vary from key to key."""
    how = {
        "level_dbm0": float(rng.uniform(-25, -4)),
        "twist_db": float(rng.uniform(-8, 4)),
        "row_offset": float(rng.uniform(-0.015, 0.015)),
        "column_offset": float(rng.uniform(-0.015, 0.015)),
    }
    parts, presses, at = [np.zeros(1600 + int(rng.integers(160)))], [], 0
    at = len(parts[0])
    for event in rng.integers(0, 10, DIGITS):
        tone = key_tone(int(event), float(rng.uniform(0.045, 0.12)), **how).astype(np.float64)
        pause = np.zeros(round(float(rng.uniform(0.045, 0.2)) * SAMPLE_RATE_HZ))
        presses.append(Press(int(event), at, at + len(tone)))
        parts += [tone, pause]
        at += len(tone) + len(pause)
    wave = np.concatenate([*parts, np.zeros(1600)])
    level = how["level_dbm0"]
    wave = line.with_noise(rng, wave, level - float(rng.uniform(12, 40)))
    if rng.random() < 0.3:
        wave = line.with_echo(wave, float(rng.uniform(5, 50)), float(rng.uniform(10, 25)))
    if rng.random() < 0.3:
        wave = line.with_voice(rng, wave, voices, level - float(rng.uniform(12, 25)))
    if rng.random() < 0.15:
        wave = line.with_steady_tone(
            wave, float(rng.choice([350, 425, 440])), level - float(rng.uniform(3, 15))
        )
    samples = through(Law.ULAW if rng.random() < 0.5 else Law.ALAW, wave)
    if rng.random() < 0.3:
        samples, _ = line.with_loss(samples, rng, 0.005)
    return samples, presses
