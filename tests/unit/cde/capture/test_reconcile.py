"""One press is one digit however often it arrives, and no press is lost that any complete account holds."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cde.capture.presses import KEYS, Report, report, shown

from tonevault.cde.capture.press_row import MAX_HELD, MAX_PENDING, SETTLED_S, PressRow
from tonevault.cde.capture.telling import INFO_LATE_S, MEDIA_LATE_S, REPORT_DELAY_S
from tonevault.cde.media import Carrier

EVENT, TONE, INFO = Carrier.EVENT, Carrier.TONE, Carrier.INFO
FASTEST_S = 0.08
"""ITU-T Q.24: 40 ms of tone and 40 ms of pause part two digits."""
SLOWEST_S = 4.0


def play(reports: list[Report], opened_at: float = 0.0) -> str:
    row = PressRow()
    row.open_window(opened_at)
    for each in sorted(reports, key=lambda each: each.at):
        row.tell(each.telling, each.at)
    return shown(row.presses)


def test_one_press_told_three_ways_is_one() -> None:
    assert play([report("4", EVENT, 1.0), report("4", TONE, 1.01, 0.05), report("4", INFO, 1.9)]) == "4"


@pytest.mark.parametrize("gap", [FASTEST_S, 0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize(
    "carriers", [(EVENT,), (TONE,), (INFO,), (EVENT, TONE), (EVENT, INFO), (EVENT, TONE, INFO)]
)
def test_two_presses_of_one_key_are_two(gap: float, carriers: tuple[Carrier, ...]) -> None:
    late = {EVENT: 0.0, TONE: 0.02, INFO: 0.9}
    told = [report("4", each, at + late[each]) for each in carriers for at in (1.0, 1.0 + gap)]
    assert play(told) == "44"


def test_the_carrier_that_missed_one_of_44_takes_none_away() -> None:
    assert play([report("4", EVENT, 1.0), report("4", EVENT, 1.1), report("4", INFO, 1.6)]) == "44"
    assert play([report("4", EVENT, 1.1), report("4", INFO, 1.5), report("4", INFO, 1.6)]) == "44"


def test_a_late_carrier_fills_in_what_the_quick_one_missed() -> None:
    told = [report("1", EVENT, 1.0), report("3", EVENT, 1.4)]
    told += [report(c, INFO, 1.8 + at) for c, at in (("1", 0), ("2", 0.2), ("3", 0.4))]
    assert play(told) == "123"


def test_two_carriers_that_each_missed_another_press() -> None:
    told = [report("1", EVENT, 1.0), report("3", EVENT, 1.6), report("4", EVENT, 1.9)]
    told += [report("1", INFO, 1.5), report("2", INFO, 1.8), report("4", INFO, 2.4)]
    assert play(told) == "1234"


def test_the_same_key_long_after_is_another_press() -> None:
    assert play([report("4", EVENT, 1.0), report("4", TONE, 1.0 + MEDIA_LATE_S + 0.01)]) == "44"
    assert play([report("4", EVENT, 1.0), report("4", INFO, 1.0 + INFO_LATE_S + 0.01)]) == "44"


def test_a_press_of_the_former_window_does_not_open_the_next() -> None:
    row = PressRow()
    row.open_window(0.0)
    row.tell(report("#", EVENT, 1.0).telling, 1.0)
    row.open_window(1.2)
    row.tell(report("#", INFO, 1.9).telling, 1.9)
    assert row.presses == []
    row.tell(report("#", INFO, 2.5).telling, 2.5)
    assert shown(row.presses) == "#"


def test_who_may_still_tell() -> None:
    row = PressRow()
    row.open_window(0.0)
    row.tell(report("1", EVENT, 1.0).telling, 1.0)
    assert row.awaited_until(row.presses[0]) == 1.0
    row.tell(report("1", INFO, 1.5).telling, 1.5)
    row.tell(report("2", EVENT, 2.0).telling, 2.0)
    assert row.awaited_until(row.presses[1]) >= 2.0 + INFO_LATE_S + REPORT_DELAY_S


def test_a_flood_stays_bounded() -> None:
    row = PressRow()
    row.open_window(0.0)
    for step in range(150):
        for place, carrier in enumerate(Carrier):
            row.tell(report(KEYS[(step * (place + 3) + place) % 10], carrier, step / 100).telling, step / 100)
    assert len(row.presses) <= MAX_HELD + 3 * MAX_PENDING


def test_wiping_leaves_nothing() -> None:
    row = PressRow()
    row.open_window(0.0)
    row.tell(report("4", EVENT, 1.0).telling, 1.0)
    row.wipe()
    assert row.presses == []
    assert not any(row._pending.values())
    assert not row._row


@dataclass(frozen=True)
class Keying:
    """A row of presses and what each carrier made of it; `whole` missed nothing."""

    keys: str
    reports: tuple[Report, ...]
    seed: tuple[object, ...]


@st.composite
def keyings(draw: st.DrawFn) -> Keying:
    keys = draw(st.text(KEYS[:10] + "4444", min_size=1, max_size=24))
    gaps = [draw(st.floats(FASTEST_S, draw(st.sampled_from((0.1, 0.5, SLOWEST_S))))) for _ in keys]
    starts = [10 + sum(gaps[:n]) for n in range(len(keys))]
    whole, *others = draw(st.permutations(list(Carrier)))
    others = others[: draw(st.integers(0, 2))]
    reports: list[Report] = []
    for carrier in (whole, *others):
        lost = set() if carrier is whole else draw(st.sets(st.integers(0, len(keys) - 1)))
        most = INFO_LATE_S if carrier is INFO else MEDIA_LATE_S
        low, high = sorted((draw(st.floats(0, most)), draw(st.floats(0, most))))
        last = 0.0
        for place, (character, start) in enumerate(zip(keys, starts, strict=True)):
            if place in lost:
                continue
            onset = start + draw(st.floats(low, high))
            delay = 0.05 if carrier is TONE else 0.0
            # A carrier tells in order, though each telling may be late by an amount of its own.
            at = max(last + 1e-6, onset + delay)
            last = at
            reports.append(Report(report(character, carrier, max(onset, at - delay - 1e-6)).telling, at))
    ordered = tuple(sorted(reports, key=lambda each: each.at))
    return Keying(keys, ordered, (keys, starts, whole))


@settings(max_examples=200, deadline=None)
@given(keyings())
def test_any_presses_by_any_carriers_with_any_loss_are_the_presses_made(keying: Keying) -> None:
    """The promise: each press at least 80 ms after the last, one carrier that missed nothing, all others late and lossy as they like."""
    row = PressRow()
    row.open_window(0.0)
    counts = [0]
    for each in keying.reports:
        row.tell(each.telling, each.at)
        counts.append(len(row.presses))
    assert shown(row.presses) == keying.keys, keying.seed
    assert counts == sorted(counts), "the number of dots never falls but by `*`"
    row.settle(keying.reports[-1].at + SETTLED_S + 1)
    assert shown(row.presses) == keying.keys, "settling changes nothing"
