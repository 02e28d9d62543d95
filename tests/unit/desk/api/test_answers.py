"""Every address answers what the OpenAPI document says of it, in success and in refusal: judged over a day of a shop."""

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.openapi_judge import Judge, UntrueError
from tests.unit.desk.bench import Bench, open_desk

from tonevault.boundary.captures import FieldName
from tonevault.boundary.charges import ChargeState
from tonevault.kernel.ids import TokenId

Json = dict[str, Any]
STREAMS = {("get", "/v1/events/stream")}


@dataclass
class Shop:
    desk: Bench
    client: httpx.AsyncClient
    judge: Judge
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def get(self, path: str, **query: str) -> Any:
        return self.judge.judge(await self.client.get(path, params=query)).json()

    async def post(self, path: str, body: Json | None = None, method: str = "POST") -> Any:
        headers = {"Idempotency-Key": f"k{next(self.numbers)}"}
        return self.judge.judge(await self.client.request(method, path, json=body, headers=headers)).json()


async def take_cards(shop: Shop) -> str:
    """A mismatch that is corrected, a session that is canceled, a token that gets a successor; answers a token."""
    desk, call = shop.desk, await shop.desk.live_call()
    await shop.get(f"/v1/calls/{call.call_id}")
    await shop.get("/v1/calls")
    await shop.post(f"/v1/calls/{call.call_id}/hush", {"on": True})
    opened = await shop.post(
        "/v1/sessions",
        {"call_id": call.call_id, "amount": 5, "currency": "GBP", "billing": {"postal_code": "99999"}},
    )
    address = f"/v1/sessions/{opened['id']}"
    await shop.post(f"{address}/complete")
    await desk.key_card(shop.client, call, opened["id"])
    await shop.get(address)
    desk.zone.ledger.next_charge = (ChargeState.DECLINED, "postal_code_mismatch")
    await shop.post(f"{address}/complete")
    await shop.post(f"{address}/fields/{FieldName.SECURITY_CODE}/capture")
    desk.zone.press(call.call_id, "123#")
    await desk.caught_up()
    desk.zone.ledger.next_charge = (ChargeState.SUCCEEDED, None)
    done = await shop.post(f"{address}/retry", {"postal_code": "10001"})
    await shop.get("/v1/sessions", call_id=call.call_id, state="succeeded")
    token = str(done["token"]["id"])
    again = await shop.post(f"/v1/tokens/{token}/replace", {"call_id": call.call_id})
    await shop.post(f"/v1/sessions/{again['id']}/cancel")
    return token


async def move_money(shop: Shop, token: str) -> None:
    """Charges with all that follows them, and a key that is used twice."""
    paid: Json = {"token": token, "amount": 500, "currency": "GBP"}
    charge = await shop.post("/v1/charges", paid)
    refund = await shop.post(f"/v1/charges/{charge['id']}/refund", {"amount": 100, "reason": "late"})
    await shop.get(f"/v1/refunds/{refund['id']}")
    await shop.get("/v1/refunds", charge_id=charge["id"])
    held = await shop.post("/v1/charges", paid | {"capture": "manual"})
    await shop.post(f"/v1/charges/{held['id']}/capture", {"amount": 501})
    await shop.post(f"/v1/charges/{held['id']}/capture")
    other = await shop.post("/v1/charges", paid | {"capture": "manual"})
    await shop.post(f"/v1/charges/{other['id']}/void")
    await shop.get(f"/v1/charges/{charge['id']}/operations")
    for state in (ChargeState.DECLINED, ChargeState.FAILED, ChargeState.UNKNOWN):
        shop.desk.zone.ledger.next_charge = (state, None if state is ChargeState.UNKNOWN else "lost_card")
        await shop.get(f"/v1/charges/{(await shop.post('/v1/charges', paid))['id']}")
    shop.desk.zone.ledger.next_charge = (ChargeState.SUCCEEDED, None)
    first = await shop.get("/v1/charges", limit="2")
    await shop.get("/v1/charges", limit="2", cursor=first["next_cursor"])
    for body in (paid, paid | {"amount": 501}):
        headers = {"Idempotency-Key": "twice"}
        shop.judge.judge(await shop.client.post("/v1/charges", json=body, headers=headers))


