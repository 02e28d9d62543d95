"""Sessions in the database: the newest view wins whatever the order of writing, and no digit but the last four gets there."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.databases import Kind, secure_url, written
from tests.unit.cde.capture.customer import Customer, request

from tonevault.boundary.captures import CaptureState, CaptureView
from tonevault.cde.capture.store import SqlCaptureStore
from tonevault.cde.migrations import SCRIPTS
from tonevault.kernel.ids import ChargeId, SessionId
from tonevault.plumbing.migrations import upgrade
from tonevault.plumbing.sql import Database

CHARGE = ChargeId("ch_" + "a" * 28)
Play = Callable[[Callable[[Database], Awaitable[None]]], None]


@pytest.fixture
def play(every_database: Kind, tmp_path: Path) -> Play:
    def run(story: Callable[[Database], Awaitable[None]]) -> None:
        async def whole() -> None:
            database = Database(secure_url(tmp_path))
            upgrade(database, SCRIPTS)
            try:
                await story(database)
            finally:
                await database.close()

        asyncio.run(whole())

    return run


def views() -> tuple[CaptureView, CaptureView]:
    """A session captured, and canceled later."""
    customer = Customer()
    customer.capture_all()
    early = customer.session.view()
    customer.session.cancel(customer.now)
    return early, customer.session.view()


def test_the_newest_view_wins_in_any_order(play: Play) -> None:
    async def story(database: Database) -> None:
        store = SqlCaptureStore(database)
        early, late = views()
        assert await store.find(early.session_id) is None
        for order in ((early, late), (late, early), (late, late)):
            for view in order:
                await store.save(view, CHARGE)
            assert await store.find(early.session_id) == late
        assert await store.left_open() == []

    play(story)


def test_what_a_node_left_open_is_its_own(play: Play) -> None:
    async def story(database: Database) -> None:
        early, _ = views()
        await SqlCaptureStore(database, "one").save(early, CHARGE)
        other = Customer(request("b")).session.view()
        await SqlCaptureStore(database, "two").save(other, None)
        assert await SqlCaptureStore(database, "one").left_open() == [(early, CHARGE)]
        assert await SqlCaptureStore(database, "two").left_open() == [(other, None)]

    play(story)


def test_who_waits_for_a_charge(play: Play) -> None:
    async def story(database: Database) -> None:
        store = SqlCaptureStore(database)
        early, _ = views()
        await store.save(early, CHARGE)
        assert await store.unknown_of(early.account_id, CHARGE) is None
        waiting = early.model_copy(update={"state": CaptureState.UNKNOWN, "revision": early.revision + 1})
        await store.save(waiting, CHARGE)
        assert await store.unknown_of(early.account_id, CHARGE) == waiting
        assert await store.unknown_of(early.account_id, ChargeId("ch_" + "z" * 28)) is None
        assert await store.find(SessionId("ps_" + "z" * 28)) is None

    play(story)


def test_only_masks_are_written(play: Play, tmp_path: Path) -> None:
    async def story(database: Database) -> None:
        await SqlCaptureStore(database).save(views()[0], CHARGE)

    play(story)
    stored = written(tmp_path)
    assert b"**** **** **** 4242" in stored
    assert b"42424242" not in stored
    assert b'"123"' not in stored
