"""Reconciliations over the API: asked for once a span, told when they are done, their differences in order with advice."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from tests.unit.desk.bench import ACME, BOLT, open_desk

from tonevault.boundary.notices import ReconciliationChanged
from tonevault.boundary.problems import SecureZoneError
from tonevault.boundary.reconciliations import (
    Difference,
    DifferenceKind,
    ReconciliationState,
    ReconciliationView,
)

SPAN = {"since": "2027-02-27T00:00:00Z", "until": "2027-02-28T00:00:00Z"}
AT = datetime(2027, 2, 27, 9, tzinfo=UTC)


def differences() -> list[Difference]:
    return [
        Difference(
            number=number,
            kind=kind,
            movement="payment",
            amount_here=100,
            amount_there=200,
            currency="GBP",
            at=AT,
        )
        for number, kind in enumerate(DifferenceKind, 1)
    ]


def test_a_span_is_compared_and_its_differences_read(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            desk.zone.ledger.next_differences = differences()
            made = await client.post("/v1/reconciliations", json=SPAN, headers={"Idempotency-Key": "k"})
            assert (made.status_code, made.json()["state"], made.json()["differing"]) == (201, "done", 4)
            path = f"/v1/reconciliations/{made.json()['id']}"
            found = (await client.get(f"{path}/differences")).json()["data"]
            assert [each["kind"] for each in found] == [each.value for each in DifferenceKind]
            assert all(each["advice"] for each in found)
            rest = (await client.get(f"{path}/differences", params={"after": 3})).json()["data"]
            assert [each["number"] for each in rest] == [4]
            assert (await client.get(path)).json() == made.json()
            assert (await client.get("/v1/reconciliations")).json()["data"] == [made.json()]
            types = [each["type"] for each in (await client.get("/v1/events")).json()["data"]]
            assert types.count("reconciliation.done") == 1

    asyncio.run(play())


def test_a_daily_one_comes_by_itself_and_is_told_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            view = ReconciliationView(
                reconciliation_id="rec_" + "d" * 28,
                account_id=ACME,
                gateway="simulator",
                since=AT,
                until=AT.replace(hour=10),
                state=ReconciliationState.FAILED,
                created_at=AT,
                updated_at=AT,
            )
            for _ in range(2):
                desk.zone._tell(ReconciliationChanged(reconciliation=view))
            await desk.caught_up()
            listed = (await client.get("/v1/reconciliations")).json()["data"]
            assert [each["state"] for each in listed] == ["failed"]
            types = [each["type"] for each in (await client.get("/v1/events")).json()["data"]]
            assert types.count("reconciliation.failed") == 1
            async with desk.client(account=BOLT) as bolt:
                assert (await bolt.get("/v1/reconciliations")).json()["data"] == []
                assert (await bolt.get(f"/v1/reconciliations/{view.reconciliation_id}")).status_code == 404

    asyncio.run(play())


def test_a_gateway_without_a_list_is_a_problem_document(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:

            async def refuse(request: object) -> ReconciliationView:
                raise SecureZoneError(409, "feature_not_supported", "account_id: its gateway has no list")

            desk.zone.reconcile = refuse  # type: ignore[method-assign]
            answer = await client.post("/v1/reconciliations", json=SPAN, headers={"Idempotency-Key": "k"})
            assert (answer.status_code, answer.json()["code"]) == (409, "feature_not_supported")
            assert (await client.get("/v1/reconciliations")).json()["data"] == []

    asyncio.run(play())
