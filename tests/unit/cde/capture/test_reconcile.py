"""One press is one digit however often it arrives, and no press is lost that any complete account holds."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cde.capture.presses import KEYS, key, row_of, shown, told

from tonevault.cde.capture.press_row import MAX_HELD, MAX_HOLD_S, MAX_PENDING, SETTLED_S, PressRow
from tonevault.cde.capture.telling import INFO_LATE_S, MEDIA_LATE_S, REPORT_DELAY_S, Telling
from tonevault.cde.media import Carrier

EVENT, TONE, INFO = Carrier.EVENT, Carrier.TONE, Carrier.INFO
FASTEST_S = 0.08
"""ITU-T Q.24: 40 ms of tone and 40 ms of pause part two digits."""
SLOWEST_S = 12.0
EAR_S = 0.05
"""The detector is sure of a tone so long after its onset."""


def test_one_press_told_three_ways_is_one() -> None:
    assert row_of([told("4", EVENT, 1.0), told("4", TONE, 1.01, EAR_S), told("4", INFO, 1.9)]) == "4"


@pytest.mark.parametrize("gap", [FASTEST_S, 0.1, 0.3, 1.0, 3.0])
@pytest.mark.parametrize(
    "carriers", [(EVENT,), (TONE,), (INFO,), (EVENT, TONE), (EVENT, INFO), (TONE, INFO), (EVENT, TONE, INFO)]
)
def test_two_presses_of_one_key_are_two(gap: float, carriers: tuple[Carrier, ...]) -> None:
    late = {EVENT: 0.0, TONE: 0.02, INFO: 0.9}
    assert row_of([told("4", each, at + late[each]) for each in carriers for at in (1.0, 1.0 + gap)]) == "44"


def test_the_carrier_that_missed_one_of_44_takes_none_away() -> None:
    assert row_of([told("4", EVENT, 1.0), told("4", EVENT, 1.1), told("4", INFO, 1.6)]) == "44"
    assert row_of([told("4", EVENT, 1.1), told("4", INFO, 1.5), told("4", INFO, 1.6)]) == "44"


def test_a_late_carrier_fills_in_what_the_quick_one_missed() -> None:
    tellings = [told("1", EVENT, 1.0), told("3", EVENT, 1.4)]
    assert (
        row_of([*tellings, *(told(c, INFO, 1.8 + at) for c, at in (("1", 0), ("2", 0.2), ("3", 0.4)))])
        == "123"
    )


def test_two_carriers_that_each_missed_another_press() -> None:
    tellings = [told("1", EVENT, 1.0), told("3", EVENT, 1.6), told("4", EVENT, 1.9)]
    assert row_of([*tellings, told("1", INFO, 1.5), told("2", INFO, 1.8), told("4", INFO, 2.4)]) == "1234"


def test_the_same_key_long_after_is_another_press() -> None:
    assert row_of([told("4", EVENT, 1.0), told("4", TONE, 1.0 + MEDIA_LATE_S + 0.01)]) == "44"
    released = told("4", EVENT, 1.0, up_at=1.1)
    assert row_of([released, told("4", INFO, 1.1 + INFO_LATE_S - 0.01)]) == "4"
    assert row_of([released, told("4", INFO, 1.1 + INFO_LATE_S + 0.01)]) == "44"


@pytest.mark.parametrize("held", [0.3, 1.0, 2.5, MAX_HOLD_S])
def test_a_long_press_that_info_tells_of_at_its_release_is_one(held: float) -> None:
    # The INFO names how long the key was held, so that it is dated by the press and heard at the release.
    assert (
        row_of(
            [told("4", EVENT, 1.0), told("4", INFO, 1.2, held), told("2", EVENT, 8.0), told("2", INFO, 8.1)]
        )
        == "42"
    )


@pytest.mark.parametrize("claimed", [0.1, 0.25, 0.5, 2.0])
def test_a_duration_that_is_a_fixed_word_does_no_harm(claimed: float) -> None:
    # Sent at key-down with a duration that nobody measured, it is dated before the press.
    info = [told("4", INFO, 10.02 + at - claimed, claimed) for at in (0, 0.2)]
    assert row_of([told("4", EVENT, 10.0), told("4", EVENT, 10.2), *info]) == "44"
    assert row_of(info, opened_at=10.0) == "44"


def test_a_press_of_the_former_window_does_not_open_the_next() -> None:
    row = PressRow()
    row.open_window(0.0)
    row.tell(told("#", EVENT, 1.0))
    row.open_window(1.2)
    row.tell(told("#", INFO, 1.9))
    assert row.presses == []
    row.tell(told("#", INFO, 2.8))
    assert shown(row.presses) == "#"


def test_a_tone_that_began_before_the_window_is_not_in_it() -> None:
    row = PressRow()
    row.open_window(1.0)
    row.tell(told("4", TONE, 0.98, EAR_S))
    assert row.presses == []
    row.tell(told("4", TONE, 1.2, EAR_S))
    assert shown(row.presses) == "4"


def test_who_may_still_tell() -> None:
    row = PressRow()
    row.open_window(0.0)
    row.tell(told("1", EVENT, 1.0))
    assert row.awaited_until(row.presses[0]) == 1.0
    row.tell(told("1", INFO, 1.5))
    row.tell(told("2", EVENT, 2.0))
    assert row.awaited_until(row.presses[1]) == 2.0 + INFO_LATE_S + REPORT_DELAY_S


def test_a_flood_stays_bounded() -> None:
    row = PressRow()
    row.open_window(0.0)
    for step in range(100):
        for place, carrier in enumerate(Carrier):
            row.tell(told(KEYS[(step * (place + 3) + place) % 10], carrier, step / 100))
    assert len(row.presses) <= MAX_HELD + 3 * MAX_PENDING


def test_wiping_leaves_nothing() -> None:
    row = PressRow()
    row.open_window(0.0)
    row.tell(told("4", EVENT, 1.0))
    row.wipe()
    assert row.presses == []
    assert not any(row._pending.values())
    assert not row._row


@dataclass(frozen=True)
class Up:
    """A relay knows how long the key was down that a carrier told of last."""

    carrier: Carrier
    down_until: float
    told_at: float


@dataclass(frozen=True)
class Keying:
    """A row of presses and what each carrier made of it, in the order in which it was told; one of them missed nothing."""

    keys: str
    told: tuple[Telling | Up, ...]
    seed: tuple[object, ...]

    def tell_all(self, row: PressRow) -> Iterator[None]:
        """Tell a row of it, piece by piece."""
        for each in self.told:
            if isinstance(each, Up):
                row.held(each.carrier, each.down_until, each.told_at)
            else:
                row.tell(each)
            yield


@st.composite
def keyings(draw: st.DrawFn) -> Keying:
    keys = draw(st.text(KEYS[:10] + "4444", min_size=1, max_size=24))
    gaps = [draw(st.floats(FASTEST_S, draw(st.sampled_from((0.1, 0.5, SLOWEST_S))))) for _ in keys]
    starts = [10 + sum(gaps[:n]) for n in range(len(keys))]
    helds = [draw(st.floats(0, gap * 0.9 if draw(st.booleans()) else 0)) for gap in gaps]
    whole, *others = draw(st.permutations(list(Carrier)))
    told: list[Telling | Up] = []
    for carrier in (whole, *others[: draw(st.integers(0, 2))]):
        lost = set() if carrier is whole else draw(st.sets(st.integers(0, len(keys) - 1)))
        most = INFO_LATE_S - 0.01 if carrier is INFO else MEDIA_LATE_S
        low, high = sorted((draw(st.floats(0, most)), draw(st.floats(0, most))))
        at = onset = 0.0
        for place, (character, start) in enumerate(zip(keys, starts, strict=True)):
            if place in lost:
                continue
            # A carrier tells in order, though each telling may be late by an amount of its own.
            late = start + draw(st.floats(low, high))
            if carrier is INFO:
                # At the press or at its release. Some name how long the key was held, some nothing, some a fixed word.
                at = max(at + 1e-6, late + draw(st.sampled_from((0.0, helds[place]))))
                named = draw(st.sampled_from((max(at - late, 0.0), 0.0, 0.25)))
                told.append(Telling(key(character), INFO, at - named, at))
                continue
            onset = max(onset + 1e-6, late, at)
            at = onset + (EAR_S if carrier is TONE else 0.0)
            told.append(Telling(key(character), carrier, onset, at))
            up_at = max(onset, start + helds[place])
            at = max(at, up_at)
            told.append(Up(carrier, up_at, at))
    return Keying(keys, tuple(sorted(told, key=lambda each: each.told_at)), (keys, starts, helds, whole))


@settings(max_examples=200, deadline=None)
@given(keyings())
def test_any_presses_by_any_carriers_with_any_loss_are_the_presses_made(keying: Keying) -> None:
    """The promise: each press at least 80 ms after the last, one carrier that missed nothing, all others late and lossy as they like."""
    row = PressRow()
    row.open_window(0.0)
    counts = [0, *(len(row.presses) for _ in keying.tell_all(row))]
    assert shown(row.presses) == keying.keys, keying.seed
    assert counts == sorted(counts), "the number of dots never falls but by `*`"
    row.settle(keying.told[-1].told_at + SETTLED_S + 1)
    assert shown(row.presses) == keying.keys, "settling changes nothing"
    assert row.settled_at == float("inf")
