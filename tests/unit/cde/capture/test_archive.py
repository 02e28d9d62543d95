"""Sessions that are over: the last quarter of an hour in memory, the rest in the store alone."""

import asyncio
from datetime import timedelta

from tests.unit.cde.capture.customer import START, Customer, request

from tonevault.boundary.captures import CaptureState, CaptureView
from tonevault.cde.capture.archive import MAX_RECENT, RECENT, Archive
from tonevault.kernel.ids import AccountId, ChargeId, SessionId


class Shelf:
    """A store that keeps what it is given."""

    def __init__(self) -> None:
        self.views: dict[SessionId, CaptureView] = {}

    async def save(self, view: CaptureView, charge_id: ChargeId | None) -> None:
        self.views[view.session_id] = view

    async def find(self, session_id: SessionId) -> CaptureView | None:
        return self.views.get(session_id)

    async def unknown_of(self, account: AccountId, charge_id: ChargeId) -> CaptureView | None:
        return None

    async def left_open(self) -> list[tuple[CaptureView, ChargeId | None]]:
        return []


def ended(number: int, minutes: float) -> CaptureView:
    mark = "".join(chr(ord("a") + number // 26**place % 26) for place in range(28))
    customer = Customer(request(), seconds=100.0 + 60 * minutes)
    customer.session.cancel(customer.now)
    return customer.session.view().model_copy(update={"session_id": SessionId(f"ps_{mark}")})


def test_what_ended_longer_ago_is_in_the_store_alone() -> None:
    async def run() -> None:
        archive = Archive(Shelf())
        views = [ended(number, minutes=5 * number) for number in range(6)]
        for view in views:
            archive.keep(view, None)
        await archive.close()
        assert archive.recent(START + timedelta(minutes=25)) == views[3:]
        assert len(archive._recent) == RECENT // timedelta(minutes=5)
        assert [await archive.find(view.session_id) for view in views] == views

    asyncio.run(run())


def test_so_many_at_most() -> None:
    async def run() -> None:
        archive = Archive(Shelf())
        view = ended(0, minutes=0)
        for number in range(MAX_RECENT + 5):
            archive.keep(view.model_copy(update={"session_id": SessionId(f"ps_{number}")}), None)
        await archive.close()
        assert len(archive._recent) == MAX_RECENT

    asyncio.run(run())


def test_one_that_waits_for_its_charge_is_looked_for_where_another_node_may_have_settled_it() -> None:
    async def run() -> None:
        shelf = Shelf()
        archive = Archive(shelf)
        view = ended(0, minutes=0)
        waits = view.model_copy(update={"state": CaptureState.UNKNOWN})
        archive.keep(waits, None)
        await archive.close()
        assert await archive.find(view.session_id) == waits
        settled = waits.model_copy(update={"state": CaptureState.SUCCEEDED, "revision": waits.revision + 1})
        await shelf.save(settled, None)
        assert await archive.find(view.session_id) == settled
        await shelf.save(waits.model_copy(update={"revision": waits.revision - 1}), None)
        assert await archive.find(view.session_id) == waits, "an older picture is none"

    asyncio.run(run())
