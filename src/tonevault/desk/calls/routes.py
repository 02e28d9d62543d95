"""`/v1/calls`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from tonevault.desk.calls.model import PhoneCall
from tonevault.desk.calls.service import CallService
from tonevault.desk.idempotency.header import Idempotency, Once
from tonevault.desk.paging import Page
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import not_found
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import CALL, CallId, is_id


class Hush(Body):
    """Whether the customer is muted towards the agent while a capture is open."""

    on: bool


def _id(text: str) -> CallId:
    if not is_id(text, CALL):
        raise not_found("call")
    return CallId(text)


def call_routes(calls: CallService, guard: Guard, idempotency: Idempotency) -> APIRouter:
    """The routes of calls."""
    router = APIRouter(prefix="/calls", tags=["calls"])

    @router.get("", response_model=Page[PhoneCall])
    async def list_calls(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CALLS_READ))],
        page: Paged,
        live: Annotated[
            bool | None, Query(description="true: only calls that are up; false: only ended ones.")
        ] = None,
    ) -> Response:
        """Calls through the edge, newest first, each with the customer who was matched to it."""
        return answer(await calls.page(principal.account_id, page, live=live))

    @router.get("/{call_id}", response_model=PhoneCall)
    async def get_call(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CALLS_READ))], call_id: str
    ) -> Response:
        """One call."""
        return answer(await calls.get(principal.account_id, _id(call_id)))

    @router.post("/{call_id}/hush", response_model=PhoneCall)
    async def hush_call(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CALLS_WRITE))],
        once: Annotated[Once, Depends(idempotency.welcome)],
        call_id: str,
        body: Hush,
    ) -> Response:
        """Mute the customer towards the agent during captures, or let both talk."""
        known = _id(call_id)
        return await once.answer(
            principal.account_id,
            lambda _: calls.set_hush(principal.account_id, known, principal.actor, on=body.on),
        )

    return router
