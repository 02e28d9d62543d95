"""What a line may carry in tests: keys in noise, under speech, beside dial tone, through both laws. All of it from one seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.g711 import SAMPLE_RATE_HZ, Law, decode, encode
from tonevault.cde.wire.tone.detector import ToneDetector
from tonevault.cde.wire.tone.generator import key_tone
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.report import ToneEnded, ToneReport, ToneStarted

Samples = NDArray[np.int16]
Wave = NDArray[np.float64]
ALL_KEYS = tuple(range(16))


@dataclass(frozen=True)
class Press:
    """A key and where its tone lies."""

    event: int
    onset: int
    end: int


def through(law: Law, wave: Wave) -> Samples:
    """What the far end of a G.711 line hears."""
    return decode(law, encode(law, np.clip(np.rint(wave), -32768, 32767).astype(np.int16)))


def keyed(
    events: tuple[int, ...],
    *,
    on_s: float = 0.05,
    off_s: float = 0.05,
    level_dbm0: float = -9.0,
    twist_db: float = 0.0,
    row_offset: float = 0.0,
    column_offset: float = 0.0,
    lead: int = 800,
) -> tuple[Wave, list[Press]]:
    """A line on which keys are pressed, and where. The pauses stretch a little so that onsets fall anywhere between windows."""
    parts: list[Wave] = [np.zeros(lead)]
    presses: list[Press] = []
    at = lead
    for index, event in enumerate(events):
        tone = key_tone(
            event,
            on_s,
            level_dbm0=level_dbm0,
            twist_db=twist_db,
            row_offset=row_offset,
            column_offset=column_offset,
        )
        pause = round(off_s * SAMPLE_RATE_HZ) + 7 * (index % 3)
        presses.append(Press(event, at, at + len(tone)))
        parts += [tone.astype(np.float64), np.zeros(pause)]
        at += len(tone) + pause
    parts.append(np.zeros(800))
    return np.concatenate(parts), presses


def white(rng: np.random.Generator, length: int, level_dbm0: float) -> Wave:
    """White noise of the whole band."""
    return np.asarray(rng.standard_normal(length) * np.sqrt(power_of(level_dbm0)))


def dial_tone(length: int, level_dbm0: float) -> Wave:
    """350 and 440 Hz (ITU-T E.180, North America), the level being that of each."""
    turn = 2 * np.pi * np.arange(length) / SAMPLE_RATE_HZ
    return np.asarray(np.sqrt(2 * power_of(level_dbm0)) * (np.sin(350 * turn) + np.sin(440 * turn)))


def speech(rng: np.random.Generator, seconds: float, level_dbm0: float) -> Wave:
    """Speech-like sound: glottal pulses that ring three gliding formants, bursts of hiss, pauses; the level is that of what sounds."""
    length = round(seconds * SAMPLE_RATE_HZ)
    wave = np.zeros(length + 400)
    ring = np.arange(240) / SAMPLE_RATE_HZ
    at = 0
    while at < length:
        kind = rng.random()
        span = int(rng.uniform(0.06, 0.3) * SAMPLE_RATE_HZ)
        if kind < 0.2:
            at += span
            continue
        if kind < 0.4:
            stop = min(at + span, length)
            wave[at:stop] += rng.standard_normal(stop - at) * rng.uniform(0.02, 0.1)
            at = stop
            continue
        start_hz = np.array([rng.uniform(280, 900), rng.uniform(900, 2200), rng.uniform(2300, 3300)])
        stop_hz = start_hz * rng.uniform(0.8, 1.25, 3)
        width_hz = np.array([rng.uniform(60, 130), rng.uniform(80, 180), rng.uniform(120, 300)])
        gain = np.array([1.0, rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.4)])
        pitch_hz, glide, begun = rng.uniform(85, 260), rng.uniform(-0.3, 0.3), at
        hum = rng.uniform(0.3, 0.9)
        while at < min(begun + span, length):
            part = (at - begun) / span
            formants = start_hz + (stop_hz - start_hz) * part
            rings = np.exp(-np.pi * width_hz[:, None] * ring) * np.sin(2 * np.pi * formants[:, None] * ring)
            period = max(int(SAMPLE_RATE_HZ / (pitch_hz * (1 + glide * part)) * rng.uniform(0.98, 1.02)), 1)
            pulse = (gain[:, None] * rings).sum(axis=0) + 0.1 * rng.standard_normal(240) * np.exp(-300 * ring)
            wave[at : at + 240] += pulse * np.sin(np.pi * min(part + 0.1, 1)) * rng.uniform(0.9, 1.1)
            wave[at : at + period] += hum * np.sin(
                2 * np.pi * np.arange(period) / period
            )  # The voice's own pitch.
            at += period
    wave = wave[:length]
    frames = (wave[: length // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1)
    active = frames[frames > frames.max() * 1e-3].mean()
    return np.asarray(wave * np.sqrt(power_of(level_dbm0) / active))


def heard(samples: Samples, chunk: int = 160) -> list[tuple[int, ToneReport]]:
    """What a detector reports, each with the count of samples that it had been given by then."""
    detector = ToneDetector()
    out: list[tuple[int, ToneReport]] = []
    for at in range(0, len(samples), chunk):
        piece = samples[at : at + chunk]
        out += [(at + len(piece), report) for report in detector.push(piece)]
    return out


def started(reports: list[tuple[int, ToneReport]]) -> list[tuple[int, ToneStarted]]:
    """The onsets among reports."""
    return [(at, report) for at, report in reports if isinstance(report, ToneStarted)]


def ended(reports: list[tuple[int, ToneReport]]) -> list[ToneEnded]:
    """The ends among reports."""
    return [report for _, report in reports if isinstance(report, ToneEnded)]


def same_keys(reports: list[tuple[int, ToneReport]], presses: list[Press]) -> bool:
    """Whether exactly the presses were reported, in order, each near its onset."""
    onsets = [report for _, report in started(reports)]
    return len(onsets) == len(presses) and all(
        report.key.matches(Key.from_event(press.event)) and abs(report.onset - press.onset) <= 40
        for report, press in zip(onsets, presses, strict=True)
    )


def missed(reports: list[tuple[int, ToneReport]], presses: list[Press]) -> int:
    """How many presses were not reported by their key near their onset."""
    onsets = [report for _, report in started(reports)]
    return sum(
        not any(r.key.matches(Key.from_event(p.event)) and p.onset - 100 <= r.onset < p.end for r in onsets)
        for p in presses
    )
