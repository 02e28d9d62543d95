"""What gets out of the mask: keys judged on the agent's leg by energy and by an optimal decoder; the price in speech.

    .venv/bin/python -m benchmarks.leak [--quick] [--keys 10000] [--only talk hush speech chance rtpengine] [--conditions quiet …]

Needs scripts/install-bench-peers. Keys of 40 to 200 ms at −30 to −4 dBm0, twist to ±10 dB, offsets to ±1.5 %, every onset offset in a
packet, half of the lines through either G.711 law. G.726 is spandsp's, at 32 kbit/s, between two G.711 codings. Lost packets reach the mask
as the relay hands them over: as silence. Each key is keyed on a line of its own, so that what the mask learns from one does not help with
the next. The whole takes a quarter of an hour.
"""

import argparse
import sys
from typing import Final

import numpy as np
from benchmarks.lines.keyed_once import CONDITIONS, HARDLY, MUST_NOT, keyed_once, template
from benchmarks.lines.listener import listen
from benchmarks.peers.detector import PeerMissingError
from benchmarks.peers.spandsp import G726
from benchmarks.recordings.library import MissingError, lines, voices
from benchmarks.recordings.package import Part
from benchmarks.tone_figures import played, silent_line
from tests.unit.cde.wire.tone.lines import Samples, Wave, through

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.beep import BEEP, BEEP_SAMPLES
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.cde.wire.tone.report import ToneStarted

DELAY: Final = MaskingLine.DELAY_SAMPLES
SECTIONS: Final = ("talk", "hush", "chance", "speech", "rtpengine")
HUSH_CONDITIONS: Final = ("quiet", "talk 9", "noise 8")
HUSHED_SHARE: Final = 10
"""Hush is the same everywhere by construction: a tenth of the keys shows it."""


def measure_talk(keys: int, conditions: tuple[str, ...], talk: Wave, g726: G726) -> bool:
    """The mask while both talk. Gives back whether the limits hold."""
    print(f"talk: {keys} keys each{'':17} any ms out     named   longest   line said so   limit")
    kept = True
    for condition in conditions:
        out = named = longest = said = 0
        for index in range(keys):
            press = keyed_once(condition, index, talk, g726)
            line = silent_line()
            verdict = listen(press, played(line, press.samples), DELAY)
            if verdict.leaked_ms:
                out += 1
                named += verdict.named
                longest = max(longest, verdict.leaked_ms)
                said += line.hushed_by_noise
        limit = 0.0 if condition in MUST_NOT else 0.002 if condition in HARDLY else 1.0
        kept &= out <= limit * keys
        share = f"{out:5} {100 * out / keys:6.2f} %"
        shown = {0.0: "0", 0.002: "0.2 %"}.get(limit, "none") + ("" if out <= limit * keys else "  ✗")
        print(f"  {condition:34} {share} {named:6} {longest:6} ms {said:10}       {shown}", flush=True)
    return kept


def measure_hush(keys: int, talk: Wave, g726: G726) -> bool:
    """The mask while the customer is not heard at all: every sample that is not silence counts."""
    out = 0
    for condition in HUSH_CONDITIONS:
        for index in range(keys // HUSHED_SHARE):
            press = keyed_once(condition, index, talk, g726)
            out += bool(played(silent_line(MaskMode.HUSH), press.samples).any())
    print(
        f"hush: {', '.join(HUSH_CONDITIONS)}: {out} of {keys // HUSHED_SHARE * len(HUSH_CONDITIONS)} lines let anything out"
    )
    return out == 0


def measure_chance(keys: int, talk: Wave, g726: G726) -> None:
    """The real output, beep and comfort noise included: the decoder takes the beep off, which it knows, and guesses from what is left."""
    named = 0
    for index in range(keys):
        press = keyed_once("noise 20", index, talk, g726)
        output = played(MaskingLine(MaskMode.TALK), press.samples)
        left = _without_beep(output.astype(np.float64))[press.onset + DELAY : press.end + DELAY]
        scores = []
        for event in range(16):
            wave = template(press, event)[: len(left)]
            scores.append(wave @ left / np.linalg.norm(wave))
        named += int(np.argmax(scores)) == press.event
    spread = 2 * np.sqrt(keys * 15) / 16
    print(
        f"chance: of {keys} real outputs (noise 20) the optimal decoder names {named}; by chance {keys / 16:.0f} ± {spread:.0f}"
    )


def _without_beep(output: Wave) -> Wave:
    score = np.correlate(output, BEEP.astype(np.float64), "valid")
    at = int(score.argmax())
    clean = output.copy()
    clean[at : at + BEEP_SAMPLES] -= BEEP
    return clean


def measure_speech(hours: float) -> bool:
    """People talking through the mask: the share of samples that are not as they were."""
    print("speech: share of the time that the mask altered")
    total = altered = 0
    for part in (Part.TUNING, Part.HELD_OUT):
        for name, recording in lines(part):
            samples = through(Law.ULAW, np.asarray(recording[: round(hours * 3600 * 8000)], np.float64))
            samples = np.concatenate([samples, np.zeros(-len(samples) % 160 + 320, np.int16)])
            line = silent_line()
            output = played(line, samples)
            changed = int(np.sum(output[DELAY:] != samples[:-DELAY]))
            false = sum(isinstance(report, ToneStarted) for report in line.take_reports())
            total, altered = total + len(samples), altered + changed
            print(
                f"  {part.value:9} {name:34} {len(samples) / 28.8e6:5.2f} h {100 * changed / len(samples):6.3f} %   {false} false keys",
                flush=True,
            )
    print(f"  all {total / 28.8e6:.2f} h: {100 * altered / total:.3f} % (limit 0.5 %)")
    return altered < 0.005 * total


def measure_delay(talk: Wave) -> bool:
    """How late the voice is, by where input and output agree best."""
    samples = through(Law.ULAW, talk[:80_000])
    output = played(silent_line(), samples)
    fits = [int(np.sum(samples[: 80_000 - 400] == output[late : 80_000 - 400 + late])) for late in range(400)]
    late = int(np.argmax(fits))
    line = silent_line()
    played(line, samples[:16_000])
    line.close()
    tail: Samples = played(line, samples[16_000:24_000])
    after = int(
        np.argmax(
            [
                int(np.sum(samples[20_000:23_000] == tail[4_000 - shift : 7_000 - shift]))
                for shift in range(400)
            ]
        )
    )
    print(f"delay: {late / 8:g} ms in a capture, {after / 8:g} ms after it (limit 20 ms)")
    return late <= DELAY and after == 0


def main() -> None:
    """Print every table that is asked for; exit with 1 where a limit of our own was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute's worth")
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--hours", type=float, default=100.0, help="of each package of recordings")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=CONDITIONS)
    options = parser.parse_args()
    keys = 100 if options.quick else options.keys
    try:
        talk, g726 = voices(), G726()
    except (PeerMissingError, MissingError) as fault:
        sys.exit(f"leak: {fault}")
    kept = True
    if "talk" in options.only:
        kept &= measure_talk(keys, tuple(options.conditions), talk, g726)
        kept &= measure_delay(talk)
    if "hush" in options.only:
        kept &= measure_hush(keys, talk, g726)
    if "chance" in options.only:
        measure_chance(keys, talk, g726)
    if "speech" in options.only:
        kept &= measure_speech(0.03 if options.quick else options.hours)
    print("every limit kept" if kept else "✗ a limit was missed")
    sys.exit(not kept)


if __name__ == "__main__":
    main()
