"""Every test of this room runs on each kind of database."""

from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from tests.key_room import KeyRoom
from tests.till import Till, player

Story = Callable[[KeyRoom], Coroutine[None, None, None]]
Play = Callable[[Story], None]


@pytest.fixture(autouse=True)
def _on_each(every_database: object) -> None: ...


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Plays a story in a room of keys of its own."""

    def run(story: Story) -> None:
        async def on_till(till: Till) -> None:
            await story(KeyRoom(till))

        player(tmp_path)(on_till)

    return run
