"""A schedule: its calendar and its next step. Pure; the same schedule and charge always lead to the same step."""

import calendar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from tonevault.boundary.charges import ChargeState
from tonevault.desk.payments.model import Charge, Decline
from tonevault.kernel.ids import ChargeId, CustomerId, TokenId

RETRY_DAYS: Final = (1, 3, 7)
"""When a soft decline is tried again, in days after the try before: once more the next day, then with growing patience."""
ASK_AGAIN: Final = timedelta(seconds=30)
"""How soon a charge that is under way is looked at again."""
MONTHS: Final = 12


class Unit(StrEnum):
    """What a schedule counts in."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class ScheduleState(StrEnum):
    """Only an active schedule charges. `finished` has done all it was made for; `failed` stopped by itself, for its `reason`."""

    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELED = "canceled"
    FAILED = "failed"


OVER: Final = frozenset({ScheduleState.FINISHED, ScheduleState.CANCELED, ScheduleState.FAILED})


@dataclass(frozen=True, slots=True)
class Schedule:
    """`turn` payments are over, of `count` if there is one; the next is due at `next_at`. `tries`: of the present payment.

    The calendar runs in `time_zone`, by the clock on the wall: a start on the 31st falls on the last day of shorter months.
    """

    id: str
    token: TokenId
    customer_id: CustomerId | None
    amount: int
    currency: str
    description: str
    unit: Unit
    every: int
    time_zone: str
    starts_at: datetime
    count: int | None
    ends_at: datetime | None
    retry_days: tuple[int, ...]
    state: ScheduleState
    reason: str | None
    turn: int
    tries: int
    charge_id: ChargeId | None
    next_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def occurrence(self, turn: int) -> datetime:
        """When payment number `turn` (from 0) is due, in UTC."""
        start = self.starts_at.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None)
        steps = turn * self.every
        match self.unit:
            case Unit.DAY:
                local = start + timedelta(days=steps)
            case Unit.WEEK:
                local = start + timedelta(weeks=steps)
            case Unit.MONTH:
                local = _months_later(start, steps)
            case _:
                local = _months_later(start, MONTHS * steps)
        return local.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)

    def is_over_at(self, turn: int) -> bool:
        """Whether there is no payment number `turn` any more."""
        if self.count is not None and turn >= self.count:
            return True
        return self.ends_at is not None and self.occurrence(turn) > self.ends_at

    def begun(self, charge_id: ChargeId, now: datetime) -> "Schedule":
        """A try is about to be made under this id."""
        return replace(
            self, charge_id=charge_id, tries=self.tries + 1, next_at=now + ASK_AGAIN, updated_at=now
        )

    def waiting(self, now: datetime) -> "Schedule":
        """The try is still under way."""
        return replace(self, next_at=now + ASK_AGAIN, updated_at=now)

    def advanced(self, now: datetime) -> "Schedule":
        """The payment is over: on to the next one, or the end."""
        turn = self.turn + 1
        moved = replace(self, turn=turn, tries=0, charge_id=None, updated_at=now)
        if moved.is_over_at(turn):
            return moved.ended(ScheduleState.FINISHED, None, now)
        return replace(moved, next_at=moved.occurrence(turn))

    def after(self, charge: Charge, now: datetime) -> "Schedule":
        """What becomes of it once its charge stands as it does: on, again later, or the end."""
        if not charge.is_settled:
            return self.waiting(now)
        if charge.state not in (ChargeState.DECLINED, ChargeState.FAILED, ChargeState.CANCELED):
            return self.advanced(now)
        hard = charge.decline is Decline.HARD or charge.code == "token_not_chargeable"
        if hard or self.tries > len(self.retry_days):
            return self.ended(ScheduleState.FAILED, charge.code or "declined", now)
        due = now + timedelta(days=self.retry_days[self.tries - 1])
        return replace(self, charge_id=None, next_at=due, reason=charge.code, updated_at=now)

    def ended(self, state: ScheduleState, reason: str | None, now: datetime) -> "Schedule":
        """It charges no more."""
        return replace(self, state=state, reason=reason, next_at=None, updated_at=now)

    def paused(self, now: datetime) -> "Schedule":
        """It waits for `resumed`; a charge that is under way is not stopped by it."""
        return replace(self, state=ScheduleState.PAUSED, next_at=None, updated_at=now)

    def resumed(self, now: datetime) -> "Schedule":
        """On again. Payments that fell into the pause are skipped, and count."""
        active = replace(self, state=ScheduleState.ACTIVE, updated_at=now)
        if active.charge_id is not None:
            return replace(active, next_at=now)
        turn = active.turn
        while not active.is_over_at(turn) and active.occurrence(turn) < now:
            turn += 1
        if active.is_over_at(turn):
            return replace(active, turn=turn).ended(ScheduleState.FINISHED, None, now)
        return replace(active, turn=turn, tries=0, next_at=active.occurrence(turn))


def _months_later(start: datetime, months: int) -> datetime:
    """Counted from the start itself, so that a 31st comes back after February."""
    index = start.year * MONTHS + start.month - 1 + months
    year, month = index // MONTHS, index % MONTHS + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))
