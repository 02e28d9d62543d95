"""Pauses recordings and resumes them. The row stands before the platform is asked, so that no crash leaves one paused."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from tonevault.desk.platform import Platform, PlatformError, RecordedCall
from tonevault.desk.recordings import store
from tonevault.desk.recordings.model import GIVE_UP_AFTER, Pause, PauseState, retry_after
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import AccountId, CallId, SessionId
from tonevault.plumbing.log import get_logger
from tonevault.plumbing.sql import Database

GRACE: Final = timedelta(seconds=30)
"""How long after a session's own expiry its recording resumes even if nobody reports the session's end."""
ASKING: Final = timedelta(seconds=5)
"""Longer than the platform takes to answer: a resume never overtakes its own pause."""
BATCH: Final = 50
"""Pauses resumed in one sweep."""

_log = get_logger("desk.recordings")


class RecordingService:
    """One pause a session."""

    def __init__(self, database: Database, platform: Platform, clock: Clock) -> None:
        self._database = database
        self._platform = platform
        self._clock = clock
        self._wake = asyncio.Event()

    async def pause(
        self, account_id: AccountId, call_id: CallId, session_id: SessionId, expires_at: datetime
    ) -> PauseState | None:
        """Pause before the first field opens. None where nothing is recorded; `failed` where the platform did not confirm."""
        if not self._platform.records:
            return None
        now = self._clock.utc()
        resume_by = expires_at + GRACE
        known = await self._database.read(lambda c: store.find(c, account_id, session_id))
        if known is not None and known.state is not PauseState.PAUSING:
            return known.state
        pause = known or Pause(account_id, session_id, call_id, PauseState.PAUSING, now, resume_by, 0)
        if known is None:
            await self._database.transact(lambda c: store.add(c, pause, now + ASKING))
        try:
            await self._platform.pause_recording(_call(pause))
        except PlatformError as error:
            _log.warning("recording_not_paused", session=session_id, why=str(error))
            state = PauseState.FAILED
        else:
            state = PauseState.PAUSED
        await self._database.transact(lambda c: store.set_state(c, pause, state))
        return state

    def wake(self) -> None:
        """A session is over: resume at once rather than with the next sweep."""
        self._wake.set()

    async def woken(self, timeout_s: float) -> None:
        """Returns when `wake` was called since the last time, or after `timeout_s` seconds."""
        # Not wait_for, which until Python 3.12 loses a cancellation that comes with the bell.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        self._wake.clear()

    async def resume_due(self) -> list[Pause]:
        """Resume every recording whose session is over, and answer which; those that the platform refuses are tried again."""
        due = await self._database.read(lambda c: store.to_resume(c, self._clock.utc(), BATCH))
        return [pause for pause in due if await self._resume(pause)]

    async def _resume(self, pause: Pause) -> bool:
        held = await self._database.read(
            lambda c: store.is_held_by_another(c, pause.account_id, pause.call_id, pause.session_id)
        )
        now = self._clock.utc()
        if not held:
            # Where the next session on the call holds the pause, this one is closed without a word, and that one resumes.
            try:
                await self._platform.resume_recording(_call(pause))
            except PlatformError as error:
                _log.warning("recording_not_resumed", session=pause.session_id, why=str(error))
                await self._put_off(pause)
                return False
        await self._database.transact(
            lambda c: store.set_state(c, pause, PauseState.RESUMED, resumed_at=now, tries=pause.tries + 1)
        )
        return True

    async def _put_off(self, pause: Pause) -> None:
        now = self._clock.utc()
        tries = pause.tries + 1
        state = PauseState.ABANDONED if now >= pause.paused_at + GIVE_UP_AFTER else pause.state
        if state is PauseState.ABANDONED:
            _log.error("recording_resume_abandoned", session=pause.session_id, tries=tries)
        await self._database.transact(
            lambda c: store.set_state(c, pause, state, try_at=now + retry_after(tries), tries=tries)
        )


def _call(pause: Pause) -> RecordedCall:
    return RecordedCall(pause.account_id, pause.call_id, pause.session_id, pause.resume_by)
