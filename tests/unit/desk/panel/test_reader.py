"""The live stream: begins with everything, misses nothing that happens while it begins, and tells only what concerns its call."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.desk.bench import ACME, Bench, open_desk

from tonevault.boundary.charges import ChargeState
from tonevault.desk.events import service as event_service
from tonevault.desk.panel.reader import PARTS, PanelReader, Viewer
from tonevault.kernel.ids import CallId

Change = tuple[str, str] | None
PATIENCE_S = 5.0


def reader_of(bench: Bench) -> PanelReader:
    services = bench.services
    return PanelReader(
        services.calls, services.sessions, services.events, lambda: services.link.is_up, lambda _: "GBP"
    )


def viewer(call_id: CallId | None = None) -> Viewer:
    return Viewer(ACME, call_id, may_act=True)


async def until(changes: AsyncIterator[Change], part: str, words: str) -> str:
    """The next fragment of this part that holds these words."""
    async with asyncio.timeout(PATIENCE_S):
        async for change in changes:
            if change is not None and change[0] == part and words in change[1]:
                return change[1]
    raise AssertionError("the stream ended")


def test_it_begins_with_every_part(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as bench:
            changes = reader_of(bench).changes(viewer())
            first = [await anext(changes) for _ in PARTS]
            assert [change[0] for change in first if change is not None] == list(PARTS)

    asyncio.run(play())


def test_what_happens_while_it_begins_is_not_missed(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as bench:
            changes = reader_of(bench).changes(viewer())
            await until(changes, "calls", "")
            bench.zone.ring(caller="+441632960555")
            await bench.caught_up()
            assert "Ringing" in await until(changes, "calls", "+441632960555")

    asyncio.run(play())


def test_a_secure_zone_that_goes_and_comes_back_is_told(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as bench:
            changes = reader_of(bench).changes(viewer())
            await until(changes, "zone", "answers again")
            bench.zone.unreachable = True
            await until(changes, "zone", "No card can be captured")
            bench.zone.unreachable = False
            await until(changes, "zone", "answers again")

    asyncio.run(play())


def test_keys_of_one_call_are_told_to_its_panel_alone(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as bench, bench.client() as client:
            call, other = await bench.live_call(), await bench.live_call()
            session_id = await bench.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            mine, theirs = (reader_of(bench).changes(viewer(each.call_id)) for each in (call, other))
            for changes in (mine, theirs):
                await until(changes, "stage", "")
            bench.zone.press(call.call_id, "42")
            await bench.caught_up()
            await until(mine, "stage", "●●")
            bench.zone.hang_up(other.call_id)
            # Had the keys been told to the other panel, that fragment would come before this one.
            assert "The customer hung up." in await until(theirs, "stage", "")

    asyncio.run(play())


def test_what_changed_without_an_event_shows_after_a_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_service, "POLL_S", 0.01)

    async def play() -> None:
        async with open_desk(tmp_path) as bench:
            changes = reader_of(bench).changes(viewer())
            await until(changes, "zone", "answers again")
            bench.services.link.went_down()
            await until(changes, "zone", "No card can be captured")
            # Nothing more has changed: what follows is silence, and no fragment a second time.
            assert [await anext(changes) for _ in range(3)] == [None] * 3

    asyncio.run(play())


def test_an_unknown_charge_that_is_settled_later_shows_by_itself(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as bench, bench.client() as client:
            call = await bench.live_call()
            bench.zone.ledger.next_charge = (ChargeState.UNKNOWN, None)
            session_id = await bench.open_session(client, call, amount=1250, currency="GBP")
            await bench.key_card(client, call, session_id)
            await client.post(f"/v1/sessions/{session_id}/complete")
            changes = reader_of(bench).changes(viewer(call.call_id))
            await until(changes, "stage", "Result not known yet")
            charge_id = (await client.get(f"/v1/sessions/{session_id}")).json()["charge"]["id"]
            bench.zone.settle(charge_id, ChargeState.SUCCEEDED)
            assert "Charged: 12.50 GBP" in await until(changes, "stage", "Card securely vaulted")

    asyncio.run(play())
