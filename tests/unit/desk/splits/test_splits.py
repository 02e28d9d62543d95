"""One amount over several cards: all of it or none, and a report of what could not be undone."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.unit.desk.bench import ACME, Bench, open_desk

from tonevault.boundary.charges import ChargeRequest, ChargeResult, ChargeState, Taking
from tonevault.boundary.operations import OperationKind, OperationRequest, OperationResult, OperationState
from tonevault.boundary.problems import SecureZoneError
from tonevault.kernel.ids import TokenId


async def two_tokens(desk: Bench, client: httpx.AsyncClient) -> tuple[str, str]:
    kept = (await desk.take_card(client))["token"]
    assert isinstance(kept, dict)
    view = desk.zone.ledger.tokens[ACME, kept["id"]]
    other = TokenId("tok_" + "b" * 28)
    desk.zone.ledger.tokens[ACME, other] = view.model_copy(update={"token_id": other})
    return str(kept["id"]), other


async def split(client: httpx.AsyncClient, tokens: tuple[str, str]) -> httpx.Response:
    parts = [{"token": tokens[0], "amount": 300}, {"token": tokens[1], "amount": 700}]
    body = {"parts": parts, "currency": "GBP", "description": "Order"}
    return await client.post("/v1/splits", json=body, headers={"Idempotency-Key": "k"})


def answering(desk: Bench, answer: Callable[[ChargeRequest], tuple[ChargeState, str | None]]) -> None:
    charge = desk.zone.ledger.charge

    def chosen(request: ChargeRequest, now: object) -> ChargeResult:
        desk.zone.ledger.next_charge = answer(request)
        return charge(request, now)  # type: ignore[arg-type]

    desk.zone.ledger.charge = chosen  # type: ignore[method-assign]


def second_is_lost(desk: Bench, tokens: tuple[str, str]) -> None:
    """The second card was reported lost; the first is charged."""
    answering(
        desk,
        lambda request: (
            (ChargeState.DECLINED, "lost_card")
            if request.token_id == tokens[1]
            else (ChargeState.SUCCEEDED, None)
        ),
    )


async def settle(desk: Bench, seconds: float = 70) -> None:
    await desk.caught_up()
    desk.clock.advance(seconds)
    await desk.services.splits.sweep()
    await desk.caught_up()


def paid(desk: Bench) -> int:
    return sum(each.amount_captured - each.amount_refunded for each in desk.zone.ledger.charges.values())


def test_every_part_is_held_and_then_taken(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            made = await split(client, await two_tokens(desk, client))
            assert made.status_code == 201, made.text
            for _ in range(3):
                await settle(desk)
            found = (await client.get(f"/v1/splits/{made.json()['id']}")).json()
            assert (found["state"], found["amount"]) == ("succeeded", 1000)
            assert {each["state"] for each in found["parts"]} == {"succeeded"}
            assert paid(desk) == 1000
            assert {each.capture for each in desk.zone.ledger.charges.values()} == {Taking.MANUAL}

    asyncio.run(play())


def test_nothing_silent_is_answered_as_it_ends(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            tokens = await two_tokens(desk, client)
            desk.zone._tell = lambda _: None  # type: ignore[method-assign,assignment]
            made = (await split(client, tokens)).json()
            assert (made["state"], {each["state"] for each in made["parts"]}) == ("succeeded", {"succeeded"})
            assert paid(desk) == 1000

    asyncio.run(play())


@pytest.mark.parametrize("holds", [True, False])
def test_one_that_cannot_be_had_lets_the_others_go(tmp_path: Path, holds: bool) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            tokens = await two_tokens(desk, client)

            def answer(request: ChargeRequest) -> tuple[ChargeState, str | None]:
                if not holds and request.capture is Taking.MANUAL:
                    return ChargeState.FAILED, "feature_not_supported"
                if request.token_id == tokens[1]:
                    return ChargeState.DECLINED, "insufficient_funds"
                return ChargeState.SUCCEEDED, None

            answering(desk, answer)
            made = await split(client, tokens)
            for _ in range(4):
                await settle(desk)
            found = (await client.get(f"/v1/splits/{made.json()['id']}")).json()
            assert found["state"] == "failed"
            states = [each["state"] for each in found["parts"]]
            assert states == ["canceled" if holds else "refunded", "declined"]
            assert [each["unresolved"] for each in found["parts"]] == [False, False]
            assert found["parts"][1]["advice"]
            assert paid(desk) == 0

    asyncio.run(play())


def test_what_cannot_be_undone_is_reported(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            tokens = await two_tokens(desk, client)
            second_is_lost(desk, tokens)
            desk.zone.ledger.next_operation = (OperationState.DECLINED, "not_voidable")
            made = await split(client, tokens)
            for _ in range(4):
                await settle(desk)
            found = (await client.get(f"/v1/splits/{made.json()['id']}")).json()
            assert found["state"] == "failed"
            assert [each["unresolved"] for each in found["parts"]] == [True, False]
            kinds = [each.kind for each in desk.zone.ledger.operations.values()]
            assert kinds == [OperationKind.VOID]

    asyncio.run(play())


def test_what_the_gateway_cannot_undo_is_reported_and_not_tried_for_ever(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            tokens = await two_tokens(desk, client)
            second_is_lost(desk, tokens)
            asked = 0

            async def cannot(request: OperationRequest) -> OperationResult:
                nonlocal asked
                asked += 1
                raise SecureZoneError(409, "feature_not_supported", "charge_id: its gateway cannot do this")

            desk.zone.operate = cannot  # type: ignore[method-assign]
            made = await split(client, tokens)
            for _ in range(3):
                await settle(desk)
            found = (await client.get(f"/v1/splits/{made.json()['id']}")).json()
            assert (found["state"], asked) == ("failed", 1)
            assert [each["unresolved"] for each in found["parts"]] == [True, False]

    asyncio.run(play())


def test_a_silent_part_is_waited_for(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            tokens = await two_tokens(desk, client)
            answering(
                desk,
                lambda request: (
                    (ChargeState.UNKNOWN, None)
                    if request.token_id == tokens[1]
                    else (ChargeState.SUCCEEDED, None)
                ),
            )
            made = (await split(client, tokens)).json()
            await settle(desk)
            assert (await client.get(f"/v1/splits/{made['id']}")).json()["state"] == "pending"
            assert paid(desk) == 0
            silent = next(
                each for each in desk.zone.ledger.charges.values() if each.state is ChargeState.UNKNOWN
            )
            desk.zone.settle(silent.charge_id, ChargeState.AUTHORISED)
            for _ in range(3):
                await settle(desk)
            assert (await client.get(f"/v1/splits/{made['id']}")).json()["state"] == "succeeded"
            assert paid(desk) == 1000

    asyncio.run(play())


def test_nodes_that_sweep_at_once_charge_a_part_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            tokens = await two_tokens(desk, client)

            def answer(request: ChargeRequest) -> tuple[ChargeState, str | None]:
                if request.capture is Taking.AUTOMATIC:
                    return ChargeState.SUCCEEDED, None
                silent = request.token_id == tokens[1]
                return (
                    (ChargeState.UNKNOWN, None) if silent else (ChargeState.FAILED, "feature_not_supported")
                )

            answering(desk, answer)
            made = (await split(client, tokens)).json()
            silent = next(
                each for each in desk.zone.ledger.charges.values() if each.state is ChargeState.UNKNOWN
            )
            desk.zone.settle(silent.charge_id, ChargeState.FAILED, "feature_not_supported")
            await desk.caught_up()
            for _ in range(4):
                desk.clock.advance(70)
                await asyncio.gather(*(desk.services.splits.sweep() for _ in range(3)))
                await desk.caught_up()
            assert paid(desk) == 1000
            found = (await client.get(f"/v1/splits/{made['id']}")).json()
            assert found["state"] == "succeeded"
            charges = {each.charge_id for each in desk.zone.ledger.charges.values() if each.amount_captured}
            assert {each["charge_id"] for each in found["parts"]} == charges

    asyncio.run(play())
