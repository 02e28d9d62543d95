"""The regular work: what fails does not stop the rest, and runs until it is told to end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.unit.desk.bench import FakePlatform, open_desk


def test_one_task_that_fails_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/cancel")

            async def fail() -> None:
                raise RuntimeError("4242424242424242")

            for task in desk.services.sweeper._tasks:
                if task.name != "resume_recordings":
                    task.work = fail
            await desk.services.sweeper.sweep()
            assert platform.said[-1] == ("resume", call.call_id)

    asyncio.run(play())
    said = capsys.readouterr()
    assert (said.out + said.err).count("RuntimeError") == 8
    assert "4242424242424242" not in said.out + said.err


def test_the_end_of_a_session_wakes_the_sweep(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            sweeping = asyncio.create_task(desk.services.sweeper.run())
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/cancel")

            async def resumed() -> bool:
                return platform.said[-1] == ("resume", call.call_id)

            await desk.until(resumed)
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping

    asyncio.run(play())


def test_one_task_that_waits_for_a_gateway_holds_up_no_other(tmp_path: Path) -> None:
    async def play() -> None:
        platform = FakePlatform()
        async with open_desk(tmp_path, platform=platform) as desk, desk.client() as client:
            waiting: set[str] = set()

            def hanging(name: str) -> Callable[[], Awaitable[None]]:
                async def hang() -> None:
                    waiting.add(name)
                    await asyncio.Event().wait()

                return hang

            tasks = desk.services.sweeper._tasks
            for task in tasks:
                if task.name != "resume_recordings":
                    task.work = hanging(task.name)
            sweeping = asyncio.create_task(desk.services.sweeper.run())
            call = await desk.live_call()
            session_id = await desk.open_session(client, call)
            await client.post(f"/v1/sessions/{session_id}/cancel")

            async def resumed() -> bool:
                return platform.said[-1] == ("resume", call.call_id) and len(waiting) == len(tasks) - 1

            await desk.until(resumed)
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping

    asyncio.run(play())


def test_a_notice_that_cannot_be_taken_in_does_not_stop_those_after_it(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            real = desk.services.calls.mirror
            failures: list[object] = []

            async def fail_once(view: object) -> None:
                if not failures:
                    failures.append(view)
                    raise RuntimeError("the disk is full")
                await real(view)  # type: ignore[arg-type]

            desk.services.calls.mirror = fail_once  # type: ignore[method-assign]
            call = desk.zone.live_call(account_id="acme")

            async def known() -> bool:
                return any(
                    record.id == call.call_id for _, record in await desk.services.calls.live_everywhere()
                )

            await desk.until(known)
            assert len(failures) == 1

    asyncio.run(play())
