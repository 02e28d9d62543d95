"""An ear is told the same in whatever packets a line comes, and whatever is in them."""

from collections.abc import Iterable
from itertools import repeat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cde.wire.tone.lines import ALL_KEYS, Samples, dial_tone, keyed, speech, through, white

from tonevault.cde.sealed.warrant import event_code
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.ear import Ear
from tonevault.cde.wire.tone.report import ToneReport, ToneStarted
from tonevault.cde.wire.tone.screen import HOP

LENGTH = 12800
KINDS = ("keys", "keys in noise", "keys under talk", "keys on dial tone", "talk", "noise", "silence")


def line(kind: str, seed: int) -> Samples:
    """A line of LENGTH samples."""
    rng = np.random.default_rng((KINDS.index(kind), seed))
    wave = np.zeros(LENGTH)
    if kind.startswith("keys"):
        on_s, level = float(rng.uniform(0.035, 0.09)), float(rng.uniform(-20, -6))
        events = tuple(int(event) for event in rng.choice(ALL_KEYS, 9))
        tones, _ = keyed(events, on_s=on_s, off_s=0.05, level_dbm0=level, lead=800 + int(rng.integers(400)))
        wave[: len(tones)] = tones[:LENGTH]
        match kind:
            case "keys in noise":
                wave += white(rng, LENGTH, level - 8)
            case "keys under talk":
                wave += speech(rng, LENGTH / 8000, level - 6)
            case "keys on dial tone":
                wave += dial_tone(LENGTH, level - 6)
    elif kind == "talk":
        wave = speech(rng, LENGTH / 8000, -17)
    elif kind == "noise":
        wave = white(rng, LENGTH, -20)
    return through(Law.ULAW, wave)


def plain(report: ToneReport) -> tuple[object, ...]:
    """A report in a form that can be compared."""
    if isinstance(report, ToneStarted):
        return "started", event_code(report.key), report.onset
    return "ended", report.onset, report.end


def heard(samples: Samples, lengths: Iterable[int]) -> tuple[list[tuple[object, ...]], list[int]]:
    """What an ear is told, and where windows end that may hold a tone, when the line comes in packets of these lengths."""
    ear, told, tonal = Ear(), [], []
    at = 0
    for length in lengths:
        hearing = ear.hear(samples[at : at + length])
        at += length
        told += [plain(report) for report in hearing.reports]
        tonal += hearing.tonal
    assert ear.position == min(at, len(samples))
    return told, tonal


@pytest.mark.parametrize("chunk", [1, 20, 77, 80, 240, 1000])
def test_packets_of_any_length_tell_the_same(chunk: int) -> None:
    for kind in KINDS:
        samples = line(kind, 3)[: 3000 if chunk == 1 else LENGTH]
        assert heard(samples, repeat(chunk, -(-len(samples) // chunk))) == heard(samples, [len(samples)])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_so_do_packets_of_changing_lengths_that_hold_anything(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = line(KINDS[seed % len(KINDS)], seed)[:6000].copy()
    begin, end = np.sort(rng.integers(0, len(samples), 2))
    samples[begin:end] = rng.choice(np.array([-32768, 0, 1, 32767], np.int16), end - begin)
    lengths = rng.integers(0, 400, 60).tolist()
    told, tonal = heard(samples, lengths)
    assert (told, tonal) == heard(samples, [min(sum(lengths), len(samples))])
    assert all(end % HOP == 0 for end in tonal)
    assert tonal == sorted(set(tonal))


def test_fewer_samples_than_a_hop_wait_for_the_next() -> None:
    wave = line("keys", 5)
    ear = Ear()
    first = next(end for end in heard(wave, [LENGTH])[1])
    assert ear.hear(wave[: first - 1]).tonal == []
    assert ear.hear(wave[first - 1 : first]).tonal == [first]
