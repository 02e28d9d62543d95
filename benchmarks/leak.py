"""What gets out of the mask: keys judged on the agent's leg by energy and by an optimal decoder; the price in speech; rtpengine beside it.

    .venv/bin/python -m benchmarks.leak [--quick] [--keys 10000] [--only talk hush tells speech delay rtpengine] [--conditions quiet …]

Needs scripts/install-bench-peers. Keys of 40 to 200 ms at −30 to −4 dBm0, twist to ±10 dB, offsets to ±1.5 %, every onset offset in a
packet, half of the lines through either G.711 law. G.726 is spandsp's, at 32 kbit/s, between two G.711 codings. Lost packets reach the mask
as the relay hands them over: as silence. Each key is keyed on a line of its own, so that what the mask learns from one does not help with
the next. The whole takes ten minutes.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from benchmarks.lines.keyed_once import CONDITIONS, HARDLY, MUST_NOT, KeyedOnce, keyed_once, template
from benchmarks.lines.listener import listen
from benchmarks.lines.masked import masked
from benchmarks.lines.tell_tale import correlation, guessed
from benchmarks.peers.detector import PeerMissingError
from benchmarks.peers.rtpengine_mask import RtpengineMask
from benchmarks.peers.spandsp import G726
from benchmarks.recordings.library import MissingError, lines, voices
from benchmarks.recordings.package import Part
from tests.unit.cde.wire.tone.lines import Samples, Wave, through

from tonevault.cde.media import MaskMode
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.beep import BEEP, BEEP_SAMPLES
from tonevault.cde.wire.tone.masking_line import MaskingLine

DELAY: Final = MaskingLine.DELAY_SAMPLES
HUSH_CONDITIONS: Final = ("quiet", "talk 9", "noise 8")
HUSHED_SHARE: Final = 10
"""Hush is the same everywhere by construction: a tenth of the keys shows it."""
AT_ONCE: Final = 500
CAPTURE: Final = 480_000
"""A minute: what a card takes, and what a line that hushed itself stays hushed for at most."""
RTPENGINE_CONDITIONS: Final = ("phone", "quiet", "noise 20", "talk 20", "talk 12", "noise 10")
RTPENGINE_CALLS: Final = 40
PARTS: Final = (Part.TUNING, Part.HELD_OUT)


class Bench:
    """What the sections share; each prints its table and gives back whether its limits hold."""

    def __init__(self, keys: int, hours: float, conditions: tuple[str, ...]) -> None:
        self._keys = keys
        self._hours = hours
        self._conditions = conditions
        self._voices = voices()
        self._g726 = G726()

    def _presses(self, condition: str, keys: int) -> Iterator[list[KeyedOnce]]:
        for begin in range(0, keys, AT_ONCE):
            indices = range(begin, min(begin + AT_ONCE, keys))
            yield [keyed_once(condition, index, self._voices, self._g726) for index in indices]

    def talk(self) -> bool:
        """The mask while both talk."""
        print(f"talk: {self._keys} keys each{'':17} any ms out     named   longest   line said so   limit")
        kept = True
        for condition in self._conditions:
            out = named = longest = said = 0
            for presses in self._presses(condition, self._keys):
                for press, line in zip(presses, masked([each.samples for each in presses]), strict=True):
                    verdict = listen(press, line.output, DELAY)
                    if verdict.leaked_ms:
                        out += 1
                        named += verdict.named
                        longest = max(longest, verdict.leaked_ms)
                        said += line.hushed
            limit = 0.0 if condition in MUST_NOT else 0.002 if condition in HARDLY else 1.0
            kept &= out <= limit * self._keys
            share = f"{out:5} {100 * out / self._keys:6.2f} %"
            shown = {0.0: "0", 0.002: "0.2 %"}.get(limit, "none") + (
                "" if out <= limit * self._keys else "  ✗"
            )
            print(f"  {condition:34} {share} {named:6} {longest:6} ms {said:10}       {shown}", flush=True)
        return kept

    def hush(self) -> bool:
        """The mask while the customer is not heard at all: every sample that is not silence counts."""
        out = total = 0
        for condition in HUSH_CONDITIONS:
            for presses in self._presses(condition, self._keys // HUSHED_SHARE):
                found = masked([each.samples for each in presses], MaskMode.HUSH)
                out += sum(bool(line.output.any()) for line in found)
                total += len(found)
        print(f"hush: {', '.join(HUSH_CONDITIONS)}: {out} of {total} lines let anything out (limit 0)")
        return out == 0

    def tells(self) -> bool:
        """The real output, beep and comfort noise included. The decoder takes the beep off, which it knows, and guesses from what is left;
        another guesses from when the beep begins; a third from the very samples at which the mask closes and opens, which nobody hears."""
        left, beeps, edges, events, lengths = [], [], [], [], []
        for presses in self._presses("noise 20", self._keys):
            inputs = [each.samples for each in presses]
            real, bare = masked(inputs, bare=False), masked(inputs)
            for press, line, hollow in zip(presses, real, bare, strict=True):
                wave = line.output.astype(np.float64)
                beep = int(np.correlate(wave, BEEP.astype(np.float64), "valid").argmax())
                wave[beep : beep + BEEP_SAMPLES] -= BEEP
                left.append(_nearest(press, wave))
                beeps.append((beep - DELAY - press.onset,))
                edges.append(_edges(press, hollow.output))
                events.append(press.event)
                lengths.append(press.end - press.onset)
        spread = 2 * math.sqrt(15 * self._keys) / 16
        named = int(np.sum(np.array(left) == events))
        late = [each[0] / 8 for each in beeps]
        print(
            f"what the agent's leg tells of {self._keys} keys (noise 20); by chance {self._keys / 16:.0f} ± {spread:.0f} are named"
        )
        print(f"  the optimal decoder, beep taken off                   {named}")
        print(f"  by when the beep begins                               {guessed(beeps, events)}")
        print(f"  by the samples at which the mask closes and opens     {guessed(edges, events)}")
        print(
            "  beep after onset, ms: p1 {:.1f}, p50 {:.1f}, p99 {:.1f}".format(
                *np.percentile(late, (1, 50, 99))
            )
        )
        print(f"  correlation of that with how long the key was held    {correlation(late, lengths):.3f}")
        most = self._keys / 16 + 2 * spread
        return named <= most and guessed(beeps, events) <= most

    def speech(self) -> bool:
        """People talking through the mask, a minute a capture: the share of samples that are not as they were."""
        print(
            "speech: share of the time that the mask altered; captures that a false key or noise had hushed at their end"
        )
        total = altered = 0
        for part in PARTS:
            for name, recording in lines(part):
                samples = through(
                    Law.ULAW, np.asarray(recording[: round(self._hours * 28_800_000)], np.float64)
                )
                captures = [samples[at : at + CAPTURE] for at in range(0, len(samples), CAPTURE)]
                found = masked(captures)
                changed = sum(
                    int(np.sum(line.output[DELAY:] != capture[:-DELAY]))
                    for line, capture in zip(found, captures, strict=True)
                )
                hushed = sum(line.hushed for line in found)
                total, altered = total + len(samples), altered + changed
                hours = len(samples) / 28.8e6
                share = 100 * changed / len(samples)
                print(
                    f"  {part.value:9} {name:34} {hours:5.2f} h {share:6.3f} %   {hushed} of {len(found)}",
                    flush=True,
                )
        print(f"  all {total / 28.8e6:.2f} h: {100 * altered / total:.3f} % (limit 0.5 %)")
        return altered < 0.005 * total

    def delay(self) -> bool:
        """How late the voice is, by where input and output agree best."""
        samples = through(Law.ULAW, self._voices[:80_000])
        late = _lateness(samples, masked([samples])[0].output)
        line, tail = MaskingLine(MaskMode.TALK), []
        for at in range(0, 24_000, 160):
            if at == 16_000:
                line.close()
            tail.append(line.push(samples[at : at + 160]))
        after = _lateness(samples[20_000:24_000], np.concatenate(tail)[20_000:])
        print(f"delay: {late / 8:g} ms in a capture, {after / 8:g} ms after it (limits 20 and 0 ms)")
        return late <= DELAY and after == 0

    def rtpengine(self) -> bool:
        """rtpengine, which delays by 60 ms, on the same lines in real time, and the mask of the house beside it."""
        keys = max(self._keys // 20, RTPENGINE_CALLS)
        print(
            f"rtpengine beside it: {keys} keys each{'':8} rtpengine: any ms out   named   longest        here: any ms out"
        )
        for condition in RTPENGINE_CONDITIONS:
            theirs, ours = [], 0
            for presses in self._presses(condition, keys):
                for begin in range(0, len(presses), RTPENGINE_CALLS):
                    some = presses[begin : begin + RTPENGINE_CALLS]
                    heard = _through_rtpengine([each.samples for each in some])
                    theirs += [listen(press, line, 0) for press, line in zip(some, heard, strict=True)]
                own = masked([each.samples for each in presses])
                ours += sum(
                    listen(press, line.output, DELAY).leaked_ms > 0
                    for press, line in zip(presses, own, strict=True)
                )
            out = [verdict for verdict in theirs if verdict.leaked_ms]
            longest = max((verdict.leaked_ms for verdict in out), default=0)
            named = sum(verdict.named for verdict in out)
            share = 100 * len(out) / keys
            print(
                f"  {condition:38} {len(out):6} {share:7.1f} % {named:8} {longest:6} ms {ours:18}", flush=True
            )
        return True


def _through_rtpengine(inputs: list[Samples]) -> list[Samples]:
    """Each on a call of its own of a daemon of its own."""
    longest = max(len(each) for each in inputs)
    peer = RtpengineMask(len(inputs))
    try:
        heard = peer.play(
            [np.concatenate([each, np.zeros(longest - len(each), np.int16)]) for each in inputs]
        )
    finally:
        peer.stop()
    return heard


def _nearest(press: KeyedOnce, wave: Wave) -> int:
    """The key whose waveform is nearest to what was heard while the key was down."""
    heard = wave[press.onset + DELAY : press.end + DELAY]
    templates = [template(press, event)[: len(heard)] for event in range(16)]
    return int(np.argmax([each @ heard / np.linalg.norm(each) for each in templates]))


def _edges(press: KeyedOnce, output: Samples) -> tuple[int, int]:
    """When the mask closed around a key, counted from its onset, and when it opened again, from its end."""
    quiet = np.flatnonzero(output[DELAY:] == 0)
    middle = (press.onset + press.end) // 2
    runs = np.split(quiet, np.flatnonzero(np.diff(quiet) > 1) + 1)
    run = next(each for each in runs if each[0] <= middle <= each[-1])
    return int(run[0]) - press.onset, int(run[-1]) - press.end


def _lateness(samples: Samples, output: Samples) -> int:
    """By how many samples the output lags."""
    span = len(samples) - 400
    return int(np.argmax([np.sum(samples[:span] == output[late : span + late]) for late in range(400)]))


SECTIONS: Final[dict[str, Callable[[Bench], bool]]] = {
    "talk": Bench.talk,
    "hush": Bench.hush,
    "tells": Bench.tells,
    "speech": Bench.speech,
    "delay": Bench.delay,
    "rtpengine": Bench.rtpengine,
}


def main() -> None:
    """Print every table that is asked for; exit with 1 where a limit of our own was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a minute's worth")
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--hours", type=float, default=100.0, help="of each package of recordings")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=CONDITIONS)
    options = parser.parse_args()
    keys, hours = (100, 0.03) if options.quick else (options.keys, options.hours)
    try:
        bench = Bench(keys, hours, tuple(options.conditions))
        kept = [SECTIONS[name](bench) for name in SECTIONS if name in options.only]
    except (PeerMissingError, MissingError) as fault:
        sys.exit(f"leak: {fault}")
    print("every limit kept" if all(kept) else "✗ a limit was missed")
    sys.exit(not all(kept))


if __name__ == "__main__":
    main()
