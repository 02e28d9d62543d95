"""The first signal asks, the second hurries; patience ends by either."""

import asyncio

from tonevault.app.stop_wish import StopWish


def test_the_second_signal_hurries() -> None:
    async def run() -> None:
        wish = StopWish()
        wish.hear()
        assert (wish.asked.is_set(), wish.hurried.is_set()) == (True, False)
        wish.hear()
        assert wish.hurried.is_set()

    asyncio.run(run())


def test_patience_ends_with_the_work_the_time_or_the_hurry() -> None:
    async def run() -> None:
        wish, done = StopWish(), asyncio.Event()

        async def work() -> None:
            await done.wait()

        assert not await wish.patiently(work(), 0.01)
        waiting = asyncio.create_task(wish.patiently(work(), 60))
        await asyncio.sleep(0)
        wish.hear()
        wish.hear()
        assert not await waiting
        done.set()
        assert await StopWish().patiently(work(), 60)

    asyncio.run(run())
