"""Gathers what one agent's panel shows from the desk's services, and follows the events that change it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

from tonevault.desk.calls.service import CallService
from tonevault.desk.events.model import Event, EventType
from tonevault.desk.events.service import EventService
from tonevault.desk.paging import PageRequest
from tonevault.desk.panel.pages import render
from tonevault.desk.panel.stage import CallLine, Stage, line_of, stage_of
from tonevault.desk.refusal import Refusal
from tonevault.desk.sessions.service import SessionService
from tonevault.kernel.ids import AccountId, CallId

CALLS_SHOWN: Final = 50
"""More live calls of one account than anyone chooses from by eye."""
SESSIONS_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Fragments:
    """The three parts of the page that change, as HTML."""

    calls: str
    zone: str
    stage: str


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

    async def lines(self, account_id: AccountId) -> list[CallLine]:
        """The live calls, newest first."""
        page = await self._calls.page(account_id, PageRequest(CALLS_SHOWN), live=True)
        return [line_of(call) for call in page.data]

    async def stage(self, account_id: AccountId, call_id: CallId | None) -> Stage | None:
        """The chosen call, or None where none is chosen or there is no such call."""
        if call_id is None:
            return None
        try:
            call = await self._calls.get(account_id, call_id)
        except Refusal:
            return None
        sessions = await self._sessions.page(account_id, PageRequest(SESSIONS_SHOWN), call_id=call_id)
        return stage_of(call, sessions.data, self._currency(account_id))

    async def values(self, account_id: AccountId, call_id: CallId | None) -> dict[str, object]:
        """What the whole page needs."""
        return {
            "calls": await self.lines(account_id),
            "stage": await self.stage(account_id, call_id),
            "zone_up": self._zone_is_up(),
            "call_id": call_id or "",
        }

    async def changes(
        self, account_id: AccountId, call_id: CallId | None
    ) -> AsyncIterator[tuple[str, str] | None]:
        """(name, HTML) of each part that an event changes; None for silence. Begins with all parts: what was missed is made good."""
        for part in ("calls", "zone", "stage"):
            yield part, await self._part(part, account_id, call_id)
        async for event in self._events.follow(account_id):
            if event is None:
                yield None
                continue
            for part in _touched(event, call_id):
                yield part, await self._part(part, account_id, call_id)

    async def _part(self, part: str, account_id: AccountId, call_id: CallId | None) -> str:
        match part:
            case "calls":
                return render("calls.html", calls=await self.lines(account_id), call_id=call_id or "")
            case "zone":
                return render("zone.html", zone_up=self._zone_is_up())
            case _:
                return render("stage.html", stage=await self.stage(account_id, call_id))


def _touched(event: Event, call_id: CallId | None) -> tuple[str, ...]:
    """Which parts of a panel on this call an event changes."""
    kind = event.type.value
    if event.type in {EventType.SECURE_ZONE_UP, EventType.SECURE_ZONE_DOWN}:
        return ("zone", "calls", "stage")
    if kind.startswith("call."):
        return ("calls", "stage") if event.data.get("id") == call_id else ("calls",)
    if kind.startswith("session."):
        return ("stage",) if event.data.get("call_id") == call_id else ()
    if kind.startswith("customer."):
        return ("calls", "stage")
    return ("stage",)
