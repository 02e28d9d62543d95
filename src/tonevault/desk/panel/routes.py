"""The panel's addresses: log-in, the page, its live stream, and one POST for each button. Refusals are problem documents."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import ValidationError

from tonevault.boundary.captures import FieldName
from tonevault.desk.calls.service import CallService
from tonevault.desk.panel.amount import read_amount
from tonevault.desk.panel.correction import CorrectionBody
from tonevault.desk.panel.pages import page
from tonevault.desk.panel.panel_route import PanelRoute
from tonevault.desk.panel.reader import PanelReader, Viewer
from tonevault.desk.path_ids import CALL_ID, SESSION_ID
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.refusal import invalid
from tonevault.desk.sessions.model import SessionDraft
from tonevault.desk.sessions.service import Correction, SessionService
from tonevault.desk.web.clean_text import Body, CleanWords
from tonevault.desk.web.validation import refusal_of
from tonevault.kernel.clock import Clock, epoch_ms
from tonevault.kernel.ids import (
    CALL,
    CHARGE,
    SESSION,
    AccountId,
    CallId,
    ChargeId,
    Entropy,
    SessionId,
    is_id,
    make_id,
)

STREAM_LIFETIME_S: Final = 900.0
"""After this the browser connects again and is asked who it is: an ended log-in watches no longer."""
RETRY_MS: Final = 500
PULSE: Final = ("pulse", ".")
"""Sent in silence. An event, not a comment: the page must notice when the line has died without a word."""
DONE: Final = 204
"""A button's answer has no body: what it changed comes by the stream, to every panel that shows the call."""


class StartForm(Body):
    """What the agent fills in before Start."""

    amount: CleanWords = ""
    currency: CleanWords = ""
    reference: CleanWords = ""


def panel_routes(
    *,
    reader: PanelReader,
    calls: CallService,
    sessions: SessionService,
    guard: Guard,
    fields_of: Callable[[AccountId], tuple[FieldName, ...]],
    clock: Clock,
    entropy: Entropy,
) -> APIRouter:
    """The routes behind a log-in. `fields_of` says which fields an account captures."""
    router = APIRouter(include_in_schema=False, route_class=PanelRoute)

    @router.get("/")
    async def root() -> Response:
        return RedirectResponse("/panel", 303)

    @router.get("/panel")
    async def show(request: Request, call: str = "") -> Response:
        principal = await guard.find(request)
        if principal is None or principal.user is None:
            return RedirectResponse("/login", 303)
        values = await reader.values(_viewer(principal, call))
        who = {
            "now": clock.utc().isoformat(),
            "csrf_token": principal.csrf_token,
            "user_name": principal.user.name,
            "role": principal.user.role.value,
        }
        return page("panel.html", {**values, **who})

    @router.get("/panel/stream")
    async def stream(request: Request, call: str = "") -> Response:
        principal = await guard.require(request, Scope.SESSIONS_READ)
        return StreamingResponse(
            _frames(reader, _viewer(principal, call)),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @router.post("/panel/calls/{call_id}/sessions")
    async def start(request: Request, call_id: str) -> Response:
        principal = await guard.require(request, Scope.SESSIONS_WRITE)
        form = await _start_form(request)
        draft = SessionDraft(
            call_id=CALL_ID.read(call_id),
            amount=read_amount(form.amount, form.currency),
            reference=form.reference,
            fields=fields_of(principal.account_id),
        )
        fresh = SessionId(make_id(SESSION, epoch_ms(clock.utc()), entropy))
        session_id = await reader.unconfirmed(principal.account_id, draft) or fresh
        await sessions.open(principal.account_id, session_id, draft, principal.actor)
        return Response(status_code=DONE)

    @router.post("/panel/sessions/{session_id}/open")
    async def open_again(request: Request, session_id: str) -> Response:
        principal = await guard.require(request, Scope.SESSIONS_WRITE)
        session = await sessions.get(principal.account_id, SESSION_ID.read(session_id))
        # The session's own intent stands in the database; of this draft only the call is looked at.
        draft = SessionDraft(call_id=session.call_id)
        await sessions.open(principal.account_id, session.id, draft, principal.actor)
        return Response(status_code=DONE)

    @router.post("/panel/calls/{call_id}/hush")
    async def hush(request: Request, call_id: str) -> Response:
        principal = await guard.require(request, Scope.CALLS_WRITE)
        # Read by hand, so that a stranger is turned away before anything of the request is looked at.
        on = _switch(request.query_params.get("on"))
        await calls.set_hush(principal.account_id, CALL_ID.read(call_id), principal.actor, on=on)
        return Response(status_code=DONE)

    @router.post("/panel/sessions/{session_id}/fields/{field}/capture")
    async def capture(request: Request, session_id: str, field: FieldName) -> Response:
        principal = await guard.require(request, Scope.SESSIONS_WRITE)
        await sessions.start_field(principal.account_id, SESSION_ID.read(session_id), field, principal.actor)
        return Response(status_code=DONE)

    @router.post("/panel/sessions/{session_id}/complete")
    async def complete(request: Request, session_id: str) -> Response:
        principal = await guard.require(request, Scope.SESSIONS_WRITE)
        await sessions.complete(principal.account_id, SESSION_ID.read(session_id), principal.actor)
        return Response(status_code=DONE)

    @router.post("/panel/sessions/{session_id}/retry")
    async def retry(request: Request, session_id: str) -> Response:
        principal = await guard.require(request, Scope.SESSIONS_WRITE)
        correction = await _correction(request)
        fresh = ChargeId(make_id(CHARGE, epoch_ms(clock.utc()), entropy))
        await sessions.retry(
            principal.account_id,
            SESSION_ID.read(session_id),
            correction,
            charge_id=fresh,
            actor=principal.actor,
        )
        return Response(status_code=DONE)

    @router.post("/panel/sessions/{session_id}/cancel")
    async def cancel(request: Request, session_id: str) -> Response:
        principal = await guard.require(request, Scope.SESSIONS_WRITE)
        await sessions.cancel(principal.account_id, SESSION_ID.read(session_id), principal.actor)
        return Response(status_code=DONE)

    return router


async def _start_form(request: Request) -> StartForm:
    try:
        return StartForm.model_validate(dict(await request.form()))
    except ValidationError as error:
        raise refusal_of(error.errors()) from None


async def _correction(request: Request) -> Correction:
    try:
        return CorrectionBody.model_validate(dict(await request.form())).correction()
    except ValidationError as error:
        raise refusal_of(error.errors()) from None


async def _frames(reader: PanelReader, viewer: Viewer) -> AsyncIterator[str]:
    until = time.monotonic() + STREAM_LIFETIME_S
    yield f"retry: {RETRY_MS}\n\n"
    async for change in reader.changes(viewer):
        yield _frame(*(change or PULSE))
        if time.monotonic() >= until:
            return


def _frame(name: str, html: str) -> str:
    lines = "".join(f"data: {line}\n" for line in html.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


def _viewer(principal: Principal, call: str) -> Viewer:
    call_id = CallId(call) if is_id(call, CALL) else None
    return Viewer(principal.account_id, call_id, may_act=principal.may(Scope.SESSIONS_WRITE))


def _switch(text: str | None) -> bool:
    if text not in ("true", "false"):
        raise invalid("on", "switch", "must be true or false")
    return text == "true"
