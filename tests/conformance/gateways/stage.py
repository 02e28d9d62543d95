"""Plays a story on each adapter in turn: the `play` fixture of conftest, and the shape of what it plays."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from tests.conformance.gateways.rigs import Rig

from tonevault.cde.gateway import Feature

Story = Callable[[Rig], Coroutine[None, None, None]]
Play = Callable[[Story], None]


def player(make: Callable[[Path], Rig], folder: Path) -> Play:
    """Plays a story on a rig, and closes its adapter whatever comes of it."""

    def play(story: Story) -> None:
        async def whole() -> None:
            rig = make(folder)
            try:
                await story(rig)
            finally:
                await rig.gateway.close()
                rig.end()

        asyncio.run(whole())

    return play


def needs(rig: Rig, *features: Feature) -> None:
    """Skip what the adapter does not say it can do: it is tested to refuse it elsewhere."""
    for feature in features:
        if not rig.gateway.traits.has(feature):
            pytest.skip(f"has no {feature.value}")
