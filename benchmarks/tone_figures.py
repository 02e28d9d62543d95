"""The figures of docs/tones.md: keys heard, keys leaked, speech altered, speed.

    .venv/bin/python -m benchmarks.tone_figures [--keys 320] [--speech DIR …]

DIR holds 8 kHz 16-bit mono WAV files of people speaking (Debian: asterisk-core-sounds-{en,es,fr,it,ru}-wav). Each file is brought to an
active level of −17 dBm0 and passed through µ-law.
"""

import argparse
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.unit.cde.wire.tone.lines import (
    Press,
    Samples,
    Wave,
    dial_tone,
    heard,
    keyed,
    missed,
    speech,
    started,
    through,
    white,
)

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.beep import Beeper
from tonevault.cde.wire.tone.comfort_noise import ComfortNoise
from tonevault.cde.wire.tone.level import power_of
from tonevault.cde.wire.tone.masking_bank import MaskingBank
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneStarted

DELAY = MaskingLine.DELAY_SAMPLES
NOT_SPEECH = ("tt-monkeys", "beep", "silence", "dtmf", "ring", "tone")
"""Files of the packages that hold no human voice."""


LEAK_CONDITIONS = (
    *("quiet", "noise 20", "speech 20", "noise 15", "noise 12", "noise 10"),
    *("speech 12", "dial 6", "dial 0", "speech 9", "noise 8"),
)
"""What lies beside the keys, and by how many dB below the pair."""


class _Mute(Beeper):
    """A beeper that does not sound, so that what remains of a key is all there is to find."""

    def ring(self, at: int = 0) -> None:
        """Stay silent."""


class _Nothing(ComfortNoise):
    """Silence in place of comfort noise, in which a judge of single milliseconds would now and then see a tone."""

    def take(self, lines: NDArray[np.intp], count: int, power: NDArray[np.float64]) -> NDArray[np.float32]:
        """Samples of no power."""
        return super().take(lines, count, 0 * power)


def silent_line(mode: MaskMode = MaskMode.TALK) -> MaskingLine:
    """A masking line without beeps and comfort noise."""
    return MaskingLine(mode, bank=MaskingBank(1, beeper=_Mute, noise=_Nothing()))


def played(line: MaskingLine, samples: Samples) -> Samples:
    """What comes out, in packets of 20 ms."""
    return np.concatenate([line.push(samples[at : at + 160]) for at in range(0, len(samples), 160)])


def disturbed(name: str, tones: Wave, level_dbm0: float, voices: Wave, rng: np.random.Generator) -> Wave:
    """The line with what the condition adds: a kind and by how many dB it lies below the pair."""
    kind, _, below = name.partition(" ")
    match kind:
        case "noise":
            return tones + white(rng, len(tones), level_dbm0 - float(below))
        case "dial":
            return tones + dial_tone(len(tones), level_dbm0 - float(below) - 3)
        case "speech":
            at = int(rng.integers(len(voices) - len(tones)))
            piece = voices[at : at + len(tones)]
            active = np.mean(piece[np.abs(piece) > 300] ** 2) if (np.abs(piece) > 300).any() else 1.0
            return np.asarray(tones + piece * np.sqrt(power_of(level_dbm0 - float(below)) / active))
        case _:
            return tones


