"""A desk on a fake secure zone, in a folder, with a clock that a test moves: opened, killed and opened again at will."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI
from tests.databases import desk_url, is_fresh_desk, is_on_files

from tonevault.boundary.calls import CallView
from tonevault.boundary.captures import FieldName
from tonevault.desk.api.app import create_api
from tonevault.desk.migrations import SCRIPTS
from tonevault.desk.payments.currencies import CurrenciesOf, every_currency
from tonevault.desk.people.model import Scope
from tonevault.desk.people.passwords import Passwords
from tonevault.desk.platform import Platform, PlatformError, RecordedCall
from tonevault.desk.platforms.none import NoPlatform
from tonevault.desk.services import DeskServices, make_services
from tonevault.desk.sessions.policy import PolicyOf, every_brand
from tonevault.kernel.ids import AccountId
from tonevault.plumbing.entropy import SYSTEM_ENTROPY
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database
from tonevault.testing.secure_zone import FakeSecureZone

ACME, BOLT = AccountId("acme"), AccountId("bolt")
START = datetime(2027, 3, 1, 12, tzinfo=UTC)
SECRET = bytes(range(32))
PATIENCE_S = 20.0
KEYED = (
    (FieldName.CARD_NUMBER, "4242424242424242#"),
    (FieldName.EXPIRY, "1230#"),
    (FieldName.SECURITY_CODE, "123#"),
)
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class BenchClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self._passed = 0.0

    def monotonic(self) -> float:
        return self._passed

    def utc(self) -> datetime:
        return START + timedelta(seconds=self._passed)

    def advance(self, seconds: float) -> None:
        self._passed += seconds


@dataclass
class FakePlatform:
    """Remembers what it was told; `down` makes it refuse."""

    said: list[tuple[str, str]] = field(default_factory=list)
    down: bool = False

    @property
    def records(self) -> bool:
        return True

    async def pause_recording(self, call: RecordedCall) -> None:
        await self._hear("pause", call)

    async def resume_recording(self, call: RecordedCall) -> None:
        await self._hear("resume", call)

    async def _hear(self, verb: str, call: RecordedCall) -> None:
        self.said.append((verb, call.call_id))
        if self.down:
            raise PlatformError("the platform is down")


@dataclass
class Bench:
    """One desk process, and the world around it."""

    database: Database
    services: DeskServices
    app: FastAPI
    zone: FakeSecureZone
    clock: BenchClock
    keys: dict[AccountId, str]

    def client(self, key: str | None = None, account: AccountId = ACME) -> httpx.AsyncClient:
        """A program with a key that may do everything, or with the key given."""
        return self.stranger({"Authorization": f"Bearer {key or self.keys[account]}"})

    def stranger(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        """Somebody without a key."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers)

    async def key(self, scopes: Iterable[Scope], account: AccountId = ACME) -> str:
        """A key with these scopes only."""
        _, secret = await self.services.people.create_api_key(account, "test", scopes)
        return secret.text

    async def until(self, seen: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something that the desk does by itself."""
        async with asyncio.timeout(PATIENCE_S):
            while not await seen():  # noqa: ASYNC110 - it waits for a database, which rings no bell
                await asyncio.sleep(0.002)

    async def caught_up(self) -> None:
        """Wait until every notice that the zone has sent was taken in."""

        async def connected() -> bool:
            return self.services.link.is_up

        # Only then does the mark come by the stream, behind all that went before it.
        await self.until(connected)
        mark = self.zone.ring(account_id=ACME, caller=None)

        async def seen() -> bool:
            return any(record.id == mark.call_id for _, record in await self.services.calls.live_everywhere())

        await self.until(seen)

    async def live_call(self, account: AccountId = ACME) -> CallView:
        """A call that the desk knows of."""
        call = self.zone.live_call(account_id=account)
        await self.caught_up()
        return call

    async def open_session(self, client: httpx.AsyncClient, call: CallView, **body: object) -> str:
        """A session on the call; its id. A little later than the last one, so that lists have one order."""
        self.clock.advance(0.001)
        answer = await client.post(
            "/v1/sessions",
            json={"call_id": call.call_id, **body},
            headers={"Idempotency-Key": f"open {self.clock.monotonic()} {call.call_id} {len(body)}"},
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def key_card(self, client: httpx.AsyncClient, call: CallView, session_id: str) -> None:
        """The customer keys every field."""
        for name, keys in KEYED:
            answer = await client.post(f"/v1/sessions/{session_id}/fields/{name}/capture")
            assert answer.status_code == 200, answer.text
            self.zone.press(call.call_id, keys)
        await self.caught_up()

    async def take_card(self, client: httpx.AsyncClient, **body: object) -> dict[str, object]:
        """A whole session on a new call; as it stands when completed."""
        call = await self.live_call()
        session_id = await self.open_session(client, call, **body)
        await self.key_card(client, call, session_id)
        answer = await client.post(f"/v1/sessions/{session_id}/complete")
        assert answer.status_code == 200, answer.text
        done: dict[str, object] = answer.json()
        return done


@asynccontextmanager
async def open_desk(
    folder: Path,
    *,
    zone: FakeSecureZone | None = None,
    clock: BenchClock | None = None,
    platform: Platform | None = None,
    policy_of: PolicyOf = every_brand,
    currencies_of: CurrenciesOf = every_currency,
) -> AsyncIterator[Bench]:
    """A desk that runs while the block does; on leaving, it dies without a word. The same folder opens the same desk."""
    clock = clock or BenchClock()
    zone = zone or FakeSecureZone(clock=clock)
    fresh = is_fresh_desk(folder)
    if fresh and is_on_files():
        shutil.copy(template(folder), folder / "desk.db")
    database = Database(desk_url(folder))
    services = make_services(
        database,
        zone,
        platform=platform or NoPlatform(),
        clock=clock,
        entropy=SYSTEM_ENTROPY,
        secret=SECRET,
        secure_cookies=False,
        passwords=CHEAP,
        policy_of=policy_of,
    )
    keys = {}
    for account, country in ((ACME, "44"), (BOLT, None)):
        if fresh:
            await services.people.create_account(account, account.title(), country)
        _, secret = await services.people.create_api_key(account, "bench", list(Scope))
        keys[account] = secret.text
    bench = Bench(database, services, create_api(services, currencies_of=currencies_of), zone, clock, keys)
    following = asyncio.create_task(services.ingest.run())
    try:
        if not zone.unreachable:
            await bench.caught_up()
        yield bench
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await database.close()


def template(folder: Path) -> Path:
    """An empty desk database, migrated once a test run."""
    path = folder.parent / "desk-template.db"
    if not path.exists():
        database = Database(f"sqlite:///{path}")
        upgrade(database, SCRIPTS)
        database.close_now()
    return path
