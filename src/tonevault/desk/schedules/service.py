"""Schedules at work: each step is written down before the charge it leads to, and every node may take it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.charges import Initiator
from tonevault.boundary.tokens import TokenState
from tonevault.desk.events.model import EventType, Numbered
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import Page, PageRequest
from tonevault.desk.payments.charges import ChargeAsked, ChargeService
from tonevault.desk.payments.model import CardToken
from tonevault.desk.payments.tokens import TokenService
from tonevault.desk.people.audit import AuditLog
from tonevault.desk.people.model import SYSTEM_ACTOR
from tonevault.desk.refusal import FieldFault, Refusal, invalid, not_found
from tonevault.desk.schedules import store
from tonevault.desk.schedules.model import OVER, RETRY_DAYS, Schedule, ScheduleState, Unit
from tonevault.desk.side_by_side import side_by_side
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import CHARGE, AccountId, ChargeId, Entropy, TokenId, make_id
from tonevault.kernel.money import Money
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

BATCH: Final = 50
"""Steps in one sweep; the next sweep takes the next ones."""
FARTHEST: Final = timedelta(days=3653)
"""Ten years: no card lives longer."""
MAX_SUCCESSORS: Final = 5
"""A token that was replaced is followed so far."""

_log = get_logger("desk.schedules")


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """What is asked for. Without `starts_at` the first payment is due now; without `count` and `ends_at` it goes on."""

    token: TokenId
    amount: Money
    unit: Unit
    time_zone: str
    every: int = 1
    description: str = ""
    starts_at: datetime | None = None
    count: int | None = None
    ends_at: datetime | None = None
    retry_days: tuple[int, ...] = RETRY_DAYS


class ScheduleService:
    """The schedules of every account."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        *,
        events: EventService,
        charges: ChargeService,
        tokens: TokenService,
        audit: AuditLog,
    ) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._events = events
        self._charges = charges
        self._tokens = tokens
        self._audit = audit

    async def create(
        self, account_id: AccountId, schedule_id: str, draft: ScheduleDraft, actor: str
    ) -> Schedule:
        """Make a schedule on an active multi-use token. Raises Refusal."""
        known = await self._find(account_id, schedule_id)
        if known is not None:
            return known
        token = await self._tokens.get_fresh(account_id, draft.token)
        if token.state is not TokenState.ACTIVE or token.expires_at is not None:
            raise _not_repeatable(token)
        now = self._clock.utc()
        starts_at = draft.starts_at or now
        if draft.ends_at is not None and draft.ends_at < starts_at:
            raise invalid("ends_at", "after_start", "must not be before starts_at")
        schedule = Schedule(
            id=schedule_id,
            token=draft.token,
            customer_id=token.customer_id,
            amount=draft.amount.amount_minor,
            currency=draft.amount.currency,
            description=draft.description,
            unit=draft.unit,
            every=draft.every,
            time_zone=draft.time_zone,
            starts_at=starts_at,
            count=draft.count,
            ends_at=draft.ends_at,
            retry_days=draft.retry_days,
            state=ScheduleState.ACTIVE,
            reason=None,
            turn=0,
            tries=0,
            charge_id=None,
            next_at=starts_at,
            created_at=now,
            updated_at=now,
        )
        _check_start(schedule, now)

        def add(connection: Connection) -> list[Numbered]:
            self._audit.append(connection, account_id, actor, "create_schedule", subject=schedule_id)
            store.add(connection, account_id, schedule)
            return [self._events.append(connection, account_id, EventType.SCHEDULE_CREATED, schedule)]

        self._events.publish(account_id, await self._database.transact(add))
        return schedule

    async def get(self, account_id: AccountId, schedule_id: str) -> Schedule:
        """One schedule."""
        found = await self._find(account_id, schedule_id)
        if found is None:
            raise not_found("schedule")
        return found

    async def page(self, account_id: AccountId, request: PageRequest) -> Page[Schedule]:
        """Schedules, newest first."""
        return await self._database.read(lambda c: store.page(c, account_id, request))

    async def pause(self, account_id: AccountId, schedule_id: str, actor: str) -> Schedule:
        """Charge no more until it is resumed. Harmless when repeated."""
        return await self._change(account_id, schedule_id, "pause_schedule", actor, Schedule.paused)

    async def resume(self, account_id: AccountId, schedule_id: str, actor: str) -> Schedule:
        """On again; payments that fell into the pause are skipped."""
        return await self._change(account_id, schedule_id, "resume_schedule", actor, Schedule.resumed)

    async def cancel(self, account_id: AccountId, schedule_id: str, actor: str) -> Schedule:
        """End it for good. A charge that is under way is not stopped by it."""
        known = await self.get(account_id, schedule_id)
        if known.state is ScheduleState.CANCELED:
            return known
        return await self._change(
            account_id,
            schedule_id,
            "cancel_schedule",
            actor,
            lambda schedule, now: schedule.ended(ScheduleState.CANCELED, None, now),
        )

    async def sweep(self) -> None:
        """Take every step that is due."""
        due = await self._database.read(lambda c: store.due(c, self._clock.utc(), BATCH))
        await side_by_side("step_schedules", [partial(self._try_step, *each) for each in due])

    async def _try_step(self, account_id: AccountId, schedule: Schedule) -> None:
        try:
            await self._step(account_id, schedule)
        except Refusal as refused:
            _log.warning("schedule_not_stepped", schedule=schedule.id, code=refused.code)

    async def _step(self, account_id: AccountId, schedule: Schedule) -> None:
        now = self._clock.utc()
        if schedule.charge_id is None:
            charge_id = ChargeId(make_id(CHARGE, epoch_ms(now), self._entropy))
            begun = schedule.begun(charge_id, now)
            if not await self._save(account_id, begun, schedule):
                return
            schedule = begun
        else:
            waiting = schedule.waiting(now)
            if not await self._save(account_id, waiting, schedule):
                return
            schedule = waiting
        await self._charge(account_id, schedule)

    async def _charge(self, account_id: AccountId, schedule: Schedule) -> None:
        """Ask for the charge under its id, again and again until it is settled: it is made once."""
        if schedule.charge_id is None:
            raise AssertionError("a step has its charge's id before it is taken")
        try:
            token = await self._successor(account_id, schedule.token)
            charge = await self._charges.create(
                account_id,
                schedule.charge_id,
                token,
                Money(schedule.amount, schedule.currency),
                asked=ChargeAsked(
                    schedule.description, initiator=Initiator.RECURRING, schedule_id=schedule.id
                ),
                actor=SYSTEM_ACTOR,
            )
        except Refusal as refused:
            if refused.status == HTTPStatus.SERVICE_UNAVAILABLE:
                return
            now = self._clock.utc()
            await self._save(account_id, schedule.ended(ScheduleState.FAILED, refused.code, now), schedule)
            return
        if charge.is_settled:
            after = replace(schedule, token=token).after(charge, self._clock.utc())
            await self._save(account_id, after, schedule)

    async def _successor(self, account_id: AccountId, token_id: TokenId) -> TokenId:
        """The token that stands for the card now: one that was replaced points to its successor."""
        for _ in range(MAX_SUCCESSORS):
            token = await self._tokens.get_fresh(account_id, token_id)
            if token.state is not TokenState.REPLACED or token.replaced_by is None:
                break
            token_id = token.replaced_by
        return token_id

    async def _change(
        self,
        account_id: AccountId,
        schedule_id: str,
        action: str,
        actor: str,
        change: Callable[[Schedule, datetime], Schedule],
    ) -> Schedule:
        def work(connection: Connection) -> tuple[Schedule | Refusal, list[Numbered]]:
            known = store.find(connection, account_id, schedule_id)
            if known is None:
                return not_found("schedule"), []
            if known.state in OVER:
                return _over(known), []
            changed = change(known, self._clock.utc())
            store.save(connection, account_id, changed, seen=known)
            self._audit.append(connection, account_id, actor, action, subject=schedule_id)
            return changed, self._told(connection, account_id, changed)

        changed, events = await self._database.transact(work)
        if isinstance(changed, Refusal):
            raise changed
        self._events.publish(account_id, events)
        return changed

    async def _save(self, account_id: AccountId, schedule: Schedule, seen: Schedule) -> bool:
        def work(connection: Connection) -> tuple[bool, list[Numbered]]:
            if not store.save(connection, account_id, schedule, seen=seen):
                return False, []
            quiet = schedule.state is seen.state and schedule.turn == seen.turn
            return True, [] if quiet else self._told(connection, account_id, schedule)

        saved, events = await self._database.transact(work)
        self._events.publish(account_id, events)
        return saved

    def _told(self, connection: Connection, account_id: AccountId, schedule: Schedule) -> list[Numbered]:
        kind = EventType.SCHEDULE_ENDED if schedule.state in OVER else EventType.SCHEDULE_UPDATED
        return [self._events.append(connection, account_id, kind, schedule)]

    async def _find(self, account_id: AccountId, schedule_id: str) -> Schedule | None:
        return await self._database.read(lambda c: store.find(c, account_id, schedule_id))


def _check_start(schedule: Schedule, now: datetime) -> None:
    """A mistaken year would charge every payment since then in one go; a far one is beyond the calendar."""
    if schedule.starts_at > now + FARTHEST:
        raise invalid("starts_at", "not_far_future", "must lie within ten years")
    if schedule.starts_at < now - FARTHEST or schedule.occurrence(1) <= now:
        raise invalid(
            "starts_at",
            "not_far_past",
            "lies so far back that more than one payment would be due at once; begin with the next one",
        )


def _not_repeatable(token: CardToken) -> Refusal:
    return Refusal(
        409,
        "token_not_chargeable",
        "token: must be active and for more than one use. Capture the card again for such a token.",
        errors=(FieldFault("token", "token_not_chargeable", "must be active and for more than one use"),),
        facts={"token_state": token.state},
    )


def _over(schedule: Schedule) -> Refusal:
    return Refusal(
        409,
        "schedule_over",
        "The schedule has ended and cannot be changed; make a new one.",
        facts={"schedule_state": schedule.state},
    )
