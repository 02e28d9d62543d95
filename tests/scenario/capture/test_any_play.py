"""Random plays of agent, customer and carriers, from a seed: whatever happens, nothing stays open and nobody is charged twice."""

import asyncio
import contextlib
import random
from pathlib import Path

import pytest
from tests.capture_stage import GOOD, CaptureStage, play

from tonevault.boundary.captures import CaptureState, CaptureView, FieldName, FieldState
from tonevault.boundary.notices import CaptureChanged
from tonevault.boundary.problems import SecureZoneError
from tonevault.cde.capture.mask_keeper import TAIL_LIMIT_S
from tonevault.cde.capture.model import LIVE
from tonevault.cde.media import Carrier
from tonevault.kernel.ids import CallId

STEPS = 100
NUMBERS = ("4242424242424242", "378282246310005", "4000000000009995", "4000000000009003", "4242424242424241")


class Play:
    """One seed's play on one stage."""

    def __init__(self, stage: CaptureStage, seed: int, *, crashes: bool = True) -> None:
        self.stage = stage
        self.random = random.Random(seed)
        self.calls = [stage.live_call()]
        self.views: list[CaptureView] = []
        self.crashes = crashes
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        acts = (
            (self.open, 8),
            (self.start, 6),
            (self.key, 12),
            (self.key_a_whole_field, 12),
            (self.key_every_field, 20),
            (self.complete, 25),
            (self.cancel, 2),
            (self.hang_up, 1),
            (self.wait, 8),
            (self.hush, 2),
            (self.crash, self.crashes),
        )
        for _ in range(STEPS):
            (act,) = self.random.choices([act for act, _ in acts], [weight for _, weight in acts])
            with contextlib.suppress(SecureZoneError):
                await act()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        for call in list(self.stage.calls):
            self.stage.hang_up(call)

    @property
    def call(self) -> CallId:
        return self.random.choice(self.calls)

    @property
    def view(self) -> CaptureView:
        return self.random.choice(self.views[-2:]) if self.views else self.fail()

    def fail(self) -> CaptureView:
        raise SecureZoneError(404, "not_found", "nothing was opened yet")

    async def open(self) -> None:
        self.views.append(
            await self.stage.zone.open_capture(
                self.stage.request(self.call, max_attempts=self.random.randint(1, 5))
            )
        )

    async def start(self) -> None:
        await self.stage.zone.start_field(self.view.session_id, self.random.choice(list(GOOD)))

    async def key(self) -> None:
        carriers = self.random.sample(list(Carrier), self.random.randint(1, 3))
        self.stage.key(self.call, self.random.choice("0123456789*#ABCD"), *carriers)

    async def key_a_whole_field(self) -> None:
        view, name = self.view, self.random.choice(list(GOOD))
        keys = self.random.choice(NUMBERS) if name is FieldName.CARD_NUMBER else GOOD[name]
        await self.stage.zone.start_field(view.session_id, name)
        self.stage.key(view.call_id, keys + "#", *self.random.sample(list(Carrier), 2))

    async def key_every_field(self) -> None:
        if self.views[-1:]:
            await self.stage.capture_all(
                self.views[-1],
                card_number=self.random.choice(NUMBERS[1:4]),
                security_code=self.random.choice(("123", "1234")),
            )

    async def complete(self) -> None:
        session_id = self.view.session_id
        if self.random.random() < 0.5:
            await self.stage.zone.complete(session_id)
            return

        async def meanwhile() -> None:
            await self.stage.zone.complete(session_id)

        self.tasks.add(asyncio.create_task(meanwhile()))

    async def cancel(self) -> None:
        await self.stage.zone.cancel(self.view.session_id)

    async def hang_up(self) -> None:
        if len(self.stage.calls) > 1:
            self.stage.hang_up(self.call)
        self.calls = [*self.stage.calls, self.stage.live_call()]

    async def wait(self) -> None:
        self.stage.advance(self.random.choice((0.5, 0.5, 4.0, 4.0, 11.0, 31.0, 700.0)))

    async def hush(self) -> None:
        await self.stage.zone.set_hush(self.call, on=self.random.random() < 0.5)

    async def crash(self) -> None:
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.stage.crash()
        self.calls = [self.stage.live_call()]


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happens(seed: int, tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        acts = Play(stage, seed)
        await acts.run()
        stage.advance(TAIL_LIMIT_S)
        assert stage.switch.masks == {}, seed
        assert stage.timers.waiting == 0, seed
        for view in acts.views:
            ended = await stage.zone.capture(view.session_id)
            assert ended.state not in LIVE, seed
            assert ended.revision > view.revision, seed
            assert all(field.state is not FieldState.CAPTURING for field in ended.fields), seed
            charged = ended.charge is not None
            assert charged is (
                ended.state in (CaptureState.SUCCEEDED, CaptureState.DECLINED, CaptureState.UNKNOWN)
            ), seed
        movements = await stage.till.simulator.movements(stage.request(acts.call).account_id)
        assert len(movements) == len({each.reference for each in movements}), seed
        assert len(movements) <= len(acts.views), seed

    play(story, tmp_path)


@pytest.mark.parametrize("seed", range(100, 105))
def test_what_a_listener_hears_is_in_order(seed: int, tmp_path: Path) -> None:
    async def story(stage: CaptureStage) -> None:
        latest: dict[str, CaptureView] = {}
        acts = Play(stage, seed, crashes=False)
        with stage.service.board.listen() as listener:
            await acts.run()
            while not listener._queue.empty():
                notice = listener._queue.get_nowait()
                if isinstance(notice, CaptureChanged):
                    view = notice.capture
                    before = latest.get(view.session_id)
                    assert before is None or view.revision > before.revision, seed
                    assert before is None or before.state in (*LIVE, CaptureState.UNKNOWN), seed
                    latest[view.session_id] = view
        assert len(latest) == len(acts.views)
        for view in latest.values():
            assert await stage.zone.capture(view.session_id) == view, seed

    play(story, tmp_path)