async def plan_money(shop: Shop, token: str) -> None:
    """Schedules, splits and reconciliations."""
    paid: Json = {"token": token, "amount": 500, "currency": "GBP"}
    schedule = await shop.post("/v1/schedules", paid | {"unit": "month", "count": 3})
    await shop.desk.services.schedules.sweep()
    for verb in ("pause", "resume", "cancel", "resume"):
        await shop.post(f"/v1/schedules/{schedule['id']}/{verb}")
    await shop.get(f"/v1/schedules/{schedule['id']}")
    await shop.get("/v1/schedules")
    ledger, other = shop.desk.zone.ledger, TokenId("tok_" + "b" * 28)
    key = next(each for each in ledger.tokens if each[1] == token)
    ledger.tokens[key[0], other] = ledger.tokens[key].model_copy(update={"token_id": other})
    parts = [{"token": token, "amount": 5}, {"token": other, "amount": 6}]
    split = await shop.post("/v1/splits", {"parts": parts, "currency": "GBP"})
    await shop.get(f"/v1/splits/{split['id']}")
    await shop.get("/v1/splits")
    span = {"since": "2027-02-01T00:00:00Z", "until": "2027-02-02T00:00:00Z"}
    made = await shop.post("/v1/reconciliations", span)
    await shop.get(f"/v1/reconciliations/{made['id']}")
    await shop.get(f"/v1/reconciliations/{made['id']}/differences")
    await shop.get("/v1/reconciliations")


async def look_after_people(shop: Shop) -> None:
    """Customers, keys, events, the log."""
    customer = await shop.post("/v1/customers", {"name": "Ann", "phone": "+441632960001"})
    await shop.post(f"/v1/customers/{customer['id']}", {"name": "Anna"}, "PATCH")
    await shop.get(f"/v1/customers/{customer['id']}")
    await shop.get("/v1/customers")
    headers = {"Idempotency-Key": "k"}
    asked = {"name": "crm", "scopes": ["charges:read"]}
    key = shop.judge.judge(await shop.client.post("/v1/api_keys", json=asked)).json()
    poor = await shop.client.get("/v1/events", headers={"Authorization": f"Bearer {key['secret']}"})
    assert shop.judge.judge(poor).status_code == 403
    shop.judge.judge(await shop.client.post(f"/v1/api_keys/{key['api_key']['id']}/revoke", headers=headers))
    await shop.get("/v1/api_keys")
    events = await shop.get("/v1/events")
    await shop.get(f"/v1/events/{events['data'][0]['id']}")
    for path in ("/v1/audit_entries", "/v1/me", "/health"):
        await shop.get(path)


def test_every_answer_is_as_the_document_says(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client, desk.stranger() as stranger:
            judge = Judge((await client.get("/openapi.json")).json())
            shop = Shop(desk, client, judge)
            token = await take_cards(shop)
            await move_money(shop, token)
            await plan_money(shop, token)
            await look_after_people(shop)
            await shop.get(f"/v1/tokens/{token}")
            await shop.get("/v1/tokens")
            await shop.post(f"/v1/tokens/{token}/revoke")
            await shop.post("/v1/charges", {"token": token, "amount": 5, "currency": "GBP"})
            assert judge.judge(await stranger.get("/v1/charges")).status_code == 401
            desk.zone.unreachable = True
            await shop.post("/v1/charges", {"token": "tok_" + "z" * 28, "amount": 5, "currency": "GBP"})
            assert judge.operations() - judge.seen == STREAMS

    asyncio.run(play())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"status": "ok"}, "lacks"),
        ({"status": "ok", "secure_zone": "up", "more": 1}, "besides"),
        ({"status": 1, "secure_zone": "up"}, "not string"),
    ],
)
def test_the_judge_can_find_fault(tmp_path: Path, answer: Json, why: str) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.stranger() as stranger:
            judge = Judge((await stranger.get("/openapi.json")).json())
            request = httpx.Request("GET", "http://desk/health")
            with pytest.raises(UntrueError, match=why):
                judge.judge(httpx.Response(200, json=answer, request=request))

    asyncio.run(play())
