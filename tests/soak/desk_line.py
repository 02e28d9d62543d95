"""The merchant's program and the agents' browsers in a soak: the public API, the panel's stream, the event stream."""

import asyncio
import contextlib
import random
import time
import uuid
from typing import Any, Final, Self

import httpx

from tests.e2e.house import LOGIN, PASSWORD

Json = dict[str, Any]

PATIENCE_S: Final = 30.0
POLL_S: Final = 0.1


class SoakError(Exception):
    """Something that the product should have done did not happen."""


class GaveUpError(Exception):
    """A customer was asked for a field again and again, and gives up."""


class DeskLine:
    """One client of the API. Used as an async context manager, so that its connections end with a round."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(60.0),
            limits=httpx.Limits(max_connections=16, keepalive_expiry=2.0),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get(self, path: str, **query: str) -> Json:
        return _accepted(await self._client.get(path, params=query))

    async def post(self, path: str, body: Json | None = None) -> Json:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return _accepted(await self._client.post(path, json=body, headers=headers))

    async def pages(self, path: str, **query: str) -> list[Json]:
        """Everything of a list."""
        found: list[Json] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, **query, **cursor, limit="100")
            found += page["data"]
            if not page.get("next_cursor"):
                return found
            cursor = {"cursor": page["next_cursor"]}

    async def live_call(self, caller: str, but: str) -> Json:
        """The call of a caller, once it is answered, and not the one before, which may not be told as ended yet."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for call in (await self.get("/v1/calls", live="true"))["data"]:
                if call["caller"] == caller and call["id"] != but and call["state"] == "answered":
                    return dict(call)
            await asyncio.sleep(POLL_S)
        raise SoakError("a call that was answered is not in the list of calls")

    async def session(self, session_id: str, *states: str) -> Json:
        """A session, once it is in one of the states."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            session = await self.get(f"/v1/sessions/{session_id}")
            if session["state"] in states:
                return session
            if time.monotonic() > deadline:
                raise SoakError(f"a session is {session['state']}, not {' or '.join(states)}")
            await asyncio.sleep(POLL_S)

    async def field(self, session_id: str, name: str, *states: str) -> Json:
        """A field, once it is in one of the states."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            session = await self.get(f"/v1/sessions/{session_id}")
            field = next(dict(each) for each in session["fields"] if each["name"] == name)
            if field["state"] in states:
                return field
            if time.monotonic() > deadline:
                raise SoakError(f"{name} is {field['state']} ({field['error']}), not {' or '.join(states)}")
            await asyncio.sleep(POLL_S)


class Watchers:
    """Panels and programs that connect, watch for a while and leave, some of them without a word."""

    def __init__(self, url: str, key: str, chance: random.Random) -> None:
        self._url = url
        self._key = key
        self._chance = chance
        self.watched = 0

    async def come_and_go(self, until: float) -> None:
        """One of them after another, until a time of the loop."""
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            stay_s = min(self._chance.choice((0.1, 0.5, 2.0, 7.0)), until - loop.time())
            async with asyncio.TaskGroup() as group:
                if self._chance.random() < 0.5:
                    group.create_task(self._program(stay_s))
                else:
                    group.create_task(self._panel(stay_s))
            self.watched += 1

    async def _program(self, stay_s: float) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        async with httpx.AsyncClient(base_url=self._url, headers=headers, timeout=20.0) as client:
            await _watch(client, "/v1/events/stream", stay_s)

    async def _panel(self, stay_s: float) -> None:
        async with httpx.AsyncClient(base_url=self._url, timeout=20.0) as client:
            answer = await client.post("/login", data={"login": LOGIN, "password": PASSWORD})
            if answer.status_code != httpx.codes.SEE_OTHER:
                raise SoakError(f"an agent's log-in was answered {answer.status_code}")
            page = await client.get("/panel")
            await _watch(client, "/panel/stream", stay_s)
            if self._chance.random() < 0.5:
                token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
                await client.post("/logout", data={"csrf_token": token})


async def _watch(client: httpx.AsyncClient, path: str, stay_s: float) -> None:
    """Read a stream for a while, then break the connection."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(stay_s), client.stream("GET", path) as stream:
            if stream.status_code != httpx.codes.OK:
                raise SoakError(f"{path} was answered {stream.status_code}")
            async for _ in stream.aiter_bytes():
                pass


def _accepted(answer: httpx.Response) -> Json:
    if not answer.is_success:
        raise SoakError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        )
    return dict(answer.json())
