"""The merchant's program in the canary run: opens sessions, captures, completes and charges over the public API, many at once."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self, TypeVar

import httpx

Json = dict[str, Any]
Found = TypeVar("Found")

POLL_S: Final = 0.1
PATIENCE_S: Final = 20.0
"""On a machine that other tests keep busy."""
REACTION_S: Final = 0.12
"""A customer hears that a field waits, then presses a key: one that is down before the window opens belongs to what was before."""


class DeskClient:
    """One API key. Every change is sent under an Idempotency-Key of its own."""

    def __init__(self, base_url: str, key: str) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url, headers={"Authorization": f"Bearer {key}"}, timeout=60.0
        )
        self._numbers = itertools.count()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str) -> Json:
        """A GET that must succeed."""
        return _accepted(await self._http.get(path, params=query))

    async def post(self, path: str, body: Json | None = None) -> Json:
        """A POST that must succeed."""
        return _accepted(await self.ask("POST", path, json=body))

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Any request, whatever comes of it."""
        headers = {"Idempotency-Key": f"run-{next(self._numbers)}", **more.pop("headers", {})}
        return await self._http.request(method, path, headers=headers, **more)

    async def call_on(self, route: str) -> str:
        """The id of the answered call on a route that serves one at a time."""

        async def look() -> str | None:
            calls = (await self.get("/v1/calls", live="true"))["data"]
            found = (one["id"] for one in calls if one["route"] == route and one["state"] == "answered")
            return next(found, None)

        return await until(f"answered call on {route}", look)

    async def events_of(self, thing: str) -> list[str]:
        """The types of the recorded events of one session, call, charge… in the order in which they were told."""
        told: list[str] = []
        page: Json = {"has_more": True, "next_cursor": None}
        while page["has_more"]:
            after = {} if page["next_cursor"] is None else {"cursor": page["next_cursor"]}
            page = await self.get("/v1/events", limit="100", **after)
            told += [event["type"] for event in page["data"] if event["data"].get("id") == thing]
        return told[::-1]

    async def open_session(self, call_id: str, amount: int | None = None, **more: Any) -> "DeskSession":
        """A payment session on a call; with an amount (in pence) it will charge."""
        body = {"call_id": call_id, **more}
        if amount is not None:
            body |= {"amount": amount, "currency": "GBP"}
        return DeskSession(self, (await self.post("/v1/sessions", body))["id"])


class DeskSession:
    """One payment session as the merchant's program commands it."""

    def __init__(self, desk: DeskClient, session_id: str) -> None:
        self._desk = desk
        self.id = session_id
        self._path = f"/v1/sessions/{session_id}"

    async def capture(self, field: str) -> None:
        """Open a field's window, and give the customer the moment that a person needs."""
        await self._desk.post(f"{self._path}/fields/{field}/capture")
        await asyncio.sleep(REACTION_S)

    async def wait_field(self, field: str, *states: str) -> Json:
        """The field, once it is in one of the states; `captured` where none is named. One that is red instead ends the wait."""
        wanted = states or ("captured",)

        async def look() -> Json | None:
            one = next(one for one in (await self.shown())["fields"] if one["name"] == field)
            if one["state"] == "failed" and "failed" not in wanted:
                raise AssertionError(f"{field}: {one['error']}")
            return one if one["state"] in wanted else None

        return await until(f"{field} {' or '.join(wanted)}", look)

    async def wait(self, state: str) -> Json:
        """The session, once it is in this state."""

        async def look() -> Json | None:
            session = await self.shown()
            return session if session["state"] == state else None

        return await until(f"session {state}", look)

    async def wait_dots(self, field: str, dots: int) -> None:
        """Until so many keys have been counted."""

        async def look() -> bool | None:
            fields = (await self.shown())["fields"]
            return True if any(one["name"] == field and one["dots"] == dots for one in fields) else None

        await until(f"{dots} dots in {field}", look)

    async def shown(self) -> Json:
        """The session as it stands."""
        return await self._desk.get(self._path)

    async def complete(self) -> Json:
        """Vault the card and charge it where there is an amount."""
        return await self._desk.post(f"{self._path}/complete")

    async def cancel(self) -> Json:
        """Give up."""
        return await self._desk.post(f"{self._path}/cancel")


async def until(
    what: str, look: Callable[[], Awaitable[Found | None]], patience_s: float = PATIENCE_S
) -> Found:
    """The first answer of the asynchronous `look` that is not None, also while the desk is away."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            found = await look()
        except httpx.TransportError:
            found = None
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {patience_s:g} s")
        await asyncio.sleep(POLL_S)


def _accepted(answer: httpx.Response) -> Json:
    if not answer.is_success:
        raise AssertionError(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        )
    found: Json = answer.json()
    return found
