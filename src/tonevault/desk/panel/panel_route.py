"""Routes whose refusals speak to an agent, where the API's speak to programs: problem documents still, and still without the input."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from tonevault.desk.panel.wording import INPUT_TITLES, REFUSALS
from tonevault.desk.refusal import FieldFault, Refusal
from tonevault.desk.web.problem import problem


def in_agents_words(refusal: Refusal) -> Refusal:
    """The same refusal with sentences to be shown as they are."""
    return Refusal(
        refusal.status,
        refusal.code,
        REFUSALS.get(refusal.code, refusal.detail),
        errors=tuple(_fault(each) for each in refusal.errors),
        retry_after_s=refusal.retry_after_s,
        facts=refusal.facts,
    )


class PanelRoute(APIRoute):
    """A route whose refusals are in an agent's words."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, with its refusals caught."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return problem(in_agents_words(refusal))

        return answer


def _fault(fault: FieldFault) -> FieldFault:
    title = INPUT_TITLES.get(fault.field)
    if title is None:
        return fault
    return FieldFault(fault.field, fault.rule, f"{title} {fault.detail.rstrip('.')}.")
