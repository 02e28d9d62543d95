"""Notices reach every listener in order; one that falls behind is cut off and costs the others nothing."""

import asyncio

import pytest

from tonevault.boundary.notices import Notice, Ping
from tonevault.cde.capture.notice_board import MAX_LISTENERS, MAX_WAITING, NoticeBoard, TooManyListenersError


def numbered(count: int) -> list[Notice]:
    """Notices that can be told apart by identity."""
    return [Ping() for _ in range(count)]


def test_every_listener_hears_everything_in_order() -> None:
    async def story() -> None:
        board = NoticeBoard()
        notices = numbered(5)
        with board.listen() as one, board.listen() as other:
            for notice in notices:
                board.publish(notice)
            for listener in (one, other):
                heard = aiter(listener)
                assert all([(await anext(heard)) is notice for notice in notices])

    asyncio.run(story())


def test_a_listener_that_falls_behind_is_cut_off_alone() -> None:
    async def story() -> None:
        board = NoticeBoard()
        with board.listen() as slow, board.listen() as quick:
            reading = aiter(quick)
            for notice in numbered(MAX_WAITING + 5):
                board.publish(notice)
                assert await anext(reading) is notice
            assert [each async for each in slow] == []

    asyncio.run(story())


def test_closing_ends_every_iteration_now_and_later() -> None:
    async def story() -> None:
        board = NoticeBoard()
        with board.listen() as listener:
            reading = asyncio.create_task(anext(aiter(listener), None))
            await asyncio.sleep(0)
            board.close()
            assert await reading is None
        with board.listen() as late:
            board.publish(Ping())
            assert [each async for each in late] == []

    asyncio.run(story())


def test_listeners_are_limited_and_leave() -> None:
    async def story() -> None:
        board = NoticeBoard()
        for _ in range(2 * MAX_LISTENERS):
            with board.listen():
                pass
        listening = [board.listen() for _ in range(MAX_LISTENERS)]
        for each in listening:
            each.__enter__()
        with pytest.raises(TooManyListenersError), board.listen():
            pass

    asyncio.run(story())
