"""Captures, voids and refunds over the API: never more than was taken, each key once, silence is not failure."""

import asyncio
from pathlib import Path

import httpx
import pytest
from tests.unit.desk.bench import Bench, open_desk

from tonevault.boundary.operations import OperationState
from tonevault.boundary.problems import SecureZoneUnreachableError
from tonevault.desk.payments.sending import NOT_SENT, ON_ITS_WAY, SEND_FOR
from tonevault.kernel.ids import OperationId


async def charged(desk: Bench, client: httpx.AsyncClient, **body: object) -> str:
    done = await desk.take_card(client)
    kept = done["token"]
    assert isinstance(kept, dict)
    asked = {"token": kept["id"], "amount": 1000, "currency": "GBP"} | body
    answer = await client.post("/v1/charges", json=asked, headers={"Idempotency-Key": "charge"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def act(
    client: httpx.AsyncClient, charge: str, verb: str, key: str = "k", **body: object
) -> httpx.Response:
    path = f"/v1/charges/{charge}/{verb}"
    return await client.post(path, json=body or None, headers={"Idempotency-Key": key})


async def state(client: httpx.AsyncClient, charge: str) -> tuple[str, int, int]:
    found = (await client.get(f"/v1/charges/{charge}")).json()
    return found["state"], found["amount_captured"], found["amount_refunded"]


def test_a_held_charge_is_captured_in_part_and_refunded(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client, capture="manual")
            assert await state(client, charge) == ("authorised", 0, 0)
            done = await act(client, charge, "capture", amount=800)
            assert (done.status_code, done.json()["state"], done.json()["kind"]) == (
                201,
                "succeeded",
                "capture",
            )
            await desk.caught_up()
            assert await state(client, charge) == ("succeeded", 800, 0)
            refund = await act(client, charge, "refund", "r", amount=300, reason="late")
            await desk.caught_up()
            assert (refund.json()["amount"], refund.json()["reason"]) == (300, "late")
            assert await state(client, charge) == ("partially_refunded", 800, 300)
            assert (
                await act(client, charge, "refund", "r", amount=300, reason="late")
            ).content == refund.content
            listed = (await client.get("/v1/refunds", params={"charge_id": charge})).json()["data"]
            assert [each["id"] for each in listed] == [refund.json()["id"]]
            assert (await client.get(f"/v1/refunds/{refund.json()['id']}")).json()["state"] == "succeeded"
            both = (await client.get(f"/v1/charges/{charge}/operations")).json()["data"]
            assert {each["kind"] for each in both} == {"capture", "refund"}
            types = [each["type"] for each in (await client.get("/v1/events")).json()["data"]]
            assert {"charge.authorised", "charge.succeeded", "charge.refunded", "refund.succeeded"} <= set(
                types
            )

    asyncio.run(play())


def test_what_was_answered_as_done_can_be_read_at_once(tmp_path: Path) -> None:
    """The answer tells it, and so does the charge: not only once a notice has come."""

    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client, capture="manual")
            desk.zone._tell = lambda _: None  # type: ignore[method-assign,assignment]
            assert (await act(client, charge, "capture", amount=800)).json()["state"] == "succeeded"
            assert await state(client, charge) == ("succeeded", 800, 0)
            assert (await act(client, charge, "refund", "r", amount=300)).json()["state"] == "succeeded"
            assert await state(client, charge) == ("partially_refunded", 800, 300)

    asyncio.run(play())


def test_a_void_cancels(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client, capture="manual")
            assert (await act(client, charge, "void")).json()["state"] == "succeeded"
            await desk.caught_up()
            assert await state(client, charge) == ("canceled", 0, 0)

    asyncio.run(play())


def test_what_is_not_allowed_is_a_problem_with_a_field_and_leaves_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client)
            too_much = await act(client, charge, "refund", amount=1001)
            assert (too_much.status_code, too_much.json()["code"]) == (422, "amount_too_large")
            assert too_much.json()["errors"][0]["field"] == "amount"
            assert (await act(client, charge, "capture", "c")).json()["code"] == "not_capturable"
            assert (await client.get(f"/v1/charges/{charge}/operations")).json()["data"] == []
            # A refusal is not kept: the same key may be used for what is allowed.
            assert (await act(client, charge, "refund", amount=1000)).status_code == 422
            unknown = await act(client, "ch_" + "z" * 28, "refund", "z")
            assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")

    asyncio.run(play())


@pytest.mark.parametrize("arrives", [True, False])
def test_silence_leaves_it_pending_and_the_sweep_finishes_it(tmp_path: Path, arrives: bool) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client)
            operate = desk.zone.operate

            async def silent(request: object) -> object:
                if arrives:
                    await operate(request)  # type: ignore[arg-type]
                raise SecureZoneUnreachableError("lost")

            desk.zone.operate = silent  # type: ignore[method-assign,assignment]
            first = await act(client, charge, "refund")
            desk.zone.operate = operate  # type: ignore[method-assign]
            assert first.json()["state"] in ("pending", "succeeded")
            desk.clock.advance(30)
            await desk.services.operations.settle()
            await desk.caught_up()
            found = (await client.get(f"/v1/refunds/{first.json()['id']}")).json()
            assert found["state"] == "succeeded"
            assert await state(client, charge) == ("refunded", 1000, 1000)

    asyncio.run(play())


def test_what_could_not_be_sent_for_long_is_not_sent_any_more(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client)
            desk.zone.unreachable = True
            first = (await act(client, charge, "refund")).json()
            assert first["state"] == "pending"
            desk.clock.advance((SEND_FOR + ON_ITS_WAY).total_seconds() + 1)
            desk.zone.unreachable = False
            await desk.services.operations.settle()
            found = (await client.get(f"/v1/refunds/{first['id']}")).json()
            assert (found["state"], found["code"]) == ("failed", NOT_SENT)
            assert found["advice"]
            assert not desk.zone.ledger.operations

    asyncio.run(play())


def test_a_refund_that_was_accepted_and_is_refused_later_stays_to_be_found(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client)
            desk.zone.unreachable = True
            first = await act(client, charge, "refund", "first", amount=1000)
            assert (first.status_code, first.json()["state"]) == (201, "pending")
            desk.zone.unreachable = False
            await desk.caught_up()
            assert (await act(client, charge, "refund", "second", amount=1000)).status_code == 201
            desk.clock.advance(30)
            await desk.services.operations.settle()
            found = await client.get(f"/v1/refunds/{first.json()['id']}")
            assert found.status_code == 200
            assert (found.json()["state"], found.json()["code"]) == ("failed", "not_refundable")
            assert await state(client, charge) == ("refunded", 1000, 1000)
            types = [each["type"] for each in (await client.get("/v1/events")).json()["data"]]
            assert "refund.failed" in types

    asyncio.run(play())


def test_an_unknown_refund_is_told_when_it_is_settled(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            charge = await charged(desk, client)
            desk.zone.ledger.next_operation = (OperationState.UNKNOWN, None)
            first = (await act(client, charge, "refund")).json()
            assert (first["state"], "do not" in first["advice"]) == ("unknown", True)
            desk.zone.settle_operation(OperationId(first["id"]))
            await desk.caught_up()
            assert (await client.get(f"/v1/refunds/{first['id']}")).json()["state"] == "succeeded"
            assert await state(client, charge) == ("refunded", 1000, 1000)

    asyncio.run(play())
