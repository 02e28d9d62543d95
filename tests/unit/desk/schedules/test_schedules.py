"""Schedules over the API: charged when due, each payment once, paused, and stopped by a dead token."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.desk.bench import ACME, Bench, open_desk

from tonevault.boundary.charges import ChargeState, Initiator
from tonevault.boundary.tokens import TokenState
from tonevault.desk.payments.charges import ChargeAsked
from tonevault.desk.payments.model import Charge
from tonevault.kernel.ids import TokenId

DAY = 86_400


async def token(desk: Bench, client: httpx.AsyncClient) -> str:
    kept = (await desk.take_card(client))["token"]
    assert isinstance(kept, dict)
    return str(kept["id"])


async def create(client: httpx.AsyncClient, token_id: str, **more: object) -> httpx.Response:
    body = {"token": token_id, "amount": 900, "currency": "GBP", "unit": "day"} | more
    return await client.post("/v1/schedules", json=body, headers={"Idempotency-Key": f"s{len(more)}"})


async def pass_time(desk: Bench, seconds: float) -> None:
    desk.clock.advance(seconds)
    await desk.services.schedules.sweep()
    await desk.caught_up()


def test_it_charges_once_a_turn_and_finishes(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            made = await create(client, await token(desk, client), count=2)
            assert (made.status_code, made.json()["state"]) == (201, "active")
            for _ in range(3):
                await pass_time(desk, 1)
            assert len(desk.zone.ledger.charges) == 1
            await pass_time(desk, DAY)
            await pass_time(desk, DAY)
            charges = list(desk.zone.ledger.charges.values())
            assert [each.initiator for each in charges] == [Initiator.RECURRING] * 2
            found = (await client.get(f"/v1/schedules/{made.json()['id']}")).json()
            assert (found["state"], found["turn"]) == ("finished", 2)
            listed = (await client.get("/v1/charges")).json()["data"]
            assert {each["schedule_id"] for each in listed} == {made.json()["id"]}

    asyncio.run(play())


@pytest.mark.parametrize(
    ("starts_at", "rule"),
    [
        ("2026-03-01T12:00:00Z", "past"),
        ("0001-01-01T00:00:00+14:00", "past"),
        ("9999-12-31T23:59:59Z", "future"),
    ],
)
def test_a_start_far_off_is_refused_before_it_charges_many_times(
    tmp_path: Path, starts_at: str, rule: str
) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            refused = await create(client, await token(desk, client), unit="month", starts_at=starts_at)
            assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
            fault = refused.json()["errors"][0]
            assert (fault["field"], fault["rule"]) == ("starts_at", f"not_far_{rule}")
            for _ in range(3):
                await pass_time(desk, 31)
            assert not desk.zone.ledger.charges

    asyncio.run(play())


def test_a_start_earlier_in_the_present_turn_charges_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            made = await create(
                client, await token(desk, client), unit="month", starts_at="2027-02-10T00:00:00Z"
            )
            assert made.status_code == 201, made.text
            for _ in range(3):
                await pass_time(desk, 31)
            assert len(desk.zone.ledger.charges) == 1
            found = (await client.get(f"/v1/schedules/{made.json()['id']}")).json()
            assert (found["turn"], found["next_at"]) == (1, "2027-03-10T00:00:00Z")

    asyncio.run(play())


def test_a_soft_decline_is_tried_again_under_a_new_charge(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            await create(client, await token(desk, client), retry_days=[1], count=1)
            desk.zone.ledger.next_charge = (ChargeState.DECLINED, "insufficient_funds")
            await pass_time(desk, 1)
            await pass_time(desk, 60)
            assert len(desk.zone.ledger.charges) == 1
            desk.zone.ledger.next_charge = (ChargeState.SUCCEEDED, None)
            await pass_time(desk, DAY)
            states = [each.state for each in desk.zone.ledger.charges.values()]
            assert states == [ChargeState.DECLINED, ChargeState.SUCCEEDED]

    asyncio.run(play())


def test_an_unknown_charge_is_waited_for(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            made = (await create(client, await token(desk, client), count=1)).json()
            desk.zone.ledger.next_charge = (ChargeState.UNKNOWN, None)
            for _ in range(4):
                await pass_time(desk, DAY)
            assert len(desk.zone.ledger.charges) == 1
            (_, charge_id), _ = next(iter(desk.zone.ledger.charges.items()))
            desk.zone.settle(charge_id, ChargeState.SUCCEEDED)
            await desk.caught_up()
            await pass_time(desk, 60)
            assert (await client.get(f"/v1/schedules/{made['id']}")).json()["state"] == "finished"

    asyncio.run(play())


def test_a_dead_token_ends_it_and_a_replaced_one_leads_on(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept = await token(desk, client)
            made = (await create(client, kept)).json()
            await client.post(f"/v1/tokens/{kept}/revoke")
            await pass_time(desk, 1)
            found = (await client.get(f"/v1/schedules/{made['id']}")).json()
            assert (found["state"], found["reason"]) == ("failed", "token_not_chargeable")
            old, new = await token(desk, client), await token(desk, client)
            ledger = desk.zone.ledger
            if old == new:
                view = ledger.tokens[ACME, TokenId(old)]
                new = "tok_" + "n" * 28
                ledger.tokens[ACME, TokenId(new)] = view.model_copy(update={"token_id": new})
            second = (await create(client, old, count=5)).json()
            ledger.tokens[ACME, TokenId(old)] = ledger.tokens[ACME, TokenId(old)].model_copy(
                update={"state": TokenState.REPLACED, "replaced_by": new}
            )
            await pass_time(desk, 1)
            found = (await client.get(f"/v1/schedules/{second['id']}")).json()
            assert (found["state"], found["turn"], found["token"]) == ("active", 1, new)

    asyncio.run(play())


def test_one_that_waits_and_then_fails_holds_up_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            kept, other_is_done = await token(desk, client), asyncio.Event()
            first = (await create(client, kept, count=1)).json()["id"]
            desk.clock.advance(0.001)
            assert (await create(client, kept, count=1, amount=700)).status_code == 201
            real = desk.services.charges.create

            async def slow(*args: Any, asked: ChargeAsked, **more: Any) -> Charge:
                if asked.schedule_id == first:
                    await other_is_done.wait()
                    raise RuntimeError("4242424242424242")
                made = await real(*args, asked=asked, **more)
                other_is_done.set()
                return made

            desk.services.charges.create = slow  # type: ignore[method-assign]
            async with asyncio.timeout(20):
                await pass_time(desk, 1)
            charged = desk.zone.ledger.charges.values()
            assert [each.amount.amount_minor for each in charged] == [700]
            desk.services.charges.create = real  # type: ignore[method-assign]
            await pass_time(desk, 31)
            assert len(charged) == 2

    asyncio.run(play())
    said = capsys.readouterr()
    assert "RuntimeError" in said.out + said.err
    assert "4242424242424242" not in said.out + said.err


def test_pause_resume_cancel(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            made = (await create(client, await token(desk, client))).json()
            for verb, state in (("pause", "paused"), ("resume", "active"), ("cancel", "canceled")):
                headers = {"Idempotency-Key": verb}
                answer = await client.post(f"/v1/schedules/{made['id']}/{verb}", headers=headers)
                assert (answer.status_code, answer.json()["state"]) == (200, state)
            late = await client.post(
                f"/v1/schedules/{made['id']}/resume", headers={"Idempotency-Key": "late"}
            )
            assert (late.status_code, late.json()["code"]) == (409, "schedule_over")
            await pass_time(desk, DAY)
            assert not desk.zone.ledger.charges

    asyncio.run(play())


def test_a_death_between_two_steps_charges_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            await create(client, await token(desk, client), count=1)
            charge = desk.services.charges.create

            class Dead(BaseException):
                pass

            async def die(*args: object, **more: object) -> object:
                raise Dead

            desk.services.charges.create = die  # type: ignore[method-assign,assignment]
            with suppress(Dead):
                await desk.services.schedules.sweep()
            desk.services.charges.create = charge  # type: ignore[method-assign]
            await pass_time(desk, 60)
            await pass_time(desk, 60)
            assert len(desk.zone.ledger.charges) == 1

    asyncio.run(play())
