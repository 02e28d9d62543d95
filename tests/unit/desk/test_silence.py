"""A warning tells of a silence of the secure zone once: never while both zones start, at once when one that was heard falls silent."""

import asyncio
from pathlib import Path

import pytest
from tests.unit.desk.bench import BenchClock, open_desk

from tonevault.desk.link import SecureLink
from tonevault.desk.silence import START_GRACE_S, SilenceWatch
from tonevault.testing.secure_zone import FakeSecureZone

WARNING = "secure_zone_silent"


def watch() -> tuple[BenchClock, SecureLink, SilenceWatch]:
    clock = BenchClock()
    link = SecureLink(clock)
    return clock, link, SilenceWatch(link)


def test_a_start_is_no_silence_until_the_grace_is_over() -> None:
    clock, _, silence = watch()
    said = []
    for _ in range(6):
        said.append(silence.is_news())
        clock.advance(START_GRACE_S / 3)
    assert said == [False, False, False, True, False, False]


def test_whoever_was_heard_is_missed_at_once_and_once() -> None:
    clock, link, silence = watch()
    for _ in range(2):
        link.came_up()
        silence.heard()
        clock.advance(3_600)
        said = []
        for _ in range(3):
            said.append(silence.is_news())
            link.went_down()
            clock.advance(1)
        assert said == [True, False, False]


def test_a_silence_that_a_start_began_is_forgotten_when_it_ends() -> None:
    clock, link, silence = watch()
    clock.advance(START_GRACE_S + 1)
    assert silence.is_news()
    link.came_up()
    silence.heard()
    link.went_down()
    assert silence.is_news()


@pytest.mark.parametrize("is_late", [False, True])
def test_a_desk_that_starts_before_its_zone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, is_late: bool
) -> None:
    async def play() -> None:
        zone = FakeSecureZone()
        zone.unreachable = True
        tries, reach = 0, zone._reach

        def counted() -> None:
            nonlocal tries
            tries += 1
            reach()

        zone._reach = counted  # type: ignore[method-assign]
        async with open_desk(tmp_path, zone=zone) as desk:

            async def tried_twice() -> bool:
                return tries >= before + 2

            before = tries
            await desk.until(tried_twice)
            if is_late:
                desk.clock.advance(START_GRACE_S)
                before = tries
                await desk.until(tried_twice)
            zone.unreachable = False
            await desk.caught_up()

    asyncio.run(play())
    said = capsys.readouterr()
    assert (said.out + said.err).count(WARNING) == is_late


def test_a_zone_that_was_heard_and_dies_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk:

            async def is_down() -> bool:
                return not desk.services.link.is_up

            for _ in range(2):
                desk.zone.unreachable = True
                await desk.until(is_down)
                desk.zone.unreachable = False
                await desk.caught_up()

    asyncio.run(play())
    said = capsys.readouterr()
    assert (said.out + said.err).count(WARNING) == 2
