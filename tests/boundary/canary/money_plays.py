"""What a merchant's program does with cards once they are kept: every movement of money, by hand, on a schedule and over several cards."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from tests.boundary.canary.accounts import CHECKING
from tests.boundary.canary.cards import AMEX, MASTERCARD, VISA, Canary
from tests.boundary.canary.desk_client import DeskClient, Json, until
from tests.boundary.canary.stage import CanaryStage
from tests.e2e.house import House
from tonevault.testing.softphone import KeyCarrier

CHECKED: Final = "checked"
"""The line of the account that has its cards verified."""
PATIENCE_S: Final = 60.0
"""Until other plays have had both cards keyed, on a machine that plays all of them at once."""


async def money_moves(desk: DeskClient) -> None:
    """All of it on tokens that other plays have made."""
    await move_money(desk, await token_of(desk, VISA), await token_of(desk, MASTERCARD))


async def move_money(desk: DeskClient, one: str, other: str) -> None:
    """On these two tokens."""
    await asyncio.gather(_follow_ups(desk, one), _schedule(desk, other), _split(desk, one, other))
    await _reconcile(desk)


async def _follow_ups(desk: DeskClient, token: str) -> None:
    """Held and captured in part, held and voided, charged and refunded in two parts; a hold of more than the card has."""
    held = await _charge(desk, token, capture="manual")
    await _operate(desk, held, "capture", {"amount": 800})
    await _operate(desk, await _charge(desk, token, capture="manual"), "void")
    taken = await _charge(desk, token)
    for amount in (300, 700):
        await _operate(desk, taken, "refund", {"amount": amount, "reason": "returned"})
    refused = await desk.ask("POST", f"/v1/charges/{taken}/refund", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_refundable")


async def _schedule(desk: DeskClient, token: str) -> None:
    """The desk's sweeper makes its charge, with nobody there."""
    body = {"token": token, "amount": 1100, "currency": "GBP", "unit": "month", "description": "Membership"}
    made = await desk.post("/v1/schedules", body)

    async def charged() -> Json | None:
        charges = (await desk.get("/v1/charges", limit="100"))["data"]
        mine = (one for one in charges if one["schedule_id"] == made["id"])
        return next((one for one in mine if one["state"] == "succeeded"), None)

    assert (await until("charge of the schedule", charged))["initiator"] == "recurring"
    assert (await desk.post(f"/v1/schedules/{made['id']}/cancel"))["state"] == "canceled"


async def _split(desk: DeskClient, *tokens: str) -> None:
    """One amount over two cards."""
    parts = [{"token": token, "amount": 600 + place} for place, token in enumerate(tokens)]
    made = await desk.post("/v1/splits", {"parts": parts, "currency": "GBP"})

    async def over() -> Json | None:
        shown = await desk.get(f"/v1/splits/{made['id']}")
        return None if shown["state"] == "pending" else shown

    assert (await until("end of the split", over))["state"] == "succeeded"


async def _reconcile(desk: DeskClient) -> None:
    """The last hour beside the simulator's own list."""
    now = datetime.now(UTC)
    made = await desk.post(
        "/v1/reconciliations", {"since": (now - timedelta(hours=1)).isoformat(), "until": now.isoformat()}
    )

    async def done() -> Json | None:
        shown = await desk.get(f"/v1/reconciliations/{made['id']}")
        return shown if shown["state"] == "done" else None

    assert (await until("reconciliation", done))["compared"] > 0
    await desk.get(f"/v1/reconciliations/{made['id']}/differences")


async def card_is_checked(stage: CanaryStage, house: House, canary: Canary = AMEX) -> None:
    """A card that is only kept, of an account that has its cards verified: a charge of nothing."""
    command = await asyncio.to_thread(house.command, "api-keys", "add", "checks", "--account", CHECKING)
    assert await asyncio.to_thread(command.wait, PATIENCE_S) == 0
    async with (
        DeskClient(house.base_url, command.log().splitlines()[0].strip()) as desk,
        stage.call(CHECKED, desk=desk) as call,
    ):
        session = await call.open_session()
        await call.key_card(session, canary, KeyCarrier.EVENT)
        done = await session.complete()
        assert (done["state"], done["charge"]["kind"]) == ("succeeded", "verification")


async def token_of(desk: DeskClient, canary: Canary) -> str:
    """A card's token that may be charged again, once a play has made it."""

    async def look() -> str | None:
        tokens = (await desk.get("/v1/tokens", limit="100"))["data"]
        mine = (one for one in tokens if one["card"]["last4"] == canary.number[-4:])
        return next((one["id"] for one in mine if (one["state"], one["usage"]) == ("active", "multi")), None)

    return await until(f"token of {canary.name}", look, PATIENCE_S)


async def _charge(desk: DeskClient, token: str, **more: str) -> str:
    made = await desk.post("/v1/charges", {"token": token, "amount": 1000, "currency": "GBP", **more})
    assert made["state"] == ("authorised" if more else "succeeded")
    found: str = made["id"]
    return found


async def _operate(desk: DeskClient, charge: str, verb: str, body: Json | None = None) -> None:
    assert (await desk.post(f"/v1/charges/{charge}/{verb}", body))["state"] == "succeeded"
