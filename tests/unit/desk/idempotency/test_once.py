"""A key stands for one act, whatever dies in between."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.unit.desk.bench import ACME, Bench, open_desk

from tonevault.desk.idempotency.service import KEPT, LOCK, MAX_KEY, KeyedRequest, StoredAnswer
from tonevault.desk.refusal import Refusal
from tonevault.desk.schema import IDEMPOTENCY_KEY


async def renewed(desk: Bench) -> None:
    """Wait until the holder has said once more that it lives."""
    until = desk.clock.utc() + LOCK

    async def seen() -> bool:
        wanted = select(IDEMPOTENCY_KEY.c.locked_until)
        rows = await desk.database.read(lambda c: c.execute(wanted).scalars().all())
        return list(rows) == [until]

    await desk.until(seen)


REQUEST = KeyedRequest("key", "POST", "/v1/things", b"{}")


def test_an_act_cut_short_is_taken_up_again_under_the_same_id(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            once, letters = desk.services.idempotency, []

            async def die(given: str) -> object:
                letters.append(given)
                raise asyncio.CancelledError

            async def act(given: str) -> object:
                letters.append(given)
                return {"id": given}

            with pytest.raises(asyncio.CancelledError):
                await once.once(ACME, REQUEST, 201, die)
            with pytest.raises(Refusal) as refused:
                await once.once(ACME, REQUEST, 201, act)
            assert refused.value.code == "idempotency_in_flight"
            desk.clock.advance(LOCK.total_seconds() + 1)
            first = await once.once(ACME, REQUEST, 201, act)
            assert first == await once.once(ACME, REQUEST, 201, act)
            assert first == StoredAnswer(201, b'{"id":"' + letters[0].encode() + b'"}')
            assert len(set(letters)) == 1
            assert len(letters) == 2

    asyncio.run(play())


def test_a_clock_that_is_set_back_locks_no_key(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            once = desk.services.idempotency

            async def refuse(given: str) -> object:
                raise Refusal(409, "call_not_live", given)

            async def act(given: str) -> object:
                return {"id": given}

            with pytest.raises(Refusal, match="call_not_live"):
                await once.once(ACME, REQUEST, 201, refuse)
            desk.clock.advance(-3600)
            assert (await once.once(ACME, REQUEST, 201, act)).status == 201

    asyncio.run(play())


def test_a_living_holder_keeps_its_key_for_as_long_as_it_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tonevault.desk.idempotency.service.RENEW_S", 0.005)

    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            once, done = desk.services.idempotency, asyncio.Event()

            async def act(given: str) -> object:
                await done.wait()
                return {"id": given}

            first = asyncio.create_task(once.once(ACME, REQUEST, 201, act))
            for _ in range(3):
                desk.clock.advance(LOCK.total_seconds() - 1)
                await renewed(desk)
                with pytest.raises(Refusal) as refused:
                    await once.once(ACME, REQUEST, 201, act)
                assert refused.value.code == "idempotency_in_flight"
            done.set()
            answer = await first
            assert await once.once(ACME, REQUEST, 201, act) == answer

    asyncio.run(play())


def test_a_refused_act_may_be_tried_again_at_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:
            tries = []

            async def act(given: str) -> object:
                tries.append(given)
                if len(tries) == 1:
                    raise Refusal(409, "not_now", "Not now.")
                return {}

            with pytest.raises(Refusal):
                await desk.services.idempotency.once(ACME, REQUEST, 200, act)
            await desk.services.idempotency.once(ACME, REQUEST, 200, act)
            assert len(set(tries)) == 1

    asyncio.run(play())


def test_after_a_day_a_key_is_new_again(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:

            async def act(given: str) -> object:
                return {"id": given}

            first = await desk.services.idempotency.once(ACME, REQUEST, 200, act)
            desk.clock.advance(KEPT.total_seconds() - 1)
            await desk.services.idempotency.forget_old()
            assert await desk.services.idempotency.once(ACME, REQUEST, 200, act) == first
            desk.clock.advance(1)
            assert await desk.services.idempotency.once(ACME, REQUEST, 200, act) != first

    asyncio.run(play())


@pytest.mark.parametrize(("length", "status"), [(MAX_KEY, 201), (MAX_KEY + 1, 422)])
def test_a_key_has_a_length(tmp_path: Path, length: int, status: int) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.client() as client:
            headers = {"Idempotency-Key": "x" * length}
            answer = await client.post("/v1/customers", json={"name": "Ann"}, headers=headers)
            assert answer.status_code == status

    asyncio.run(play())
