"""`/v1/events`: the list of durable events, and the live stream as server-sent events (WHATWG HTML section 9.2)."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse

from tonevault.desk.events.model import Event
from tonevault.desk.events.service import EventService
from tonevault.desk.json_text import to_plain
from tonevault.desk.paging import Page
from tonevault.desk.path_ids import EVENT_ID
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.web.answer import answer
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import EVENT, EventId, is_id

STREAM_LIFETIME_S: Final = 900.0
"""After this the client connects again and is asked who it is: a revoked key or an ended log-in listens no longer."""
RETRY_MS: Final = 1000
"""What an EventSource waits before it connects again."""


def sse(event: Event | None) -> str:
    """One frame; a comment for silence, so that proxies keep the connection. Transient events have no id to resume from."""
    if event is None:
        return ": still here\n\n"
    number = f"id: {event.id}\n" if event.id else ""
    return f"{number}event: {event.type}\ndata: {json.dumps(to_plain(event))}\n\n"


async def _frames(
    events: EventService, principal: Principal, last_seen: EventId | None
) -> AsyncIterator[str]:
    until = time.monotonic() + STREAM_LIFETIME_S
    yield f"retry: {RETRY_MS}\n\n"
    async with aclosing(events.follow(principal.account_id, last_seen)) as followed:
        async for event in followed:
            yield sse(event)
            if time.monotonic() >= until:
                return


def event_routes(events: EventService, guard: Guard) -> APIRouter:
    """The routes of events."""
    router = APIRouter(prefix="/events", tags=["events"])

    @router.get("", response_model=Page[Event])
    async def list_events(
        principal: Annotated[Principal, Depends(guard.needs(Scope.EVENTS_READ))], page: Paged
    ) -> Response:
        """Durable events, newest first."""
        return answer(await events.page(principal.account_id, page))

    @router.get("/stream", response_class=StreamingResponse)
    async def stream_events(
        principal: Annotated[Principal, Depends(guard.needs(Scope.EVENTS_READ))],
        last_event_id: Annotated[str | None, Header(max_length=64)] = None,
    ) -> StreamingResponse:
        """Server-sent events. Durable ones have an id: send the last one as `Last-Event-ID` to miss none.

        Transient ones (`session.updated` with each key, `call.updated`) have none and are not sent again.
        """
        last_seen = EventId(last_event_id) if last_event_id and is_id(last_event_id, EVENT) else None
        return StreamingResponse(
            _frames(events, principal, last_seen),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @router.get("/{event_id}", response_model=Event)
    async def get_event(
        principal: Annotated[Principal, Depends(guard.needs(Scope.EVENTS_READ))], event_id: str
    ) -> Response:
        """One durable event."""
        return answer(await events.get(principal.account_id, EVENT_ID.read(event_id)))

    return router
