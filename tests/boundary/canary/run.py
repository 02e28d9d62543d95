"""The canary run: the deployed product, every canary keyed in every way, and all that comes out of it gathered."""

import asyncio
from pathlib import Path
from typing import Final

from tests.boundary.canary import crashes
from tests.boundary.canary.agent_leg import audible_keys
from tests.boundary.canary.evidence import Evidence, Kind
from tests.boundary.canary.gathering import Gathering
from tests.boundary.canary.plays import PLAYS
from tests.boundary.canary.real_peers import PANEL, SIPP, PanelPlay, keys_by_sipp
from tests.boundary.canary.stage import CanaryStage, LineKind
from tests.e2e.peers.browser_traffic import Exhibit
from tests.e2e.peers.wav import load

_LINES: Final = {play.name: play.kind for play in PLAYS} | dict.fromkeys(
    (SIPP, *crashes.LINES), LineKind.TALK
)
ALL_LINES: Final = frozenset({*_LINES, PANEL})
AFTER: Final = "after all sessions"
MEANWHILE: Final = "while a card is in hand"


def canary_run(folder: Path) -> Evidence:
    """From the start of the product to its end; what it left."""
    gathering = Gathering(folder, _LINES)
    try:
        panel = PanelPlay(gathering.peers)
        asyncio.run(_act(gathering, panel))
        gathering.gather(panel.leg)
        for path in panel.recordings():
            gathering.evidence.add(Kind.RECORDING, [Exhibit(path.name, path.read_bytes())])
            gathering.evidence.keys_in_recordings[path.name] = audible_keys(load(path))
        if panel.browser is not None:
            gathering.evidence.add(Kind.BROWSER, panel.browser.traffic.exhibits())
    finally:
        gathering.close()
    return gathering.evidence


async def _act(gathering: Gathering, panel: PanelPlay) -> None:
    house = gathering.house
    async with gathering.up(panel.route) as stage:
        await _play(gathering, stage, panel)
        await crashes.faults_with_a_card_in_hand(stage, house)
        # All of them have lived since before the first key, and the last session is over.
        await gathering.read_memory(AFTER)
        await crashes.relay_crashes(stage, house)
        await crashes.desk_is_killed(stage, house, lambda: gathering.read_memory(MEANWHILE, "desk"))
        await crashes.secure_zone_is_killed(stage, house, gathering.tap)


async def _play(gathering: Gathering, stage: CanaryStage, panel: PanelPlay) -> None:
    """All plays at once, as many as there is room for; the first failure ends the run."""
    async with asyncio.TaskGroup() as group:
        for play in PLAYS:
            group.create_task(play.act(stage), name=play.name)
        group.create_task(asyncio.to_thread(keys_by_sipp, gathering.house, stage, gathering.peers))
        group.create_task(asyncio.to_thread(panel.act, gathering.house))
