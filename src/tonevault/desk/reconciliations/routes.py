"""`/v1/reconciliations`: our books beside the gateway's own list."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel

from tonevault.desk.paging import Page
from tonevault.desk.path_ids import RECONCILIATION_ID
from tonevault.desk.people.door import Command, Door
from tonevault.desk.people.model import Principal, Scope
from tonevault.desk.reconciliations.model import Reconciliation, ReconciliationDifference
from tonevault.desk.reconciliations.service import ReconciliationService
from tonevault.desk.web.answer import answer
from tonevault.desk.web.clean_text import Body
from tonevault.desk.web.paged import Paged
from tonevault.kernel.ids import RECONCILIATION

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


def reconciliation_routes(reconciliations: ReconciliationService, door: Door) -> APIRouter:
    """The routes of reconciliations."""
    router = APIRouter(prefix="/reconciliations", tags=["reconciliations"])

    @router.post("", status_code=201, response_model=Reconciliation)
    async def create_reconciliation(
        command: Annotated[Command, door.writer(Scope.REFUNDS_WRITE)],
        body: ReconciliationCreate,
    ) -> Response:
        """Compare a span now; every whole day (UTC) is compared by itself. The result comes as an event."""
        since, until = body.span()
        return await command.made(
            lambda letters: reconciliations.create(
                command.account_id, f"{RECONCILIATION}_{letters}", since, until, command.actor
            )
        )

    @router.get("", response_model=Page[Reconciliation])
    async def list_reconciliations(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], page: Paged
    ) -> Response:
        """Reconciliations, newest first."""
        return answer(await reconciliations.page(principal.account_id, page))

    @router.get("/{reconciliation_id}", response_model=Reconciliation)
    async def get_reconciliation(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)], reconciliation_id: str
    ) -> Response:
        """One reconciliation."""
        return answer(
            await reconciliations.get(principal.account_id, RECONCILIATION_ID.read(reconciliation_id))
        )

    @router.get("/{reconciliation_id}/differences", response_model=Differences)
    async def list_differences(
        principal: Annotated[Principal, door.reader(Scope.CHARGES_READ)],
        reconciliation_id: str,
        after: Annotated[int, Query(ge=0, le=MAX_NUMBER)] = 0,
    ) -> Response:
        """What differs: missing here, missing there, another amount, another state."""
        known = RECONCILIATION_ID.read(reconciliation_id)
        return answer(Differences(data=await reconciliations.differences(principal.account_id, known, after)))

    return router
