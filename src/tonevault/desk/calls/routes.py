"""`/v1/calls`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tonevault.desk.calls.model import PhoneCall
from tonevault.desk.calls.service import CallService
from tonevault.desk.paging import Page
from tonevault.desk.path_ids import CALL_ID
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body
from tonevault.desk.web.paged import Paged


class Hush(Body):
    """Whether the customer is muted towards the agent while a capture is open."""

    on: bool


def call_routes(calls: CallService, door: Door) -> APIRouter:
    """The routes of calls."""
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get("", response_model=Page[PhoneCall])
    async def list_calls(
        principal: Annotated[Principal, door.reader(Scope.CALLS_READ)],
        page: Paged,
        live: Annotated[
            bool | None, Query(description="true: only calls that are up; false: only ended ones.")
        ] = None,
    ) -> Response:
        """Calls through the edge, newest first, each with the customer who was matched to it."""
        return answer(await calls.page(principal.account_id, page, live=live))

    @router.get("/{call_id}", response_model=PhoneCall)
    async def get_call(
        principal: Annotated[Principal, door.reader(Scope.CALLS_READ)], call_id: str
    ) -> Response:
        """One call."""
        return answer(await calls.get(principal.account_id, CALL_ID.read(call_id)))

    @router.post("/{call_id}/hush", response_model=PhoneCall)
    async def hush_call(
        command: Annotated[Command, door.writer(Scope.CALLS_WRITE, key_required=False)],
        call_id: str,
        body: Hush,
    ) -> Response:
        """Mute the customer towards the agent during captures, or let both talk."""
        known = CALL_ID.read(call_id)
        return await command.done(
            lambda: calls.set_hush(command.account_id, known, command.actor, on=body.on)
        )

    return router
