"""Daily reconciliation: asks each gateway for its own list and writes down every difference. Corrects nothing by itself."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.reconciliations import (
    Difference,
    ReconciliationRequest,
    ReconciliationState,
    ReconciliationView,
)
from tonevault.cde.charging import jobs, store
from tonevault.cde.charging import reconciliation_store as rows
from tonevault.cde.charging.comparison import Comparison, Span, compare
from tonevault.cde.charging.errors import ReconciliationNotFoundError
from tonevault.cde.charging.jobs import RECONCILE, Job
from tonevault.cde.gateway import Feature, Gateway, Listed
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import RECONCILIATION, AccountId, Entropy, make_id
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

DAY: Final = timedelta(days=1)
MARGIN: Final = timedelta(hours=1)
"""How far both lists reach beyond the span: the two sides' clocks and midnights differ."""
MISSED_DAYS: Final = 31
"""How far back days are made up for: as far as any gateway's list is sure to reach."""
RESTING: Final = timedelta(hours=2)
"""How long after a day's end it is compared: every gateway shows its payments by then, and the margin is over."""
LIST_LIMIT_S: Final = 300.0
LEASE: Final = timedelta(seconds=2 * LIST_LIMIT_S)
"""A list is read within half of it: whoever has not finished by then is dead."""
MAX_LINES: Final = 200_000
"""A day of a large merchant; past it a span is compared in parts, by hand."""
PAUSES_S: Final = (60.0, 600.0, 3600.0)
"""Between tries where the list cannot be read; after the last one the comparison has failed, and says so."""

log = get_logger(__name__)


class TooManyLinesError(Exception):
    """The gateway lists more in one span than is compared at once."""


