"""An address that does not match, over the API: which part, what is corrected, and one charge for each run."""

import asyncio
from pathlib import Path

import httpx
from tests.unit.desk.bench import Bench, open_desk

from tonevault.boundary.charges import ChargeState


async def mismatch(desk: Bench, client: httpx.AsyncClient) -> dict[str, object]:
    desk.zone.ledger.next_charge = (ChargeState.DECLINED, "postal_code_mismatch")
    billing = {"postal_code": "SW1A 1AA", "address_line": "1 Main Street"}
    done = await desk.take_card(client, amount=500, currency="GBP", billing=billing)
    desk.zone.ledger.next_charge = (ChargeState.SUCCEEDED, None)
    return done


async def retry(client: httpx.AsyncClient, session: str, key: str = "k", **body: object) -> httpx.Response:
    path = f"/v1/sessions/{session}/retry"
    return await client.post(path, json=body, headers={"Idempotency-Key": key})


def test_the_part_is_named_and_the_second_run_succeeds(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            first = await mismatch(desk, client)
            assert (first["state"], first["mismatch"], first["token"]) == ("open", ["postal_code"], None)
            charge = first["charge"]
            assert isinstance(charge, dict)
            assert (charge["state"], charge["code"]) == ("declined", "postal_code_mismatch")
            assert "Correct" in charge["advice"]
            second = await retry(client, str(first["id"]), postal_code="10001", without_security_code=True)
            assert second.status_code == 200, second.text
            done = second.json()
            assert (done["state"], done["mismatch"]) == ("succeeded", [])
            assert done["charge"]["id"] != charge["id"]
            same = await retry(client, str(first["id"]), postal_code="10001", without_security_code=True)
            assert same.content == second.content
            await desk.caught_up()
            charges = (await client.get("/v1/charges", params={"session_id": str(first["id"])})).json()[
                "data"
            ]
            assert sorted(each["state"] for each in charges) == ["declined", "succeeded"]
            types = [each["type"] for each in (await client.get("/v1/events")).json()["data"]]
            assert "session.correction_needed" in types

    asyncio.run(play())


def test_what_cannot_be_run_again_is_refused_and_leaves_the_first_charge(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            first = await mismatch(desk, client)
            refused = await retry(client, str(first["id"]), postal_code="10001")
            assert (refused.status_code, refused.json()["code"]) == (409, "fields_missing")
            session = (await client.get(f"/v1/sessions/{first['id']}")).json()
            charge = first["charge"]
            assert isinstance(charge, dict)
            assert session["charge"]["id"] == charge["id"]
            other = await desk.take_card(client, amount=5, currency="GBP")
            over = await retry(client, str(other["id"]), "two", postal_code="10001")
            assert (over.status_code, over.json()["code"]) == (409, "session_over")

    asyncio.run(play())
