"""`tonevault serve`: starts both zones as processes of their own, starts one again that dies, and stops both together."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

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

log = get_logger(__name__)


@dataclass(slots=True)
class Zone:
    """One child process and its way of life."""

    name: str
    arguments: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Runs zones until one cannot be configured or `stop` is called."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self.zones = list(zones)
        self._stopping = asyncio.Event()
        self.exit_code = 0

    async def run(self) -> int:
        """Keep every zone up; answers the exit code of the whole."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        kept = {zone.name: asyncio.create_task(self._keep(zone)) for zone in self.zones}
        await self._stopping.wait()
        # Last started, first stopped: whoever depends on a zone ends before it.
        for zone in reversed(self.zones):
            zone.stopping.set()
            await kept[zone.name]
        return self.exit_code

    def stop(self) -> None:
        """Begin to stop; `run` returns when all zones have ended."""
        self._stopping.set()

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
            code = await self._watch(zone.process, zone.stopping)
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

    async def _watch(self, process: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
        """Wait for the process to end, or end it when the whole stops."""
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            process.terminate()
            try:
                await asyncio.wait_for(asyncio.shield(ended), STOP_S)
            except TimeoutError:
                process.kill()
        return await ended


def both_zones(config: Path | None) -> list[Zone]:
    """The secure zone first: the desk waits for it anyway."""
    common = ["--config", str(config)] if config else []
    return [Zone("secure", [*common, "secure"]), Zone("desk", [*common, "desk"])]
