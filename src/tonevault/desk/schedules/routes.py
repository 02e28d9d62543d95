"""`/v1/schedules`: recurring charges."""

from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from tonevault.desk.paging import Page
from tonevault.desk.path_ids import SCHEDULE_ID
from tonevault.desk.payments.currencies import CurrenciesOf, taken_money
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import invalid
from tonevault.desk.schedules.model import RETRY_DAYS, Schedule, Unit
from tonevault.desk.schedules.policy import TimeZoneOf
from tonevault.desk.schedules.service import ScheduleDraft, ScheduleService
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body, CleanWords
from tonevault.desk.web.money import AmountMinor, Currency
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import SCHEDULE, AccountId, TokenId


class ScheduleCreate(Body):
    """Charge a token every so often: `unit: month, every: 3` is quarterly.

    `retry_days` says when a soft decline is tried again, in days after the try before; a hard one ends the schedule. Without
    `time_zone` that of the account counts.
    """

    token: Annotated[str, Field(pattern=r"^tok_[a-z]{28}$")]
    amount: AmountMinor
    currency: Currency
    unit: Unit
    every: Annotated[int, Field(strict=True, ge=1, le=366)] = 1
    description: CleanWords = ""
    starts_at: AwareDatetime | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    ends_at: AwareDatetime | None = None
    time_zone: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")] | None = None
    retry_days: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=1, le=60)], ...], Field(max_length=10)
    ] = RETRY_DAYS

    def draft(
        self, account_id: AccountId, time_zone_of: TimeZoneOf, currencies_of: CurrenciesOf
    ) -> ScheduleDraft:
        """As the service takes it."""
        zone = self.time_zone or time_zone_of(account_id)
        if zone not in available_timezones():
            raise invalid("time_zone", "iana", "is not a zone of the IANA list, such as Europe/London")
        return ScheduleDraft(
            token=TokenId(self.token),
            amount=taken_money(currencies_of, account_id, self.amount, self.currency),
            unit=self.unit,
            time_zone=ZoneInfo(zone).key,
            every=self.every,
            description=self.description,
            starts_at=self.starts_at,
            count=self.count,
            ends_at=self.ends_at,
            retry_days=self.retry_days,
        )


def schedule_routes(
    schedules: ScheduleService,
    door: Door,
    time_zone_of: TimeZoneOf,
    currencies_of: CurrenciesOf,
) -> APIRouter:
    """The routes of schedules."""
    router = APIRouter(prefix="/schedules", tags=["schedules"])

    @router.post("", status_code=201, response_model=Schedule)
    async def create_schedule(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        body: ScheduleCreate,
    ) -> Response:
        """Charge a token on a calendar. Every payment is a charge with this `schedule_id`, told by its own events."""
        account_id = command.account_id
        draft = body.draft(account_id, time_zone_of, currencies_of)
        return await command.made(
            lambda letters: schedules.create(account_id, f"{SCHEDULE}_{letters}", draft, command.actor)
        )

    @router.get("", response_model=Page[Schedule])
    async def list_schedules(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], page: Paged
    ) -> Response:
        """Schedules, newest first."""
        return answer(await schedules.page(principal.account_id, page))

    @router.get("/{schedule_id}", response_model=Schedule)
    async def get_schedule(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], schedule_id: str
    ) -> Response:
        """One schedule."""
        return answer(await schedules.get(principal.account_id, SCHEDULE_ID.read(schedule_id)))

    @router.post("/{schedule_id}/pause", response_model=Schedule)
    async def pause_schedule(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        schedule_id: str,
    ) -> Response:
        """Charge no more until it is resumed."""
        known = SCHEDULE_ID.read(schedule_id)
        return await command.done(lambda: schedules.pause(command.account_id, known, command.actor))

    @router.post("/{schedule_id}/resume", response_model=Schedule)
    async def resume_schedule(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        schedule_id: str,
    ) -> Response:
        """On again; payments that fell into the pause are skipped, and count."""
        known = SCHEDULE_ID.read(schedule_id)
        return await command.done(lambda: schedules.resume(command.account_id, known, command.actor))

    @router.post("/{schedule_id}/cancel", response_model=Schedule)
    async def cancel_schedule(
        command: Annotated[Command, door.writer(Scope.CHARGES_WRITE)],
        schedule_id: str,
    ) -> Response:
        """End it for good."""
        known = SCHEDULE_ID.read(schedule_id)
        return await command.done(lambda: schedules.cancel(command.account_id, known, command.actor))

    return router
