"""Many calls in one pass: each is told what it would be told alone, whoever else is heard, and in whatever packets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.cde.wire.tone.lines import ALL_KEYS, Samples, dial_tone, keyed, speech, through, white

from tonevault.cde.sealed.warrant import event_code
from tonevault.cde.wire.g711 import Law
from tonevault.cde.wire.tone.ear import Ear
from tonevault.cde.wire.tone.ear_bank import EarBank
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


def alone(samples: Samples) -> tuple[list[tuple[object, ...]], list[int]]:
    """What one ear is told, and where windows end that may hold a tone."""
    ear, told, tonal = Ear(), [], []
    for at in range(0, len(samples), 160):
        hearing = ear.hear(samples[at : at + 160])
        told += [plain(report) for report in hearing.reports]
        tonal += hearing.tonal
    return told, tonal


class Gathered:
    """What a bank told of some calls."""

    def __init__(self, calls: int) -> None:
        self.bank = EarBank(calls)
        self.told: list[list[tuple[object, ...]]] = [[] for _ in range(calls)]
        self.tonal: list[list[int]] = [[] for _ in range(calls)]

    def push(self, calls: NDArray[np.intp], samples: Samples) -> None:
        hearings = self.bank.hear(calls, samples)
        for place, window in zip(*(each.tolist() for each in np.nonzero(hearings.tonal)), strict=True):
            self.tonal[calls[place]].append(int(hearings.first_end[place]) + HOP * window)
        for place, reports in hearings.reports.items():
            self.told[calls[place]] += [plain(report) for report in reports]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_together_is_as_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [line(kind, seed + copy) for kind in KINDS for copy in range(2)]
    gathered = Gathered(len(lines))
    at = np.zeros(len(lines), np.intp)
    while (at < LENGTH).any():
        # Some calls have a packet now, others not, in no order.
        due = rng.permutation(np.flatnonzero((at < LENGTH) & (rng.random(len(lines)) < 0.7)))
        if len(due):
            gathered.push(due, np.stack([lines[call][at[call] : at[call] + 160] for call in due]))
            at[due] += 160
    for call, samples in enumerate(lines):
        told, tonal = alone(samples)
        assert gathered.told[call] == told
        assert gathered.tonal[call] == tonal


@pytest.mark.parametrize("chunk", [20, 40, 80, 240, 1000])
def test_packets_of_any_length_that_ends_windows(chunk: int) -> None:
    lines = [line(kind, 3) for kind in KINDS]
    gathered = Gathered(len(lines))
    calls = np.arange(len(lines))
    for at in range(0, LENGTH, chunk):
        gathered.push(calls, np.stack([samples[at : at + chunk] for samples in lines]))
    assert gathered.told == [alone(samples)[0] for samples in lines]


def test_a_place_that_is_used_again_remembers_nothing() -> None:
    gathered = Gathered(2)
    both = np.arange(2)
    keys = line("keys", 5)
    gathered.push(both, np.stack([keys[:3200], line("talk", 5)[:3200]]))
    gathered.bank.forget(0)
    assert gathered.bank.positions.tolist() == [0, 3200]
    gathered.told[0].clear()
    for at in range(0, LENGTH, 160):
        gathered.push(both[:1], keys[None, at : at + 160])
    assert gathered.told[0] == alone(keys)[0]


def test_calls_whose_windows_do_not_end_together_are_refused() -> None:
    bank = EarBank(2)
    bank.hear(np.array([0]), np.zeros((1, 30), np.int16))
    with pytest.raises(ValueError, match="alike modulo 20"):
        bank.hear(np.arange(2), np.zeros((2, 160), np.int16))


def test_fewer_samples_than_a_hop_wait_for_the_next() -> None:
    bank, calls = EarBank(1), np.zeros(1, np.intp)
    assert bank.hear(calls, np.zeros((1, 19), np.int16)).tonal.shape == (1, 0)
    hearings = bank.hear(calls, np.zeros((1, 22), np.int16))
    assert hearings.tonal.shape == (1, 2)
    assert hearings.first_end.tolist() == [20]
