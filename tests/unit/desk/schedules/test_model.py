"""The calendar of a schedule and its next step: month ends, summer time, dunning, and what ends it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tonevault.boundary.charges import ChargeState, CheckResult
from tonevault.desk.payments.model import Charge, Decline
from tonevault.desk.schedules.model import Schedule, ScheduleState, Unit
from tonevault.kernel.ids import ChargeId, TokenId

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
CHARGE = ChargeId("ch_" + "a" * 28)


def schedule(unit: Unit = Unit.MONTH, start: datetime = NOW, **more: object) -> Schedule:
    values: dict[str, object] = {
        "id": "sch_" + "a" * 28,
        "token": TokenId("tok_" + "a" * 28),
        "customer_id": None,
        "amount": 900,
        "currency": "GBP",
        "description": "",
        "unit": unit,
        "every": 1,
        "time_zone": "Europe/London",
        "starts_at": start,
        "count": None,
        "ends_at": None,
        "retry_days": (1, 3),
        "state": ScheduleState.ACTIVE,
        "reason": None,
        "turn": 0,
        "tries": 1,
        "charge_id": CHARGE,
        "next_at": start,
        "created_at": start,
        "updated_at": start,
    }
    return Schedule(**(values | more))  # type: ignore[arg-type]


def charge(state: ChargeState, code: str | None = None, decline: Decline | None = None) -> Charge:
    none = CheckResult.NOT_GIVEN
    return Charge(
        CHARGE, None, None, None, 900, "GBP", "", state, code, None, None, none, none, none, NOW, NOW,
        decline=decline,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unit", "every", "start", "days"),
    [
        (Unit.MONTH, 1, (2027, 1, 31), ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        (Unit.MONTH, 1, (2028, 1, 30), ["2028-01-30", "2028-02-29", "2028-03-30", "2028-04-30"]),
        (Unit.MONTH, 3, (2027, 11, 30), ["2027-11-30", "2028-02-29", "2028-05-30", "2028-08-30"]),
        (Unit.YEAR, 1, (2028, 2, 29), ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28"]),
        (Unit.WEEK, 2, (2027, 3, 1), ["2027-03-01", "2027-03-15", "2027-03-29", "2027-04-12"]),
        (Unit.DAY, 1, (2027, 2, 27), ["2027-02-27", "2027-02-28", "2027-03-01", "2027-03-02"]),
    ],
)
def test_the_calendar(unit: Unit, every: int, start: tuple[int, int, int], days: list[str]) -> None:
    made = schedule(unit, datetime(*start, 12, tzinfo=UTC), every=every)
    assert [made.occurrence(turn).date().isoformat() for turn in range(4)] == days


def test_summer_time_keeps_the_clock_on_the_wall() -> None:
    made = schedule(Unit.MONTH, datetime(2027, 1, 15, 9, tzinfo=UTC))
    assert [made.occurrence(turn).hour for turn in range(6)] == [9, 9, 9, 8, 8, 8]


def test_a_time_that_the_clock_leaves_out_still_comes_once() -> None:
    made = schedule(Unit.DAY, datetime(2027, 3, 27, 1, 30, tzinfo=UTC))
    gaps = {made.occurrence(turn + 1) - made.occurrence(turn) for turn in range(3)}
    assert all(timedelta(hours=22) < gap < timedelta(hours=26) for gap in gaps)


@pytest.mark.parametrize("state", [ChargeState.SUCCEEDED, ChargeState.AUTHORISED, ChargeState.REFUNDED])
def test_a_payment_that_was_made_leads_on(state: ChargeState) -> None:
    after = schedule().after(charge(state), NOW)
    assert (after.turn, after.tries, after.charge_id) == (1, 0, None)
    assert after.next_at == datetime(2027, 4, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize("state", [ChargeState.PENDING, ChargeState.UNKNOWN])
def test_what_is_not_known_is_waited_for_and_never_charged_again(state: ChargeState) -> None:
    after = schedule().after(charge(state), NOW)
    assert (after.charge_id, after.tries, after.turn) == (CHARGE, 1, 0)


def test_a_soft_decline_is_tried_again_with_patience_and_then_given_up() -> None:
    soft = charge(ChargeState.DECLINED, "insufficient_funds", Decline.SOFT)
    first = schedule().after(soft, NOW)
    assert (first.state, first.charge_id) == (ScheduleState.ACTIVE, None)
    assert first.next_at == NOW + timedelta(days=1)
    second = first.begun(CHARGE, NOW).after(soft, NOW)
    assert second.next_at == NOW + timedelta(days=3)
    third = second.begun(CHARGE, NOW).after(soft, NOW)
    assert (third.state, third.reason, third.next_at) == (ScheduleState.FAILED, "insufficient_funds", None)


@pytest.mark.parametrize(
    "end",
    [
        charge(ChargeState.DECLINED, "stolen_card", Decline.HARD),
        charge(ChargeState.FAILED, "token_not_chargeable"),
    ],
)
def test_a_hard_decline_and_a_dead_token_end_it(end: Charge) -> None:
    after = schedule().after(end, NOW)
    assert (after.state, after.reason) == (ScheduleState.FAILED, end.code)


def test_it_finishes_by_count_and_by_date() -> None:
    good = charge(ChargeState.SUCCEEDED)
    assert schedule(count=1).after(good, NOW).state is ScheduleState.FINISHED
    assert schedule(ends_at=NOW + timedelta(days=5)).after(good, NOW).state is ScheduleState.FINISHED
    assert schedule(count=2).after(good, NOW).state is ScheduleState.ACTIVE


def test_a_pause_skips_what_falls_into_it() -> None:
    idle = replace(schedule(Unit.DAY), charge_id=None, tries=0)
    later = NOW + timedelta(days=3, hours=1)
    again = idle.paused(NOW).resumed(later)
    assert (again.turn, again.next_at) == (4, NOW + timedelta(days=4))
    over = replace(idle, count=3).paused(NOW).resumed(later)
    assert over.state is ScheduleState.FINISHED
