"""Gathers what one agent's panel shows from the desk's services, and follows the events that change it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from tonevault.boundary.captures import CaptureState
from tonevault.desk.calls.service import CallService
from tonevault.desk.events.model import Event, EventType
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import PageRequest
from tonevault.desk.panel.pages import render
from tonevault.desk.panel.stage import CallLine, Stage, line_of, stage_of
from tonevault.desk.refusal import Refusal
from tonevault.desk.sessions.model import NOT_OPENED, SessionDraft
from tonevault.desk.sessions.service import SessionService
from tonevault.kernel.ids import AccountId, CallId, SessionId

CALLS_SHOWN: Final = 50
"""More live calls of one account than anyone chooses from by eye."""
SESSIONS_SHOWN: Final = 10
PARTS: Final = ("zone", "calls", "stage")
"""The parts of the page that change."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at which call. One who may not act sees everything and is offered no button."""

    account_id: AccountId
    call_id: CallId | None
    may_act: bool


class PanelReader:
    """Everything the panel reads. `currency` is offered first."""

    def __init__(
        self,
        calls: CallService,
        sessions: SessionService,
        events: EventService,
        zone_is_up: Callable[[], bool],
        currency: Callable[[AccountId], str],
    ) -> None:
        self._calls = calls
        self._sessions = sessions
        self._events = events
        self._zone_is_up = zone_is_up
        self._currency = currency

    async def lines(self, viewer: Viewer) -> list[CallLine]:
        """The live calls, newest first."""
        page = await self._calls.page(viewer.account_id, PageRequest(CALLS_SHOWN), live=True)
        return [line_of(call) for call in page.data]

    async def stage(self, viewer: Viewer) -> Stage | None:
        """The chosen call, or None where none is chosen or there is no such call."""
        account_id, call_id = viewer.account_id, viewer.call_id
        if call_id is None:
            return None
        try:
            call = await self._calls.get(account_id, call_id)
        except Refusal:
            return None
        sessions = await self._sessions.page(account_id, PageRequest(SESSIONS_SHOWN), call_id=call_id)
        return stage_of(call, sessions.data, self._currency(account_id), may_act=viewer.may_act)

    async def unconfirmed(self, account_id: AccountId, draft: SessionDraft) -> SessionId | None:
        """The call's session whose opening the secure zone never confirmed: Start goes on with it, so that there are never two.

        Raises Refusal `session_in_progress` where that one asks for something else; it is to be canceled first.
        """
        newest = await self._sessions.page(account_id, PageRequest(1), call_id=draft.call_id)
        for session in newest.data:
            if session.state is not CaptureState.OPEN or session.revision != NOT_OPENED:
                continue
            asked = None if draft.amount is None else (draft.amount.amount_minor, draft.amount.currency)
            known = None if session.amount is None else (session.amount, session.currency)
            if (asked, draft.reference) == (known, session.reference):
                return session.id
            raise Refusal(409, "session_in_progress", "A session is being opened on this call.")
        return None

    async def values(self, viewer: Viewer) -> dict[str, object]:
        """What the whole page needs."""
        return {
            "calls": await self.lines(viewer),
            "stage": await self.stage(viewer),
            "zone_up": self._zone_is_up(),
            "call_id": viewer.call_id or "",
        }

    async def changes(self, viewer: Viewer) -> AsyncIterator[tuple[str, str] | None]:
        """(name, HTML) of each part that changes; None for silence. Begins with all parts: what was missed is made good."""
        shown: dict[str, str] = {}
        async for event in self._events.follow(viewer.account_id):
            if event is None and shown:
                yield None
            # The first silence comes once every change is followed: parts read before it could stay old for good. In a
            # later one all is looked at again, for what changes without an event.
            for part in PARTS if event is None else _touched(event, viewer.call_id):
                html = await self._part(part, viewer)
                if shown.get(part) != html:
                    shown[part] = html
                    yield part, html

    async def _part(self, part: str, viewer: Viewer) -> str:
        match part:
            case "calls":
                return render("calls.html", calls=await self.lines(viewer), call_id=viewer.call_id or "")
            case "zone":
                return render("zone.html", zone_up=self._zone_is_up())
            case _:
                return render("stage.html", stage=await self.stage(viewer))


def _touched(event: Event, call_id: CallId | None) -> tuple[str, ...]:
    """Which parts of a panel on this call an event changes."""
    kind = event.type.value
    if event.type in {EventType.SECURE_ZONE_UP, EventType.SECURE_ZONE_DOWN}:
        return PARTS
    if kind.startswith("call."):
        return ("calls", "stage") if event.data.get("id") == call_id else ("calls",)
    if kind.startswith("session."):
        return ("stage",) if event.data.get("call_id") == call_id else ()
    if kind.startswith("customer."):
        return ("calls", "stage")
    # A charge names its session and a token nothing: whether either is on this call, only reading it tells.
    return ("stage",) if call_id is not None else ()
