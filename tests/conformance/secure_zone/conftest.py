"""Each test of the port is played in each of the worlds."""

import asyncio
from pathlib import Path

import pytest
from tests.conformance.secure_zone.desk import Play, Story
from tests.conformance.secure_zone.worlds import WAYS


@pytest.fixture(params=list(WAYS))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    def run(story: Story) -> None:
        async def whole() -> None:
            async with WAYS[request.param](tmp_path) as world:
                await story(world)

        asyncio.run(whole())

    return run
