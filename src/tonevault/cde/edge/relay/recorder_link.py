"""The recorder as the controller sees it: one process for all workers, started again when it dies. It refuses to let voice depend on it."""

import asyncio
import logging
import os
import socket
from pathlib import Path
from typing import Final

from tonevault.cde.edge.relay.control_frames import Kind, kind_of, plain_frame, read_failed
from tonevault.cde.edge.relay.worker_link import WorkerLink
from tonevault.cde.media import MediaUnavailableError

RECORDER_MODULE: Final = "tonevault.cde.edge.relay.recorder"
READY_S: Final = 30.0
"""It waits for its predecessor to finish, and repairs what one left behind that was killed."""
RESPAWN_S: Final = 1.0
END_S: Final = 10.0
"""How long it may take to finish its files."""

_log = logging.getLogger(__name__)


class RecorderLink:
    """Brings workers and recorder together. To be used on one event loop."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._link: WorkerLink | None = None
        self._workers: list[WorkerLink] = []
        self._died = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the recorder and wait until it is ready. Raises MediaUnavailableError."""
        await self._start()
        self._died.clear()
        self._watching = asyncio.create_task(self._watch())

    async def _start(self) -> None:
        try:
            link = self._link = WorkerLink(
                self._take_frame, self._on_death, module=RECORDER_MODULE, arguments=(str(self._directory),)
            )
        except OSError as error:
            raise MediaUnavailableError(f"recorder: cannot be started: {error.strerror}") from None
        try:
            await asyncio.wait_for(link.is_ready.wait(), READY_S)
        except TimeoutError:
            link.give_up()
            await link.reap(END_S)
            raise MediaUnavailableError(
                f"recorder: not ready within {READY_S:.0f} s; another may record to the same directory"
            ) from None
        if link.is_dead:
            await link.reap(END_S)
            raise MediaUnavailableError("recorder: ended while it started; it says why on standard error")

    def join(self, worker: WorkerLink) -> None:
        """From now on what this worker sends is recorded."""
        self._workers = [each for each in self._workers if not each.is_over and each is not worker]
        self._workers.append(worker)
        if self._link is None or self._link.is_dead:
            return
        workers_end, recorders_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.send(plain_frame(Kind.RECORD_FROM), (recorders_end,))
        worker.send(plain_frame(Kind.RECORD_TO), (workers_end,))

    async def stop(self) -> None:
        """To be called when the workers have ended: the recorder finishes its files and ends."""
        if self._watching is not None:
            self._watching.cancel()
        if self._link is not None:
            self._link.hang_up()
            await self._link.reap(END_S)

    @staticmethod
    def _take_frame(link: WorkerLink, frame: memoryview) -> None:
        kind, _ = kind_of(frame)
        if kind is Kind.READY:
            link.is_ready.set()
        elif kind is Kind.FAILED:
            _log.error("a recording stopped, its call goes on: %s", os.strerror(read_failed(frame)))

    def _on_death(self, _: WorkerLink) -> None:
        self._died.set()

    async def _watch(self) -> None:
        """Start it again when it dies, and bring every worker to it."""
        while True:
            await self._died.wait()
            self._died.clear()
            _log.error("recorder ended: what is said until it is back is not recorded")
            if self._link is not None:
                await self._link.reap(END_S)
            await asyncio.sleep(RESPAWN_S)
            try:
                await self._start()
            except MediaUnavailableError as error:
                _log.error("%s", error)
                self._died.set()
                continue
            for worker in tuple(self._workers):
                self.join(worker)
