"""`/v1/reconciliations`: our books beside the gateway's own list."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel

from tonevault.desk.idempotency.header import Idempotency, Once
from tonevault.desk.paging import Page
from tonevault.desk.people.guard import Guard
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.reconciliations.model import Reconciliation, ReconciliationDifference
from tonevault.desk.reconciliations.service import ReconciliationService
from tonevault.desk.refusal import not_found
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import RECONCILIATION, is_id

MAX_NUMBER = 9_999_999


class ReconciliationCreate(Body):
    """Compare what was made in `since` <= at < `until`, both with their zone."""

    since: AwareDatetime
    until: AwareDatetime

    def span(self) -> tuple[datetime, datetime]:
        """Both ends."""
        return self.since, self.until


class Differences(BaseModel):
    """A page of differences in order; ask again with the last `number` as `after` until none come."""

    data: list[ReconciliationDifference]


def _id(text: str) -> str:
    if not is_id(text, RECONCILIATION):
        raise not_found("reconciliation")
    return text


def reconciliation_routes(
    reconciliations: ReconciliationService, guard: Guard, idempotency: Idempotency
) -> APIRouter:
    """The routes of reconciliations."""
    router = APIRouter(prefix="/reconciliations", tags=["reconciliations"])

    @router.post("", status_code=201, response_model=Reconciliation)
    async def create_reconciliation(
        principal: Annotated[Principal, Depends(guard.needs(Scope.REFUNDS_WRITE))],
        once: Annotated[Once, Depends(idempotency.required)],
        body: ReconciliationCreate,
    ) -> Response:
        """Compare a span now; every whole day (UTC) is compared by itself. The result comes as an event."""
        since, until = body.span()
        return await once.answer(
            principal.account_id,
            lambda letters: reconciliations.create(
                principal.account_id, f"{RECONCILIATION}_{letters}", since, until, principal.actor
            ),
            201,
        )

    @router.get("", response_model=Page[Reconciliation])
    async def list_reconciliations(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CHARGES_READ))], page: Paged
    ) -> Response:
        """Reconciliations, newest first."""
        return answer(await reconciliations.page(principal.account_id, page))

    @router.get("/{reconciliation_id}", response_model=Reconciliation)
    async def get_reconciliation(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CHARGES_READ))], reconciliation_id: str
    ) -> Response:
        """One reconciliation."""
        return answer(await reconciliations.get(principal.account_id, _id(reconciliation_id)))

    @router.get("/{reconciliation_id}/differences", response_model=Differences)
    async def list_differences(
        principal: Annotated[Principal, Depends(guard.needs(Scope.CHARGES_READ))],
        reconciliation_id: str,
        after: Annotated[int, Query(ge=0, le=MAX_NUMBER)] = 0,
    ) -> Response:
        """What differs: missing here, missing there, another amount, another state."""
        known = _id(reconciliation_id)
        return answer(Differences(data=await reconciliations.differences(principal.account_id, known, after)))

    return router
