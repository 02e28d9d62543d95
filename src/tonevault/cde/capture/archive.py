"""Sessions that are over: the last ones in memory, all of them in the store. Writing never holds up a call."""

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Final

from tonevault.boundary.captures import CaptureState, CaptureView
from tonevault.cde.capture.ports import CaptureStore
from tonevault.kernel.ids import AccountId, ChargeId, SessionId
from tonevault.plumbing.log import get_logger

RECENT: Final = timedelta(minutes=15)
"""A desk that was away no longer than this learns of the ends that it missed when it listens again; an older end it asks for."""
MAX_RECENT: Final = 2_000
"""However many end in that time."""
SAVE_PAUSES_S: Final = (0.1, 1.0, 5.0)
"""A view that could not be written is tried again after these; a database that is away for longer is an outage, and is logged."""

log = get_logger(__name__)


class Archive:
    """Keeps views. A newer revision replaces an older one, never the reverse."""

    def __init__(self, store: CaptureStore) -> None:
        self._store = store
        self._recent: OrderedDict[SessionId, CaptureView] = OrderedDict()
        self._writing: set[asyncio.Task[None]] = set()

    def keep(self, view: CaptureView, charge_id: ChargeId | None) -> None:
        """A session is over: remember it at once, and write it down as soon as may be."""
        self._recent[view.session_id] = view
        self._recent.move_to_end(view.session_id)
        self._forget_old(view.updated_at)
        self.run(self._save(view, charge_id))

    def run(self, work: Coroutine[None, None, None]) -> None:
        """Do something of the archive's in the background; `close` waits for it."""
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def unknown_of(self, account: AccountId, charge_id: ChargeId) -> CaptureView | None:
        """The session in state `unknown` that waits for this charge."""
        for view in reversed(self._recent.values()):
            if view.charge and view.charge.charge_id == charge_id:
                # What the store says of one that is here may be older.
                return view if view.state is CaptureState.UNKNOWN else None
        return await self._store.unknown_of(account, charge_id)

    async def find(self, session_id: SessionId) -> CaptureView | None:
        """A session that is over. One that waits for its charge may have been settled by another node: the store knows."""
        kept = self._recent.get(session_id)
        if kept is not None and kept.state is not CaptureState.UNKNOWN:
            return kept
        stored = await self._store.find(session_id)
        return kept if stored is None or (kept is not None and stored.revision < kept.revision) else stored

    def recent(self, now: datetime) -> list[CaptureView]:
        """Sessions that ended lately, the oldest first."""
        return [view for view in self._recent.values() if view.updated_at > now - RECENT]

    async def close(self) -> None:
        """Wait until everything is written, or given up."""
        while self._writing:
            await asyncio.gather(*self._writing, return_exceptions=True)

    def _forget_old(self, now: datetime) -> None:
        """Older ones are asked for so seldom that the store may answer."""
        while self._recent:
            oldest = next(iter(self._recent.values()))
            if len(self._recent) <= MAX_RECENT and oldest.updated_at > now - RECENT:
                return
            del self._recent[oldest.session_id]

    async def _save(self, view: CaptureView, charge_id: ChargeId | None) -> None:
        for pause in (*SAVE_PAUSES_S, None):
            try:
                await self._store.save(view, charge_id)
            except Exception as error:  # noqa: BLE001 - whatever the database says, the call must not feel it
                log.error(  # noqa: TRY400 - a traceback could show a statement's values
                    "a capture's end could not be written",
                    session=view.session_id,
                    error=type(error).__name__,
                )
            else:
                return
            if pause is not None:
                await asyncio.sleep(pause)


async def _logged(work: Coroutine[None, None, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - background work has nobody else to tell
        log.error("background work of the capture failed", error=type(error).__name__)  # noqa: TRY400
