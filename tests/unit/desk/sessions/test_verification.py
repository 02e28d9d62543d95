"""A session that only takes the card, of an account that has cards checked: a charge of nothing, and no money."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.desk.bench import open_desk

from tonevault.boundary.charges import ChargeState
from tonevault.desk.sessions.policy import CapturePolicy


@pytest.mark.parametrize(
    ("comes_to", "state"), [(ChargeState.SUCCEEDED, "succeeded"), (ChargeState.DECLINED, "declined")]
)
def test_the_card_is_checked_for_no_money(tmp_path: Path, comes_to: ChargeState, state: str) -> None:
    async def play() -> None:
        policy = CapturePolicy(verifies_in="GBP")
        async with open_desk(tmp_path, policy_of=lambda _: policy) as desk, desk.client() as client:
            code = "lost_card" if comes_to is ChargeState.DECLINED else None
            desk.zone.ledger.next_charge = (comes_to, code)
            done = await desk.take_card(client)
            charge = done["charge"]
            assert isinstance(charge, dict)
            assert (done["state"], done["amount"]) == (state, 0)
            assert (charge["kind"], charge["amount"], charge["amount_captured"]) == ("verification", 0, 0)
            listed = (await client.get("/v1/charges")).json()["data"]
            assert [each["kind"] for each in listed] == ["verification"]

    asyncio.run(play())


def test_a_replaced_token_points_to_its_successor(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            old = (await desk.take_card(client))["token"]
            assert isinstance(old, dict)
            call = await desk.live_call()
            opened = await client.post(
                f"/v1/tokens/{old['id']}/replace",
                json={"call_id": call.call_id},
                headers={"Idempotency-Key": "replace"},
            )
            assert (opened.status_code, opened.json()["replaces"]) == (201, old["id"])
            session = opened.json()["id"]
            for name, keys in (
                ("card_number", "5555555555554444#"),
                ("expiry", "1230#"),
                ("security_code", "123#"),
            ):
                await client.post(f"/v1/sessions/{session}/fields/{name}/capture")
                desk.zone.press(call.call_id, keys)
            await desk.caught_up()
            done = (await client.post(f"/v1/sessions/{session}/complete")).json()
            body = {"token": old["id"], "amount": 5, "currency": "GBP"}
            refused = await client.post("/v1/charges", json=body, headers={"Idempotency-Key": "k"})
            assert (refused.status_code, refused.json()["code"]) == (409, "token_not_chargeable")
            assert refused.json()["replaced_by"] == done["token"]["id"]
            assert "successor" in refused.json()["detail"]

    asyncio.run(play())
