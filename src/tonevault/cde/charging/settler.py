"""Settles the unknown: sweeps the job table, looks attempts up at their gateway, and finds what a stopped process left behind."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tonevault.cde.charging import jobs, store
from tonevault.cde.charging.charge import StoredCharge, made_of
from tonevault.cde.charging.jobs import Job
from tonevault.cde.charging.model import Attempt, AttemptEvent, AttemptState, Fault
from tonevault.cde.charging.recorder import Recorder
from tonevault.cde.charging.settling import Settled, Wait, backoff_s, judge
from tonevault.cde.gateway import Gateway, GatewayAnswer, Kind, Made, Verdict
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

BATCH: Final = 20
"""Look-ups at once in one sweep: a gateway that was down for an hour must not be met by a flood."""
LOOK_UP_LIMIT_S: Final = 30.0
"""The longest that a look-up is waited for; half a job's lease."""

log = get_logger(__name__)


class Settler:
    """Looks up what fell silent, for every account with a gateway."""

    def __init__(
        self, database: Database, recorder: Recorder, gateways: Mapping[AccountId, Gateway], node: str
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._gateways = gateways
        self._node = node

    async def sweep(self, now: datetime) -> int:
        """Work off the settle jobs that are due, at most one batch; how many there were."""
        due = await self._database.transact(lambda c: jobs.claim(c, self._node, now, BATCH))
        for outcome in await asyncio.gather(*(self._settle(job, now) for job in due), return_exceptions=True):
            if isinstance(outcome, Exception):
                # The job's lease lapses and it is tried again; a message could repeat what a gateway sent.
                log.error("settling failed", error=type(outcome).__name__)
            elif isinstance(outcome, BaseException):
                raise outcome
        return len(due)

    async def recover(self, now: datetime) -> int:
        """At start: what this node had begun when it stopped either never left, or is unknown. How many there were."""
        await self._database.transact(lambda c: jobs.release(c, self._node))
        left = await self._database.read(lambda c: store.unanswered(c, self._node))
        for attempt in left:
            await self._lay_open(attempt, now)
        if left:
            log.warning("attempts without an answer were found at start", count=len(left))
        return len(left)

    async def _lay_open(self, attempt: Attempt, now: datetime) -> AttemptState:
        """An attempt that nobody waits for any more: fails if it never left, is unknown if it may have arrived."""
        moved = await self._recorder.record(attempt, AttemptEvent.FALL_SILENT, now)
        if moved.attempt.state is AttemptState.NEW:
            moved = await self._recorder.record(attempt, AttemptEvent.FAIL, now, fault=Fault.NOT_SENT)
        return moved.attempt.state

    async def _settle(self, job: Job, now: datetime) -> None:
        attempt = await self._database.read(lambda c: store.find_attempt(c, job.account_id, job.subject))
        if attempt is None or attempt.state.is_settled:
            await self._database.transact(lambda c: jobs.done(c, job.account_id, job.subject))
            return
        silent_since = attempt.silent_since
        if attempt.state is not AttemptState.UNKNOWN or silent_since is None:
            await self._lay_open(attempt, now)
            return
        gateway = self._gateways.get(attempt.account_id)
        if gateway is None or gateway.traits.name != attempt.gateway:
            log.error(
                "an unknown charge cannot be settled: its account no longer has the gateway it was sent to",
                account=attempt.account_id,
                gateway=attempt.gateway,
            )
            await self._wait(job, now, backoff_s(job.step + 1))
            return
        charge, paying = await self._belongings(attempt)
        calling_off = _calls_off(charge, attempt, now)
        verdict = judge(
            await _ask(gateway, made_of(charge, attempt, paying), call_off=calling_off),
            silent_s=(now - silent_since).total_seconds(),
            visibility_lag_s=gateway.traits.visibility_lag_s,
            step=job.step,
        )
        match verdict:
            case Settled(event, answer, fault):
                if calling_off and event is AttemptEvent.FAIL:
                    fault, answer = Fault.SESSION_EXPIRED, None
                await self._recorder.record(attempt, event, now, answer=answer, fault=fault)
            case Wait(seconds):
                if charge.call_off_at is not None and charge.call_off_at > now:
                    seconds = min(seconds, (charge.call_off_at - now).total_seconds())
                await self._wait(job, now, seconds)

    async def _belongings(self, attempt: Attempt) -> tuple[StoredCharge, Attempt | None]:
        """The charge of an attempt, and the attempt that it follows, if it does."""

        def read(connection: Connection) -> tuple[StoredCharge | None, Attempt | None]:
            charge = store.find_charge(connection, attempt.account_id, attempt.charge_id)
            if attempt.operation_id is None:
                return charge, None
            return charge, store.attempts_of(connection, attempt.account_id, attempt.charge_id)[0]

        charge, paying = await self._database.read(read)
        if charge is None:
            raise LookupError("a charge has left the database; restore it from a backup")
        return charge, paying

    async def _wait(self, job: Job, now: datetime, seconds: float) -> None:
        due = now + timedelta(seconds=seconds)
        await self._database.transact(
            lambda c: jobs.put_off(c, job.account_id, job.subject, due, job.step + 1)
        )


def _calls_off(charge: StoredCharge, attempt: Attempt, now: datetime) -> bool:
    """Whether the session of a payment is over: then nobody waits for it, and it must not be made any more (SPEC section 4)."""
    return attempt.kind is Kind.PAYMENT and charge.call_off_at is not None and charge.call_off_at <= now


async def _ask(gateway: Gateway, made: Made, *, call_off: bool) -> GatewayAnswer | None:
    try:
        async with asyncio.timeout(LOOK_UP_LIMIT_S):
            return await (gateway.cancel(made) if call_off else gateway.look_up(made))
    except Exception as error:  # noqa: BLE001 - whatever an adapter lets through, nothing is known by it
        log.error("a look-up failed", gateway=gateway.traits.name, error=type(error).__name__)  # noqa: TRY400
        return GatewayAnswer(Verdict.UNKNOWN)
