"""The newest view of each session at work, in memory: a key becomes a dot without waiting for the database."""

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from tonevault.boundary.captures import CaptureView
from tonevault.desk.sessions.model import AT_WORK, Session, with_keys
from tonevault.kernel.ids import AccountId, SessionId

MAX_SESSIONS: Final = 10_000
"""More calls than one node carries; the oldest is dropped, and read from the database again."""


class News(Enum):
    """What a view is worth."""

    STALE = auto()
    KEYS = auto()
    CHANGE = auto()


@dataclass(slots=True)
class _Entry:
    account_id: AccountId
    saved: CaptureView
    session: Session


class LiveSessions:
    """Sessions as last saved, with the dots that came since."""

    def __init__(self) -> None:
        self._entries: OrderedDict[SessionId, _Entry] = OrderedDict()

    def judge(self, view: CaptureView) -> News:
        """Whether a view is old, adds only dots to what is saved, or must be saved."""
        entry = self._entries.get(view.session_id)
        if entry is None or entry.account_id != view.account_id or view.state not in AT_WORK:
            return News.CHANGE
        if view.revision <= entry.session.revision:
            return News.STALE
        return News.KEYS if _without_keys(view) == _without_keys(entry.saved) else News.CHANGE

    def add_keys(self, view: CaptureView) -> Session:
        """The session with the dots of a view that `judge` called KEYS."""
        entry = self._entries[view.session_id]
        entry.session = with_keys(entry.session, view)
        return entry.session

    def saved(self, account_id: AccountId, view: CaptureView | None, session: Session) -> None:
        """The session was written to the database as this view says; one that is over is forgotten here."""
        if view is None or session.state not in AT_WORK:
            self._entries.pop(session.id, None)
            return
        known = self._entries.get(session.id)
        if known is not None and known.session.revision > session.revision:
            return
        self._entries[session.id] = _Entry(account_id, view, session)
        self._entries.move_to_end(session.id)
        while len(self._entries) > MAX_SESSIONS:
            self._entries.popitem(last=False)

    def newer(self, session: Session) -> Session:
        """The session as read from the database, with dots that were not written there."""
        entry = self._entries.get(session.id)
        if entry is None or entry.session.revision <= session.revision or session.state not in AT_WORK:
            return session
        return entry.session

    def forget(self, session_id: SessionId) -> None:
        """Drop what is held of a session."""
        self._entries.pop(session_id, None)


def _without_keys(view: CaptureView) -> CaptureView:
    fields = tuple(each.model_copy(update={"dots": 0}) for each in view.fields)
    return view.model_copy(update={"fields": fields, "revision": 0, "updated_at": view.opened_at})
