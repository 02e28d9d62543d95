"""Customers over the API, and who is calling."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.desk.bench import BOLT, open_desk


def test_a_customer_is_made_changed_and_found(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            body = {"name": " Ann ", "phone": "020 7946 0000", "email": "ann@example.com", "reference": "C-7"}
            made = (await client.post("/v1/customers", json=body)).json()
            assert (made["name"], made["phone"], made["reference"]) == ("Ann", "+442079460000", "C-7")
            where = f"/v1/customers/{made['id']}"
            changed = (await client.patch(where, json={"email": None, "phone": "+1 415 555 0100"})).json()
            assert (changed["name"], changed["email"], changed["phone"]) == ("Ann", None, "+14155550100")
            assert (await client.get(where)).json() == changed
            for phone, count in (("+14155550100", 1), ("14155550100", 1), ("+442079460000", 0)):
                listed = (await client.get("/v1/customers", params={"phone": phone})).json()["data"]
                assert len(listed) == count
            types = [each["type"] for each in (await client.get("/v1/events")).json()["data"]]
            assert types[:1] + types[-1:] != []
            assert types.count("customer.updated") == 1

    asyncio.run(play())


def test_a_change_that_changes_nothing_tells_nobody(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            made = (await client.post("/v1/customers", json={"name": "Ann"})).json()
            same = (await client.patch(f"/v1/customers/{made['id']}", json={"name": "Ann"})).json()
            assert same == made
            empty = await client.patch(f"/v1/customers/{made['id']}", json={"name": None})
            assert (empty.status_code, empty.json()["errors"][0]["field"]) == (422, "name")

    asyncio.run(play())


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "Ann", "phone": "not a number"}, "phone"),
        ({"name": "Ann", "phone": "12"}, "phone"),
        ({"name": "Ann", "email": "ann"}, "email"),
        ({"name": "Ann", "reference": "x" * 65}, "reference"),
        ({"name": 7}, "name"),
        ({}, "name"),
        ([], "body"),
    ],
)
def test_what_is_wrong_with_a_customer_is_named(tmp_path: Path, body: object, field: str) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            answer = await client.post("/v1/customers", json=body)
            assert answer.status_code == 422
            assert [each["field"] for each in answer.json()["errors"]] == [field]

    asyncio.run(play())


def test_who_is_calling(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:

            async def customer(**body: str) -> str:
                return str((await client.post("/v1/customers", json=body)).json()["id"])

            async def caller(**ring: str | None) -> str | None:
                call = desk.zone.ring(account_id="acme", **ring)  # type: ignore[arg-type]
                await desk.caught_up()
                shown = (await client.get(f"/v1/calls/{call.call_id}")).json()["customer"]
                return None if shown is None else str(shown["id"])

            ann = await customer(name="Ann", phone="+441632960001")
            bob = await customer(name="Bob", reference="C-7")
            assert await caller(caller="+441632960001") == ann
            assert await caller(caller="01632960001") == ann
            assert await caller(caller="441632960001") == ann
            assert await caller(caller="+441632960009") is None
            assert await caller(caller=None) is None
            assert await caller(caller="+441632960001", customer_header="C-7") == bob
            assert await caller(caller="+441632960001", customer_header=bob) == bob
            assert await caller(caller="+441632960001", customer_header="nobody") == ann

    asyncio.run(play())


def test_a_caller_added_in_mid_call_is_matched_at_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            assert (await client.get(f"/v1/calls/{call.call_id}")).json()["customer"] is None
            made = (await client.post("/v1/customers", json={"name": "Ann", "phone": call.caller})).json()
            assert (await client.get(f"/v1/calls/{call.call_id}")).json()["customer"]["id"] == made["id"]
            session_id = await desk.open_session(client, call)
            session = (await client.get(f"/v1/sessions/{session_id}")).json()
            assert session["customer_id"] == made["id"]

    asyncio.run(play())


def test_without_a_country_code_a_number_must_be_whole(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client(account=BOLT) as client:
            refused = await client.post("/v1/customers", json={"name": "Ann", "phone": "020 7946 0000"})
            assert refused.json()["errors"][0]["rule"] == "e164"

    asyncio.run(play())


def test_pages_hold_every_customer_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            for number in range(7):
                await client.post("/v1/customers", json={"name": f"Customer {number}"})
                desk.clock.advance(number % 2)
            seen, cursor = [], None
            while True:
                params = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
                page = (await client.get("/v1/customers", params=params)).json()
                seen += [each["id"] for each in page["data"]]
                await client.post("/v1/customers", json={"name": "Latecomer"})
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert len(seen) == len(set(seen)) == 7

    asyncio.run(play())