class Reconciler:
    """Compares, for every account whose gateway has a list."""

    def __init__(
        self,
        database: Database,
        gateways: Mapping[AccountId, Gateway],
        clock: Clock,
        *,
        node: str,
        entropy: Entropy,
        tell: Callable[[ReconciliationView], None],
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._clock = clock
        self._node = node
        self._entropy = entropy
        self._tell = tell
        self._planned: dict[AccountId, datetime] = {}

    async def request(self, request: ReconciliationRequest) -> ReconciliationView:
        """Have a span compared; the same span is compared once. Raises SecureZoneError."""
        account = request.account_id
        gateway = self._gateways.get(account)
        if gateway is None or not gateway.traits.has(Feature.LIST):
            raise SecureZoneError(
                409, "feature_not_supported", "account_id: its gateway has no list to compare with"
            )
        if request.until > self._clock.utc():
            raise SecureZoneError(422, "until_in_the_future", "until: must not lie in the future")
        span = Span(request.since, request.until)
        return await self._write(account, request.reconciliation_id, span, gateway, again=True)

    async def find(self, account: AccountId, reconciliation_id: str) -> ReconciliationView:
        """How a comparison stands. Raises ReconciliationNotFoundError."""
        found = await self._database.read(lambda c: rows.find(c, account, reconciliation_id))
        if found is None:
            raise ReconciliationNotFoundError
        return found

    async def differences(self, account: AccountId, reconciliation_id: str, after: int) -> list[Difference]:
        """A page of what differs. Raises ReconciliationNotFoundError."""
        await self.find(account, reconciliation_id)
        return await self._database.read(lambda c: rows.differences(c, account, reconciliation_id, after))

    async def plan(self, now: datetime) -> None:
        """See to it that every account's whole days (UTC) are compared up to the last one; every node may say so, once is enough.

        Days on which no node was there are made up for.
        """
        end = (now - RESTING).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        for account, gateway in self._gateways.items():
            if gateway.traits.has(Feature.LIST) and self._planned.get(account) != end:
                for day in await self._days(account, end):
                    identity = make_id(RECONCILIATION, epoch_ms(now), self._entropy)
                    await self._write(account, identity, day, gateway)
                self._planned[account] = end

    async def _days(self, account: AccountId, end: datetime) -> list[Span]:
        """Every day since the last one that was written down; of an account that has none, the last alone."""
        last = await self._database.read(lambda c: rows.last_day(c, account, end))
        missed = 1 if last is None else min((end - last) // DAY, MISSED_DAYS)
        return [Span(end - (back + 1) * DAY, end - back * DAY) for back in reversed(range(missed))]

    async def sweep(self, now: datetime) -> int:
        """Make the comparisons that are due; how many there were."""
        due = await self._database.transact(
            lambda c: jobs.claim(c, self._node, now, 1, kind=RECONCILE, lease=LEASE)
        )
        for job in due:
            await self._work(job, now)
        return len(due)

    async def _write(
        self, account: AccountId, identity: str, span: Span, gateway: Gateway, *, again: bool = False
    ) -> ReconciliationView:
        """Have a span compared that was not yet; with `again`, one too whose comparison has failed."""
        now = self._clock.utc()
        wanted = ReconciliationView(
            reconciliation_id=identity,
            account_id=account,
            gateway=gateway.traits.name,
            since=span.since,
            until=span.until,
            state=ReconciliationState.PENDING,
            created_at=now,
            updated_at=now,
        )

        def write(connection: Connection) -> ReconciliationView:
            if rows.add(connection, wanted):
                jobs.add(connection, account, identity, now, RECONCILE)
            standing = rows.find(connection, account, identity) or rows.find_span(connection, account, span)
            if standing is None:
                return wanted
            if not again or standing.state is not ReconciliationState.FAILED:
                return standing
            jobs.add(connection, account, standing.reconciliation_id, now, RECONCILE)
            return rows.reopen(connection, standing, gateway.traits.name, now)

        return await self._database.transact(write)

    async def _work(self, job: Job, now: datetime) -> None:
        view = await self._database.read(lambda c: rows.find(c, job.account_id, job.subject))
        gateway = self._gateways.get(job.account_id)
        if view is None or view.state is not ReconciliationState.PENDING:
            await self._database.transact(lambda c: jobs.done(c, job.account_id, job.subject, RECONCILE))
            return
        try:
            if gateway is None or gateway.traits.name != view.gateway:
                raise LookupError("the account no longer has this gateway")  # noqa: TRY301 - one way to fail
            comparison = await self._compare(view, gateway)
        except Exception as error:  # noqa: BLE001 - whatever an adapter lets through, the span is not compared
            log.error("a reconciliation failed", account=job.account_id, error=type(error).__name__)  # noqa: TRY400
            await self._failed(job, view, now)
            return
        await self._finish(view, ReconciliationState.DONE, comparison, now)

    async def _compare(self, view: ReconciliationView, gateway: Gateway) -> Comparison:
        span = Span(view.since, view.until)
        since, until = span.since - MARGIN, span.until + MARGIN
        theirs: list[Listed] = []
        async with asyncio.timeout(LIST_LIMIT_S):
            async for line in gateway.listed(view.account_id, since, until):
                theirs.append(line)
                if len(theirs) > MAX_LINES:
                    raise TooManyLinesError
        ours = await self._database.read(
            lambda c: store.attempts_between(c, view.account_id, view.gateway, since, until)
        )
        return compare(ours, theirs, span)

    async def _failed(self, job: Job, view: ReconciliationView, now: datetime) -> None:
        if job.step < len(PAUSES_S):
            due = now + timedelta(seconds=PAUSES_S[job.step])
            await self._database.transact(
                lambda c: jobs.put_off(c, job.account_id, job.subject, due, job.step + 1, kind=RECONCILE)
            )
            return
        await self._finish(view, ReconciliationState.FAILED, Comparison(0, (), ()), now)

    async def _finish(
        self, view: ReconciliationView, state: ReconciliationState, found: Comparison, now: datetime
    ) -> None:
        def write(connection: Connection) -> ReconciliationView | None:
            for attempt in found.open_attempts:
                jobs.hasten(connection, attempt.account_id, attempt.attempt_id, now)
            jobs.done(connection, view.account_id, view.reconciliation_id, RECONCILE)
            return rows.finish(connection, view, state, found.differing, compared=found.compared, now=now)

        done = await self._database.transact(write)
        if done is not None:
            log.info(
                "reconciliation",
                account=done.account_id,
                state=done.state.value,
                compared=done.compared,
                differing=done.differing,
            )
            self._tell(done)
