"""The desk's regular work: recordings to resume, charges to settle, sessions to give up, rows to forget. Every node does it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tonevault.desk.idempotency.service import IdempotencyService
from tonevault.desk.link import SecureLink
from tonevault.desk.payments.charges import ChargeService
from tonevault.desk.payments.operations import OperationService
from tonevault.desk.people.log_ins import LogInService
from tonevault.desk.recordings.service import RecordingService
from tonevault.desk.schedules.service import ScheduleService
from tonevault.desk.sessions.mirror import SessionMirror
from tonevault.desk.sessions.reconcile import SILENCE_S, SessionReconciler
from tonevault.desk.splits.service import SplitService
from tonevault.kernel.clock import Clock
from tonevault.plumbing.log import get_logger

TICK_S: Final = 1.0
"""A recording that nobody woke the sweep for is resumed within a second."""
OFTEN_S: Final = 2.0
RARELY_S: Final = 600.0

_log = get_logger("desk.sweep")


@dataclass(slots=True)
class _Task:
    """Something that is done every so often, and by itself: what fails does not stop the rest. Without `every_s`: whenever it is woken."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]
    due_at: float = 0.0


class Sweeper:
    """`run` until cancelled. `sweep` does all that is due once, one after the other."""

    def __init__(
        self,
        clock: Clock,
        link: SecureLink,
        *,
        recordings: RecordingService,
        sessions: SessionMirror,
        reconciler: SessionReconciler,
        charges: ChargeService,
        operations: OperationService,
        schedules: ScheduleService,
        splits: SplitService,
        idempotency: IdempotencyService,
        log_ins: LogInService,
    ) -> None:
        self._clock = clock
        self._link = link
        self._recordings = recordings
        self._sessions = sessions
        self._reconciler = reconciler
        self._tasks = (
            _Task("give_up_silent_sessions", OFTEN_S, self._give_up_silent),
            _Task("resume_recordings", 0.0, self._resume_recordings),
            _Task("give_up_unopened_sessions", OFTEN_S, self._give_up_unopened),
            _Task("settle_charges", OFTEN_S, charges.settle),
            _Task("settle_operations", OFTEN_S, operations.settle),
            _Task("step_schedules", OFTEN_S, schedules.sweep),
            _Task("step_splits", OFTEN_S, splits.sweep),
            _Task("forget_idempotency_keys", RARELY_S, idempotency.forget_old),
            _Task("forget_log_ins", RARELY_S, log_ins.forget_expired),
        )

    async def run(self) -> None:
        """Each task in its own time, recordings at once when a session has ended. One that waits for a gateway or a platform holds up
        no other: schedules that are due may take minutes, and a recording must not stay paused for them.
        """
        async with asyncio.TaskGroup() as side_by_side:
            for task in self._tasks:
                side_by_side.create_task(self._keep_doing(task))

    async def _keep_doing(self, task: _Task) -> None:
        while True:
            await self._do(task)
            if task.every_s:
                await asyncio.sleep(task.every_s)
            else:
                await self._recordings.woken(TICK_S)

    async def sweep(self) -> None:
        """Do all that is due."""
        for task in self._tasks:
            now = self._clock.monotonic()
            if now < task.due_at:
                continue
            task.due_at = now + task.every_s
            await self._do(task)

    @staticmethod
    async def _do(task: _Task) -> None:
        try:
            await task.work()
        except Exception as error:  # noqa: BLE001 - the other tasks, and the next sweep, must come
            _log.error("sweep_failed", task=task.name, fault=type(error).__name__)

    async def _resume_recordings(self) -> None:
        for pause in await self._recordings.resume_due():
            await self._sessions.tell(pause.account_id, pause.session_id)

    async def _give_up_silent(self) -> None:
        if self._link.silent_for() >= SILENCE_S:
            await self._reconciler.give_up_silent()

    async def _give_up_unopened(self) -> None:
        if self._link.is_up:
            await self._reconciler.give_up_unopened()
