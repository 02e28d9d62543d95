"""The sessions that are open or completing, one a call. Whatever changes one is told, timed, masked and archived here, in one place."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tonevault.boundary.captures import CaptureView
from tonevault.boundary.notices import CaptureChanged
from tonevault.cde.capture.archive import Archive
from tonevault.cde.capture.mask_keeper import MaskKeeper
from tonevault.cde.capture.model import LIVE, Moment
from tonevault.cde.capture.notice_board import NoticeBoard
from tonevault.cde.capture.ports import Timer, Timers
from tonevault.cde.capture.session import CaptureSession
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import CallId, SessionId
from tonevault.plumbing.log import get_logger

log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class LiveSession:
    """A session at work, with its timer and, once it was asked to complete, the task that does it."""

    session: CaptureSession
    timer: Timer | None = None
    completing: asyncio.Task[None] | None = None


class LiveSessions:
    """Finds sessions by id and by call. Every change goes through `changing`."""

    def __init__(
        self, board: NoticeBoard, archive: Archive, masks: MaskKeeper, timers: Timers, clock: Clock
    ) -> None:
        self._board = board
        self._archive = archive
        self._masks = masks
        self._timers = timers
        self._clock = clock
        self._by_id: dict[SessionId, LiveSession] = {}
        self._by_call: dict[CallId, LiveSession] = {}

    def now(self) -> Moment:
        """This instant."""
        return Moment(self._clock.monotonic(), self._clock.utc())

    def find(self, session_id: SessionId) -> LiveSession | None:
        """A session by its id."""
        return self._by_id.get(session_id)

    def on_call(self, call_id: CallId) -> LiveSession | None:
        """The session of a call."""
        return self._by_call.get(call_id)

    def all(self) -> list[LiveSession]:
        """Every live session, in the order of opening."""
        return list(self._by_id.values())

    def add(self, session: CaptureSession) -> LiveSession:
        """Take a new session in. The caller has seen to it that its call has none."""
        live = LiveSession(session)
        self._by_id[session.request.session_id] = live
        self._by_call[session.request.call_id] = live
        self._board.publish(CaptureChanged(capture=session.view()))
        self._set_timer(live)
        return live

    @contextmanager
    def changing(self, live: LiveSession) -> Iterator[Moment]:
        """Whatever the block does to the session is made known when it ends."""
        before = live.session.revision
        yield self.now()
        if live.session.revision != before:
            self._changed(live)
        self._set_timer(live)

    def _changed(self, live: LiveSession) -> None:
        session = live.session
        view = session.view()
        self._board.publish(CaptureChanged(capture=view))
        if not session.is_capturing:
            self._masks.close_soon(session.request.call_id)
        if session.state not in LIVE and self._by_id.pop(view.session_id, None) is not None:
            del self._by_call[session.request.call_id]
            self._retire(view, session)

    def _retire(self, view: CaptureView, session: CaptureSession) -> None:
        self._archive.keep(view, session.request.charge_id)
        log.info(
            "capture over",
            session=view.session_id,
            state=view.state.value,
            reason=view.reason.value if view.reason else None,
        )

    def _set_timer(self, live: LiveSession) -> None:
        if live.timer is not None:
            live.timer.cancel()
            live.timer = None
        deadline = live.session.deadline
        if deadline is not None:
            delay = max(0.0, deadline - self._clock.monotonic())
            live.timer = self._timers.call_later(delay, lambda: self._tick(live))

    def _tick(self, live: LiveSession) -> None:
        live.timer = None
        with self.changing(live) as now:
            live.session.tick(now)
