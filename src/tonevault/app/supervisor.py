"""`tonevault serve`: starts both zones as processes of their own, starts one again that dies, and stops both together."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tonevault.app.stop_wish import StopWish
from tonevault.plumbing.log import get_logger

STOP_S: Final = 10.0
"""How long a zone may take to end its work before it is killed."""
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
"""A zone that dies at once is started again ever more slowly, up to this."""
STEADY_S: Final = 30.0
"""A zone that lived this long has earned the short pause again."""
CONFIGURATION_EXIT: Final = 78
"""EX_CONFIG of sysexits(3): the zone cannot start as it is configured, and starting it again would not help."""
TEMPORARY_EXIT: Final = 75
"""EX_TEMPFAIL of sysexits(3): something outside does not answer, and starting again is the remedy."""

log = get_logger(__name__)


@dataclass(slots=True)
class Zone:
    """One child process and its way of life."""

    name: str
    arguments: Sequence[str]
    drain_s: float = 0.0
    """How long it may take to finish what is under way; until then every other zone goes on."""
    process: asyncio.subprocess.Process | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs zones until one cannot be configured or `stop` is called."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self.zones = list(zones)
        self._wish = StopWish()
        self.exit_code = 0

    async def run(self) -> int:
        """Keep every zone up; answers the exit code of the whole."""
        self._wish.listen()
        kept = {zone.name: asyncio.create_task(self._keep(zone)) for zone in self.zones}
        await self._wish.asked.wait()
        # Whoever has calls to finish goes first, for they are finished with the help of the others; then the last started is the first
        # stopped: whoever depends on a zone ends before it.
        last_first = self.zones[::-1]
        last_first.sort(key=lambda each: not each.drain_s)
        for zone in last_first:
            zone.stopping.set()
            await kept[zone.name]
        return self.exit_code

    def stop(self) -> None:
        """Begin to stop, and hurry when asked again; `run` returns when all zones have ended."""
        self._wish.hear()

    async def _keep(self, zone: Zone) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while not zone.stopping.is_set():
            born = loop.time()
            zone.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tonevault.app.cli",
                "--parent",
                str(os.getpid()),
                *zone.arguments,
                # The children take their stop from us, in order, and not from the terminal's Ctrl-C.
                start_new_session=True,
            )
            code = await self._watch(zone.process, zone)
            if zone.stopping.is_set():
                return
            if code == CONFIGURATION_EXIT:
                self.exit_code = code
                self.stop()
                return
            pause = FIRST_PAUSE_S if loop.time() - born > STEADY_S else min(pause * 2, LONGEST_PAUSE_S)
            log.error("zone died; starting it again", zone=zone.name, exit_code=code, pause_s=pause)
            try:
                await asyncio.wait_for(zone.stopping.wait(), pause)
            except TimeoutError:
                continue

    async def _watch(self, process: asyncio.subprocess.Process, zone: Zone) -> int:
        """Wait for the process to end, or end it when the whole stops."""
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(zone.stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            process.terminate()
            if zone.drain_s and not await self._wish.patiently(_none(ended), zone.drain_s):
                process.terminate()
            try:
                await asyncio.wait_for(asyncio.shield(ended), STOP_S)
            except TimeoutError:
                process.kill()
        return await ended


async def _none(ended: "asyncio.Future[int]") -> None:
    """Wait for an end that goes on being waited for by others."""
    await asyncio.shield(ended)


def both_zones(config: Path | None, drain_s: float = 0.0) -> list[Zone]:
    """The secure zone first: the desk waits for it anyway."""
    common = ["--config", str(config)] if config else []
    return [Zone("secure", [*common, "secure"], drain_s), Zone("desk", [*common, "desk"])]
