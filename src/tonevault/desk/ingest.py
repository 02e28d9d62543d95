"""Follows the secure zone's notices for as long as the desk runs: mirrors each, and mends what was missed after every silence."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, assert_never

from tonevault.boundary.notices import (
    CallChanged,
    CaptureChanged,
    ChargeChanged,
    Notice,
    OperationChanged,
    Ping,
    ReconciliationChanged,
    TokenChanged,
)
from tonevault.boundary.problems import SecureZoneError, SecureZoneUnreachableError
from tonevault.boundary.secure_zone import SecureZone
from tonevault.desk.calls.service import CallService
from tonevault.desk.events.model import EventType
from tonevault.desk.events.service import EventService
from tonevault.desk.link import SecureLink
from tonevault.desk.payments.charges import ChargeService
from tonevault.desk.payments.operations import OperationService
from tonevault.desk.payments.tokens import TokenService
from tonevault.desk.reconciliations.service import ReconciliationService
from tonevault.desk.sessions.mirror import SessionMirror
from tonevault.desk.sessions.reconcile import SessionReconciler
from tonevault.desk.silence import SilenceWatch
from tonevault.kernel.ids import Entropy
from tonevault.plumbing.log import get_logger

FIRST_WAIT_S: Final = 0.1
"""A secure zone that restarts is back within a second; the first try comes before anyone notices."""
LONGEST_WAIT_S: Final = 5.0
"""One that is down for longer is found back within this time of its return."""

_log = get_logger("desk.ingest")


class Ingest:
    """One task: `run` until cancelled."""

    def __init__(
        self,
        zone: SecureZone,
        link: SecureLink,
        *,
        calls: CallService,
        sessions: SessionMirror,
        reconciler: SessionReconciler,
        charges: ChargeService,
        operations: OperationService,
        tokens: TokenService,
        reconciliations: ReconciliationService,
        events: EventService,
        entropy: Entropy,
    ) -> None:
        self._zone = zone
        self._link = link
        self._silence = SilenceWatch(link)
        self._calls = calls
        self._sessions = sessions
        self._reconciler = reconciler
        self._charges = charges
        self._operations = operations
        self._tokens = tokens
        self._reconciliations = reconciliations
        self._events = events
        self._entropy = entropy

    async def run(self) -> None:
        """Connect, follow, and connect again after ever longer pauses."""
        wait = FIRST_WAIT_S
        while True:
            try:
                async with self._zone.notices() as notices:
                    wait = FIRST_WAIT_S
                    await self._follow(notices)
            except (SecureZoneUnreachableError, SecureZoneError) as error:
                if self._silence.is_news():
                    _log.warning("secure_zone_silent", fault=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - whatever went wrong with one notice, the next ones count
                _log.error("ingest_failed", fault=type(error).__name__)
            self._went_down()
            # Half of the pause is random, so that many desk nodes do not all return in the same instant.
            await asyncio.sleep(wait / 2 + wait / 2 * self._entropy(1000) / 1000)
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def take(self, notice: Notice) -> None:
        """Mirror one notice."""
        match notice:
            case CallChanged(call=call):
                await self._calls.mirror(call)
            case CaptureChanged(capture=capture):
                await self._sessions.take(capture)
            case ChargeChanged(charge=charge):
                await self._charges.take(charge)
            case OperationChanged(operation=operation):
                await self._operations.take(operation)
            case TokenChanged(token=token):
                await self._tokens.take(token)
            case ReconciliationChanged(reconciliation=reconciliation):
                await self._reconciliations.take(reconciliation)
            case Ping():
                pass
            case _:
                assert_never(notice)

    async def _follow(self, notices: AsyncIterator[Notice]) -> None:
        await self._mend()
        self._link.came_up()
        self._silence.heard()
        _log.info("secure_zone_up")
        self._events.tell_everybody(EventType.SECURE_ZONE_UP, {})
        async for notice in notices:
            await self.take(notice)

    async def _mend(self) -> None:
        """What happened while nobody listened. The stream is open by now, so nothing falls between the two."""
        known = await self._calls.live_everywhere()
        present = {call.call_id: call for call in await self._zone.calls()}
        for call in present.values():
            await self._calls.mirror(call)
        for account_id, record in known:
            if record.id not in present:
                await self._calls.lose(account_id, record.id)
        await self._reconciler.reconcile()
        await self._charges.ask_after_all()
        await self._operations.ask_after_all()

    def _went_down(self) -> None:
        if self._link.is_up:
            self._link.went_down()
            self._events.tell_everybody(EventType.SECURE_ZONE_DOWN, {})
