"""A merchant's program at the API of a desk whose secure zone is the real one: vault, cashier and simulated gateway, in simulated time."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from tests.capture_stage import CaptureStage
from tests.till import ACCOUNT
from tests.unit.desk.bench import CHEAP, template

from tonevault.desk.api.app import create_api
from tonevault.desk.people.model import Scope
from tonevault.desk.platforms.none import NoPlatform
from tonevault.desk.services import DeskServices, make_services
from tonevault.kernel.ids import CallId
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.sql import Database

Json = dict[str, Any]
PATIENCE_S = 20.0
KEYED = {"card_number": "4242424242424242", "expiry": "1230", "security_code": "123", "postal_code": "99999"}


@dataclass
class Shop:
    """One merchant: keys cards on a telephone, and asks for money over HTTP."""

    stage: CaptureStage
    services: DeskServices
    client: httpx.AsyncClient
    keys: "itertools.count[int]" = field(default_factory=itertools.count)

    async def get(self, path: str) -> Json:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def post(self, path: str, body: Json | None = None, status: int | None = None) -> Json:
        """Under a key of its own. `status`: that of the refusal that it must get."""
        headers = {"Idempotency-Key": f"shop-{next(self.keys)}"}
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.status_code == status if status else answer.is_success, answer.text
        found: Json = answer.json()
        return found

    async def until(self, look: Callable[[], Awaitable[Json | None]]) -> Json:
        """What the desk learns of by itself."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := await look()) is None:  # noqa: ASYNC110 - it waits for a database, which rings no bell
                await asyncio.sleep(0.002)
        return found

    async def keyed(self, card: str, call: CallId | None = None, **body: Any) -> str:
        """A session on a call, with a card keyed: its id. What `body` does not say is a sale of 12.50."""
        call = call or self.stage.live_call()

        async def known() -> Json | None:
            calls = (await self.get("/v1/calls"))["data"]
            return next((one for one in calls if one["id"] == call), None)

        await self.until(known)
        opened = await self.post("/v1/sessions", {"call_id": call, "amount": 1250, "currency": "GBP"} | body)
        for one in opened["fields"]:
            await self.key(opened["id"], call, one["name"], card if one["name"] == "card_number" else "")
        return str(opened["id"])

    async def key(self, session: str, call: CallId, name: str, keys: str = "") -> None:
        """The customer keys one field."""
        await self.post(f"/v1/sessions/{session}/fields/{name}/capture")
        self.stage.key(call, f"{keys or KEYED[name]}#")

        async def captured() -> Json | None:
            fields = (await self.get(f"/v1/sessions/{session}"))["fields"]
            return next((one for one in fields if (one["name"], one["state"]) == (name, "captured")), None)

        await self.until(captured)

    async def complete(self, session: str) -> Json:
        return await self.post(f"/v1/sessions/{session}/complete")

    async def take(self, card: str, **body: Any) -> Json:
        """A whole session, as it stands when completed."""
        return await self.complete(await self.keyed(card, **body))

    async def settled(self, look: Callable[[], Awaitable[Json]]) -> Json:
        """A charge or an operation, once look-ups have told the desk how it ended."""
        await self.stage.till.settle()

        async def known() -> Json | None:
            shown = await look()
            return None if shown["state"] in ("pending", "unknown") else shown

        return await self.until(known)

    async def moved(self) -> list[int]:
        """Every movement of money at the gateway, in minor units."""
        return [each.money.amount_minor for each in await self.stage.till.simulator.movements(ACCOUNT)]


def play(folder: Path, story: Callable[[Shop], Coroutine[None, None, None]]) -> None:
    """Open a shop, and play a story in it."""

    async def whole() -> None:
        async with open_shop(folder) as shop:
            await story(shop)

    asyncio.run(whole())


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncIterator[Shop]:
    """A desk and its secure zone, for as long as the block runs."""
    stage = CaptureStage(folder)
    shutil.copy(template(folder), folder / "desk.db")
    database = Database(f"sqlite:///{folder / 'desk.db'}")
    services = make_services(
        database,
        stage.zone,
        platform=NoPlatform(),
        clock=stage.clock,
        entropy=SYSTEM_ENTROPY,
        secret=bytes(range(32)),
        secure_cookies=False,
        passwords=CHEAP,
    )
    await services.people.create_account(ACCOUNT, "Acme", "44")
    _, secret = await services.people.create_api_key(ACCOUNT, "shop", list(Scope))
    following = asyncio.create_task(services.ingest.run())
    transport, headers = httpx.ASGITransport(create_api(services)), {"Authorization": f"Bearer {secret.text}"}
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as client:
            yield Shop(stage, services, client)
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await stage.close()
        await database.close()