def detection(keys: int, voices: Wave) -> None:
    """Keys heard under one condition at a time, half of them through each law."""
    rng = np.random.default_rng(5)
    conditions: list[tuple[str, str, dict[str, float]]] = [
        ("40 ms on, 40 ms off", "quiet", {"on_s": 0.04, "off_s": 0.04}),
        ("20 ms (must not)", "quiet", {"on_s": 0.02}),
        ("both +1.5 %, 40 ms", "quiet", {"on_s": 0.04, "row_offset": 0.015, "column_offset": 0.015}),
        ("row +3.5 % (must not)", "quiet", {"row_offset": 0.035}),
        ("column −3.5 % (must not)", "quiet", {"column_offset": -0.035}),
        ("twist +10 dB, 40 ms", "quiet", {"on_s": 0.04, "off_s": 0.04, "twist_db": 10}),
        ("twist −10 dB, 40 ms", "quiet", {"on_s": 0.04, "off_s": 0.04, "twist_db": -10}),
        ("−40 dBm0", "quiet", {"level_dbm0": -40}),
        *(
            (name, name, {})
            for name in (
                "noise 15",
                "noise 10",
                "noise 8",
                "noise 6",
                "speech 20",
                "speech 12",
                "speech 9",
                "speech 6",
            )
        ),
        *((name, name, {}) for name in ("dial 6", "dial 0")),
    ]
    print(f"{'keys of 50 ms unless said':28} heard   extra   delay p50/p99 ms")
    for title, kind, how in conditions:
        lost = extra = 0
        delays: list[float] = []
        for law in (Law.ULAW, Law.ALAW):
            events = tuple(int(event) for event in rng.integers(0, 16, keys // 2))
            tones, presses = keyed(events, **how)  # type: ignore[arg-type]
            reports = heard(through(law, disturbed(kind, tones, how.get("level_dbm0", -9.0), voices, rng)))
            missing = missed(reports, presses)
            lost += missing
            extra += len(started(reports)) - (len(presses) - missing)
            if missing == 0 and len(started(reports)) == len(presses):
                delays += [
                    (at - press.onset) / 8 for (at, _), press in zip(started(reports), presses, strict=True)
                ]
        shown = "/".join(f"{delay:.0f}" for delay in np.percentile(delays, [50, 99])) if delays else "–"
        print(f"{title:28} {100 * (1 - lost / (keys // 2 * 2)):5.1f} % {extra:6}   {shown}")


def leaks(tones: Wave, output: Samples, press: Press) -> bool:
    """Whether a millisecond of the clean tone is found in the output at a quarter of its height or more."""
    tone = tones[press.onset : press.end // 8 * 8 - press.onset % 8]
    tone = tone[: len(tone) // 8 * 8].reshape(-1, 8)
    out = output[press.onset + DELAY : press.onset + DELAY + tone.size].astype(np.float64).reshape(-1, 8)
    energy = (tone * tone).sum(axis=1)
    return bool((np.abs((tone * out).sum(axis=1)) > 0.35 * energy)[energy > energy.max() * 0.05].any())


def leak(keys: int, voices: Wave) -> None:
    """Keys of which any millisecond came out of the mask, with random level, twist to 10 dB, offset to 1.5 % and length 40 to 100 ms."""
    rng = np.random.default_rng(6)
    print(f"\n{'condition, dB below the pair':28} leaked of {keys}   the line said so")
    for kind in LEAK_CONDITIONS:
        out = said = 0
        for index in range(keys):
            level, twist, row, column = (
                float(x) for x in rng.uniform((-30, -10, -0.015, -0.015), (-4, 10, 0.015, 0.015))
            )
            events, on_s, lead = (
                (int(rng.integers(16)),),
                float(rng.uniform(0.04, 0.1)),
                2000 + int(rng.integers(160)),
            )
            tones, (press,) = keyed(
                events,
                on_s=on_s,
                level_dbm0=level,
                twist_db=twist,
                row_offset=row,
                column_offset=column,
                lead=lead,
            )
            line = silent_line()
            output = played(
                line, through((Law.ULAW, Law.ALAW)[index % 2], disturbed(kind, tones, level, voices, rng))
            )
            if leaks(tones, output, press):
                out += 1
                said += line.hushed_by_noise
        print(f"{kind:28} {out:6}          {said}")


def recordings(folder: Path) -> Iterator[Wave]:
    """Every recording of a voice under a folder, at an active level of −17 dBm0."""
    for path in sorted(folder.rglob("*.wav")):
        if any(word in str(path.relative_to(folder)) for word in NOT_SPEECH):
            continue
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getsampwidth(), file.getnchannels()) != (
                8000,
                2,
                1,
            ) or file.getnframes() < 1600:
                continue
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        frames = (samples[: len(samples) // 160 * 160].reshape(-1, 160) ** 2).mean(axis=1)
        if frames.max() > 0:
            yield samples * np.sqrt(power_of(-17) / frames[frames > frames.max() * 1e-3].mean())


def real_speech(folder: Path) -> None:
    """False keys, speech altered and speed on recordings of people."""
    line, altered, total, spent = silent_line(), 0, 0, 0.0
    for recording in recordings(folder):
        samples = through(Law.ULAW, recording)
        samples = np.concatenate([samples, np.zeros(-len(samples) % 160 + 320, np.int16)])
        begun = time.perf_counter()
        output = played(line, samples)
        spent += time.perf_counter() - begun
        altered += int(np.sum(output[DELAY:] != samples[:-DELAY]))
        total += len(samples)
    false = sum(isinstance(report, ToneStarted) for report in line.take_reports())
    if total:
        print(
            f"{folder}: {total / 480000:.1f} min, {false} false keys, {100 * altered / total:.2f} % altered, "
            f"{total / 8000 / spent:.0f} times real time, hushed at the end: {line.hushed_by_noise}"
        )


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=int, default=320)
    parser.add_argument("--speech", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    voices = speech(np.random.default_rng(7), 120.0, -17)
    for folder in options.speech[:1]:
        voices = np.concatenate(list(recordings(folder)))
    detection(options.keys, voices)
    leak(options.keys, voices)
    print()
    for folder in options.speech:
        real_speech(folder)


if __name__ == "__main__":
    main()
