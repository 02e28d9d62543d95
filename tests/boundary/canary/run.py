"""The canary run: the deployed product, every canary keyed in every way, and all that comes out of it gathered."""

import asyncio
from pathlib import Path
from typing import Final

from tests.boundary.canary import crashes
from tests.boundary.canary.agent_leg import audible_keys, keys_on_any_channel
from tests.boundary.canary.desk_client import until
from tests.boundary.canary.evidence import Evidence, Kind
from tests.boundary.canary.gathering import Gathering
from tests.boundary.canary.money_plays import CHECKED, card_is_checked, money_moves
from tests.boundary.canary.plays import PLAYS
from tests.boundary.canary.real_peers import PANEL, SIPP, PanelPlay, keys_by_sipp
from tests.boundary.canary.stage import CanaryStage, LineKind
from tests.boundary.canary.webhook_play import webhooks_arrive
from tests.e2e.peers.browser_traffic import Exhibit
from tests.e2e.peers.wav import load

_LINES: Final = {
    **{play.name: play.kind for play in PLAYS},
    **dict.fromkeys((SIPP, *crashes.LINES), LineKind.TALK),
    CHECKED: LineKind.CHECKED,
}
ALL_LINES: Final = frozenset({*_LINES, PANEL})
STRAY_LINE, SEALED_LINE = "stray", "tones"
"""Keys were pressed on both: on the one while no field waited, so that its recording holds them; on the other in a capture."""
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
        stray = gathering.stage.calls[STRAY_LINE]
        for call, path in gathering.recordings().items():
            name = STRAY_LINE if call == stray else f"recording of {call}"
            gathering.evidence.keys_in_recordings[name] = keys_on_any_channel(path)
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
        await _print(gathering, stage)


async def _print(gathering: Gathering, stage: CanaryStage) -> None:
    """What the commands say of the calls' recordings, of the logs and of the keys."""
    wanted = [stage.calls[line] for line in (STRAY_LINE, SEALED_LINE)]

    async def both() -> list[str] | None:
        there = gathering.recordings()
        return [str(there[one]) for one in wanted] if there.keys() >= set(wanted) else None

    stray, sealed = await until("recordings of two calls", both)
    commands = (
        ("tones", stray),
        ("tones", "--json", sealed),
        ("doctor",),
        ("doctor", "--json"),
        ("doctor", "--audit"),
        ("keys", "status"),
        ("keys", "status", "--json"),
    )
    gathering.evidence.exits = dict(zip(commands, await gathering.print_commands(*commands), strict=True))


async def _play(gathering: Gathering, stage: CanaryStage, panel: PanelPlay) -> None:
    """All plays at once, as many as there is room for; the first failure ends the run."""
    assert stage.desk is not None
    async with asyncio.TaskGroup() as group:
        for play in PLAYS:
            group.create_task(play.act(stage), name=play.name)
        group.create_task(asyncio.to_thread(keys_by_sipp, gathering.house, stage, gathering.peers))
        group.create_task(asyncio.to_thread(panel.act, gathering.house))
        group.create_task(money_moves(stage.desk))
        group.create_task(card_is_checked(stage, gathering.house))
        group.create_task(webhooks_arrive(gathering.house.ports.webhooks))
