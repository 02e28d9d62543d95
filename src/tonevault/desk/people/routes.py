"""`/v1/me`, `/v1/api_keys` and `/v1/audit_entries`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, Field

from tonevault.desk.path_ids import API_KEY_ID
from tonevault.desk.people.audit import AuditEntry
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import ApiKey, NewApiKey, Principal, Scope, Who
from tonevault.desk.people.service import PeopleService
from tonevault.desk.refusal import Refusal
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body, CleanName

MAX_ENTRIES = 200
"""Audit entries a page."""


class ApiKeyCreate(Body):
    """A new key. Give it no more scopes than its program needs."""

    name: CleanName
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: AwareDatetime | None = None


def people_routes(people: PeopleService, guard: Guard, door: Door) -> APIRouter:
    """The routes of people and keys."""
    router = APIRouter(tags=["people"])

    @router.get("/me", response_model=Who)
    async def get_me(principal: Annotated[Principal, Depends(guard.needs(None))]) -> Response:
        """Who asks, and what they may do."""
        return answer(principal.who())

    @router.post("/api_keys", status_code=201, response_model=NewApiKey)
    async def create_api_key(
        principal: Annotated[Principal, Depends(guard.needs(Scope.KEYS_WRITE))], body: ApiKeyCreate
    ) -> Response:
        """Make a key. Its `secret` is shown in this answer and never again, so this call takes no Idempotency-Key."""
        excess = set(body.scopes) - principal.scopes
        if excess:
            raise Refusal(
                403, "permission_denied", "scopes: a key cannot hold more than the one who makes it."
            )
        key, secret = await people.create_api_key(
            principal.account_id, body.name, body.scopes, principal.actor, body.expires_at
        )
        return answer(NewApiKey(key, secret.text), 201)

    @router.get("/api_keys", response_model=list[ApiKey])
    async def list_api_keys(
        principal: Annotated[Principal, Depends(guard.needs(Scope.KEYS_READ))],
    ) -> Response:
        """All keys, newest first, revoked ones too; without their secrets."""
        return answer(await people.api_keys(principal.account_id))

    @router.post("/api_keys/{key_id}/revoke", response_model=ApiKey)
    async def revoke_api_key(
        command: Annotated[Command, door.writer(Scope.KEYS_WRITE, key_required=False)], key_id: str
    ) -> Response:
        """Close a key for good."""
        known = API_KEY_ID.read(key_id)
        return await command.done(lambda: people.revoke_api_key(command.account_id, known, command.actor))

    @router.get("/audit_entries", response_model=list[AuditEntry])
    async def list_audit_entries(
        principal: Annotated[Principal, Depends(guard.needs(Scope.AUDIT_READ))],
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = MAX_ENTRIES,
    ) -> Response:
        """What was done, in order, from the entry after number `after`."""
        return answer(await people.audit_entries(principal.account_id, after, limit))

    return router
