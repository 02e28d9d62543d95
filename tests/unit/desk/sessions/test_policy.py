"""What an account has configured is what its sessions ask for and accept."""

import asyncio
from pathlib import Path

from tests.unit.desk.bench import ACME, open_desk

from tonevault.boundary.captures import FieldName
from tonevault.desk.sessions.model import DEFAULT_FIELDS
from tonevault.desk.sessions.policy import CapturePolicy
from tonevault.kernel.card import Brand


def test_fields_and_brands_of_the_account(tmp_path: Path) -> None:
    async def play() -> None:
        with_postal_code = CapturePolicy((*DEFAULT_FIELDS, FieldName.POSTAL_CODE), (Brand.MASTERCARD,))
        async with (
            open_desk(tmp_path, policy_of={ACME: with_postal_code}.__getitem__) as desk,
            desk.client() as client,
        ):
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            desk.zone.press(call.call_id, "4242424242424242#")
            await desk.caught_up()
            fields = (await client.get(f"/v1/sessions/{session_id}")).json()["fields"]
            assert fields[0]["error"] == "card_type_not_accepted"
            assert fields[3]["name"] == "postal_code"

    asyncio.run(play())
