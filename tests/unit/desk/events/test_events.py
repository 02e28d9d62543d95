"""Events: durable ones in order and none lost or doubled, dots for those who watch, slow listeners cut off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from tests.unit.desk.bench import ACME, BOLT, Bench, open_desk

from tonevault.boundary.calls import CallState
from tonevault.boundary.captures import CaptureState
from tonevault.boundary.charges import ChargeState
from tonevault.desk.customers.model import CustomerDraft
from tonevault.desk.events.hub import MAX_WAITING, EventHub
from tonevault.desk.events.model import Event, EventType, Numbered, of_call, of_charge, of_session
from tonevault.desk.events.routes import sse
from tonevault.desk.paging import PageRequest
from tonevault.kernel.ids import AccountId, CustomerId, EventId


async def customer(desk: Bench, number: int, account: AccountId = ACME) -> None:
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{number:028d}")
    await desk.services.customers.create(
        account, CustomerId(f"cus_{letters}"), CustomerDraft(f"Customer {number}")
    )


async def some(stream: AsyncIterator[Event | None], count: int) -> list[Event]:
    """The next events that are not silence."""
    seen: list[Event] = []
    async with asyncio.timeout(5):
        async for event in stream:
            if event is not None:
                seen.append(event)
            if len(seen) == count:
                break
    return seen


def test_the_list_is_newest_first_and_pages(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            for number in range(5):
                await customer(desk, number)
            seen, cursor = [], None
            while True:
                params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
                page = (await client.get("/v1/events", params=params)).json()
                seen += [each["data"]["name"] for each in page["data"] if each["type"] == "customer.created"]
                cursor = page["next_cursor"]
                assert page["has_more"] is (cursor is not None)
                if cursor is None:
                    break
            assert seen == [f"Customer {number}" for number in (4, 3, 2, 1, 0)]
            one = (await client.get("/v1/events", params={"limit": 1})).json()["data"][0]
            assert (await client.get(f"/v1/events/{one['id']}")).json() == one

    asyncio.run(play())


def test_a_stream_resumes_after_the_last_event_seen(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            for number in range(3):
                await customer(desk, number)
            page = await desk.services.events.page(ACME, _page())
            first = page.data[2]
            async with aclosing(desk.services.events.follow(ACME, first.id)) as stream:
                missed = await some(stream, 2)
                await customer(desk, 3)
                live = await some(stream, 1)
            assert [each.data["name"] for each in missed + live] == ["Customer 1", "Customer 2", "Customer 3"]

    asyncio.run(play())


def _page() -> PageRequest:
    return PageRequest(3)


def test_an_event_that_was_published_late_or_elsewhere_comes_once_and_in_order(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            events = desk.services.events
            async with aclosing(events.follow(ACME)) as stream:
                assert await anext(stream) is None
                hub = events._hub
                real, held = hub.publish, []

                def hold(account_id: AccountId, numbered: Numbered) -> None:
                    held.append((account_id, numbered))

                hub.publish = hold  # type: ignore[method-assign]
                await customer(desk, 0)
                hub.publish = real  # type: ignore[method-assign]
                await customer(desk, 1)
                for account_id, numbered in held:
                    real(account_id, numbered)
                await customer(desk, 2)
                seen = await some(stream, 3)
            assert [each.data["name"] for each in seen] == ["Customer 0", "Customer 1", "Customer 2"]

    asyncio.run(play())


def test_dots_are_told_and_not_kept(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            await desk.caught_up()
            number = len((await client.get("/v1/events", params={"limit": 100})).json()["data"])
            async with aclosing(desk.services.events.follow(ACME)) as stream:
                assert await anext(stream) is None
                desk.zone.press(call.call_id, "424")
                seen = await some(stream, 3)
            assert {each.type for each in seen} == {EventType.SESSION_UPDATED}
            assert [each.data["fields"][0]["dots"] for each in seen] == [1, 2, 3]  # type: ignore[index, call-overload]
            assert all(each.id is None for each in seen)
            assert len((await client.get("/v1/events", params={"limit": 100})).json()["data"]) == number

    asyncio.run(play())


def test_accounts_hear_only_of_themselves(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            async with aclosing(desk.services.events.follow(BOLT)) as stream:
                assert await anext(stream) is None
                await customer(desk, 0)
                await customer(desk, 1, BOLT)
                seen = await some(stream, 1)
            assert [each.data["name"] for each in seen] == ["Customer 1"]

    asyncio.run(play())


def test_a_slow_listener_is_cut_off_and_never_waited_for(tmp_path: Path) -> None:
    async def play() -> None:
        hub = EventHub()
        async with open_desk(tmp_path) as desk:
            event = Event(None, EventType.SESSION_UPDATED, desk.clock.utc(), {})
        with hub.subscribe(ACME) as slow, hub.subscribe(ACME) as quick:
            for _ in range(MAX_WAITING + 1):
                hub.publish(ACME, Numbered(0, event))
                assert await quick.next(1) is not None
            assert (slow.overrun, quick.overrun) == (True, False)
            assert hub.accounts() == (ACME,)
        assert hub.accounts() == ()

    asyncio.run(play())


def test_the_stream_over_http(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            for number in range(2):
                await customer(desk, number)
            first = (await desk.services.events.page(ACME, PageRequest(2))).data[1]
            headers = {"last-event-id": str(first.id), "authorization": f"Bearer {desk.keys[ACME]}"}
            started, text = await read_stream(desk, headers, until="Customer 1")
            assert started["status"] == 200
            assert (b"content-type", b"text/event-stream; charset=utf-8") in started["headers"]
            frames = [frame for frame in text.split("\n\n") if frame.startswith("id: ")]
            lines = frames[0].split("\n")
            assert (lines[0][:7], lines[1]) == ("id: ev_", "event: customer.created")
            assert json.loads(lines[2].removeprefix("data: "))["data"]["name"] == "Customer 1"

    asyncio.run(play())


async def read_stream(desk: Bench, headers: dict[str, str], until: str) -> tuple[dict[str, Any], str]:
    """Read a stream until a text has come, then hang up; httpx's ASGI transport would wait for its end."""
    started: dict[str, Any] = {}
    parts: list[str] = []
    gone = asyncio.Event()
    body = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, object]:
        if body:
            return body.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            started.update(message)
        else:
            part = message.get("body", b"")
            assert isinstance(part, bytes)
            parts.append(part.decode())
            if until in "".join(parts):
                gone.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/v1/events/stream",
        "raw_path": b"/v1/events/stream",
        "query_string": b"",
        "scheme": "http",
        "server": ("desk", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    async with asyncio.timeout(5):
        await desk.app(scope, receive, send)  # type: ignore[arg-type]
    return started, "".join(parts)


def test_frames() -> None:
    assert sse(None).startswith(":")
    assert sse(None).endswith("\n\n")


def test_an_event_of_an_unknown_id_starts_from_now(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            await customer(desk, 0)
            async with aclosing(desk.services.events.follow(ACME, EventId("ev_" + "z" * 28))) as stream:
                assert await anext(stream) is None
                await customer(desk, 1)
                assert [each.data["name"] for each in await some(stream, 1)] == ["Customer 1"]

    asyncio.run(play())


@pytest.mark.parametrize("state", [*CallState, *CaptureState, *ChargeState])
def test_every_state_has_its_event(state: CallState | CaptureState | ChargeState) -> None:
    match state:
        case CallState():
            assert of_call(state) in EventType
        case CaptureState():
            assert of_session(state) in EventType
        case ChargeState():
            assert of_charge(state) in EventType
