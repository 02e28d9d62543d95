"""One press told by several carriers is one press, and "44" is two."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.tone.press import LONGEST_HOLD_S, PressLedger

FOUR, FIVE = Key.from_event(4), Key.from_event(5)


def count(tellings: list[tuple[Key, Carrier, float]]) -> int:
    ledger = PressLedger()
    return sum(ledger.tell(key, carrier, now) for key, carrier, now in tellings)


def test_an_event_and_its_residue_are_one_press_in_either_order() -> None:
    assert count([(FOUR, Carrier.EVENT, 1.0), (FOUR, Carrier.TONE, 1.06)]) == 1
    assert count([(FOUR, Carrier.TONE, 1.0), (FOUR, Carrier.EVENT, 1.03)]) == 1


def test_double_four_told_twice_over_is_two() -> None:
    tone, event = Carrier.TONE, Carrier.EVENT
    assert count([(FOUR, tone, 1.0), (FOUR, event, 1.05), (FOUR, tone, 1.2), (FOUR, event, 1.25)]) == 2
    assert count([(FOUR, tone, 1.0), (FOUR, tone, 1.1), (FOUR, event, 1.15), (FOUR, event, 1.2)]) == 2


def test_double_four_on_one_carrier_is_two() -> None:
    assert count([(FOUR, Carrier.EVENT, 1.0), (FOUR, Carrier.EVENT, 1.08)]) == 2


def test_info_may_come_at_key_up() -> None:
    assert count([(FOUR, Carrier.TONE, 1.0), (FOUR, Carrier.INFO, 2.4)]) == 1
    assert count([(FOUR, Carrier.TONE, 1.0), (FOUR, Carrier.INFO, 1.0 + LONGEST_HOLD_S + 2.1)]) == 2


def test_info_at_the_release_of_a_long_hold_is_the_same_press() -> None:
    ledger = PressLedger()
    assert ledger.tell(FOUR, Carrier.EVENT, 1.0)
    for at in range(1, 9):
        ledger.still_down(Carrier.EVENT, float(at))
    assert not ledger.tell(FOUR, Carrier.INFO, 8.3)
    assert ledger.tell(FOUR, Carrier.INFO, 8.6)
    assert ledger.tell(FIVE, Carrier.TONE, 20.0)
    ledger.still_down(Carrier.TONE, 24.0)
    assert not ledger.tell(FIVE, Carrier.INFO, 24.5)


def test_a_tone_that_ended_is_not_waited_for() -> None:
    ledger = PressLedger()
    ledger.tell(FOUR, Carrier.TONE, 1.0)
    ledger.still_down(Carrier.TONE, 1.1)
    assert ledger.tell(FOUR, Carrier.INFO, 4.0)


def test_a_tone_that_goes_on_is_no_second_press() -> None:
    assert count([(FOUR, Carrier.TONE, 1.0), (FOUR, Carrier.TONE, 1.0), (FOUR, Carrier.TONE, 1.1)]) == 2
    assert count([(FOUR, Carrier.TONE, 1.0), (FIVE, Carrier.TONE, 1.0)]) == 2


def test_tellings_that_come_out_of_order_are_paired_by_what_they_tell() -> None:
    assert count([(FOUR, Carrier.INFO, 2.0), (FOUR, Carrier.EVENT, 0.5)]) == 1
    assert count([(FOUR, Carrier.EVENT, 2.0), (FOUR, Carrier.TONE, 1.7)]) == 1
    assert count([(FOUR, Carrier.EVENT, 2.0), (FOUR, Carrier.TONE, 1.0)]) == 2


def test_other_keys_are_other_presses() -> None:
    assert (
        count(
            [
                (FOUR, Carrier.TONE, 1.0),
                (FIVE, Carrier.EVENT, 1.0),
                (FOUR, Carrier.EVENT, 1.1),
                (FIVE, Carrier.TONE, 1.1),
            ]
        )
        == 2
    )


def test_residue_heard_for_some_presses_only_adds_none() -> None:
    tone, event = Carrier.TONE, Carrier.EVENT
    assert (
        count(
            [
                (FOUR, event, 1.0),
                (FOUR, tone, 1.25),
                (FOUR, event, 1.3),
                (FOUR, event, 1.6),
                (FOUR, tone, 1.62),
            ]
        )
        == 3
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0.08, 0.6), st.floats(-0.05, 0.07)), max_size=30))
def test_two_carriers_that_tell_all_count_as_one(presses: list[tuple[int, float, float]]) -> None:
    now, tellings = 0.0, []
    for event, pause, skew in presses:
        now += pause
        tellings += [
            (now, Key.from_event(event), Carrier.TONE),
            (now + skew, Key.from_event(event), Carrier.EVENT),
        ]
    tellings.sort(key=lambda telling: telling[0])
    assert count([(key, carrier, at) for at, key, carrier in tellings]) == len(presses)
