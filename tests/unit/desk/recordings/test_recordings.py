"""A recording is paused before the first field opens, and never stays paused."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.desk.bench import FakePlatform, open_desk

from tonevault.desk.recordings.model import MAX_RETRY_S, retry_after


def test_paused_before_the_first_field_and_resumed_after_the_last(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            assert platform.said == [("pause", call.call_id)]
            assert (await client.get(f"/v1/sessions/{session_id}")).json()["recording"] == "paused"
            await desk.services.sweeper.sweep()
            assert len(platform.said) == 1
            await client.post(f"/v1/sessions/{session_id}/cancel")
            await desk.services.sweeper.sweep()
            await desk.services.sweeper.sweep()
            assert platform.said == [("pause", call.call_id), ("resume", call.call_id)]

    asyncio.run(play())


def test_a_platform_that_refuses_is_asked_again_until_it_records(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform(down=True)
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            assert (await client.get(f"/v1/sessions/{session_id}")).json()["recording"] == "failed"
            await client.post(f"/v1/sessions/{session_id}/cancel")
            for _ in range(4):
                await desk.services.sweeper.sweep()
                desk.clock.advance(60)
            platform.down = False
            await desk.services.sweeper.sweep()
            desk.clock.advance(60)
            await desk.services.sweeper.sweep()
            assert [verb for verb, _ in platform.said] == ["pause"] + ["resume"] * 5
            assert (await client.get(f"/v1/sessions/{session_id}")).json()["recording"] == "resumed"

    asyncio.run(play())


def test_a_desk_that_dies_resumes_when_it_is_back(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            await desk.open_session(client, call)
            zone, clock = desk.zone, desk.clock
        zone.hang_up(call.call_id)
        async with open_desk(tmp_path, zone=zone, clock=clock, platform=platform) as desk:
            await desk.services.sweeper.sweep()
            assert platform.said == [("pause", call.call_id), ("resume", call.call_id)]

    asyncio.run(play())


def test_past_its_time_a_recording_resumes_even_if_nobody_reports_the_end(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            await desk.open_session(client, call, expires_in_s=60)
            desk.clock.advance(100)
            await desk.services.recordings.resume_due()
            assert platform.said[-1] == ("resume", call.call_id)

    asyncio.run(play())


def test_one_session_does_not_resume_what_the_next_one_has_paused(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            first = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{first}/cancel")
            second = await desk.open_session(client, call, reference="second")
            await desk.services.sweeper.sweep()
            assert [verb for verb, _ in platform.said] == ["pause", "pause"]
            await client.post(f"/v1/sessions/{second}/cancel")
            await desk.services.sweeper.sweep()
            assert [verb for verb, _ in platform.said] == ["pause", "pause", "resume"]

    asyncio.run(play())


def test_retries_grow_and_are_bounded() -> None:
    waits = [retry_after(tries).total_seconds() for tries in range(1, 20)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2.0, MAX_RETRY_S)


def test_a_desk_that_died_before_it_could_pause_does_so_before_the_first_field(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()

            async def die(*arguments: object) -> None:
                raise asyncio.CancelledError

            real, desk.services.recordings.pause = desk.services.recordings.pause, die  # type: ignore[method-assign, assignment]
            with pytest.raises(asyncio.CancelledError):
                await desk.open_session(client, call)
            desk.services.recordings.pause = real  # type: ignore[method-assign]
            await desk.caught_up()
            session_id = (await client.get(f"/v1/calls/{call.call_id}")).json()["session_id"]
            assert platform.said == []
            await client.post(f"/v1/sessions/{session_id}/fields/card_number/capture")
            assert platform.said == [("pause", call.call_id)]

    asyncio.run(play())
