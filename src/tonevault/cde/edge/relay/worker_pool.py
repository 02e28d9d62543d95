"""The relay workers as a crew: started, watched, replaced when they die, hang or grow, drained when they are to go. It knows no calls but
by their number, and refuses to end a worker that still carries one."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Final

from tonevault.cde.edge.relay.control_frames import Kind, kind_of, read_load
from tonevault.cde.edge.relay.worker_link import FrameTaker, RelayedCall, WorkerLink
from tonevault.cde.media import MediaUnavailableError

RESPAWN_S: Final = 0.2
RESPAWN_LONGEST_S: Final = 30.0
"""A worker that dies is replaced at once, one that dies again and again at growing intervals."""
STEADY_S: Final = 60.0
"""A worker that lived this long did not die of its start."""
READY_S: Final = 30.0
"""A worker loads numerical libraries at its start, which takes long on a machine that is busy starting everything at once."""
WATCH_S: Final = 1.0
HANG_S: Final = 15.0
"""A worker tells its load every 5 s: after three missing words it hangs. Shorter would kill one that a busy machine only delays."""
END_S: Final = 5.0
"""How long a worker that was told to end may take."""
CALL_PERMILLE: Final = 1.3
"""Of a core, by benchmarks/relay.py: what a call adds to a worker's load before the worker itself tells."""
EVEN_PERMILLE: Final = 50
"""Workers whose loads differ by less are taken for equally busy, and the one with fewer calls gets the next."""

_log = logging.getLogger(__name__)


class WorkerPool:
    """`size` workers that take calls, beside those that only finish what they have. To be used on one event loop."""

    def __init__(
        self,
        size: int,
        memory_limit: int,
        taker: FrameTaker,
        on_lost: Callable[[list[RelayedCall]], None],
        greet: Callable[[WorkerLink], None],
    ) -> None:
        """`taker` gets all frames but those about the worker itself; `on_lost` the calls of a worker that died; `greet` tells a new one
        what it must know before its first call. A worker that is larger than `memory_limit` octets is replaced."""
        self._size = size
        self._memory_limit = memory_limit
        self._taker = taker
        self._on_lost = on_lost
        self._greet = greet
        self.links: list[WorkerLink] = []
        """Those that take calls."""
        self.leaving: list[WorkerLink] = []
        """Those that are drained."""
        self._outgoing: set[WorkerLink] = set()
        """Those that are to be drained as soon as another is ready."""
        self._started = False
        self._stopping = False
        self._respawn_s = RESPAWN_S
        self._watching: set[asyncio.Task[None]] = set()
        self._reaping: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the workers and wait until all are ready. Raises MediaUnavailableError if one does not come up; then none is left."""
        try:
            await self._start()
        except MediaUnavailableError:
            await self.stop()
            raise
        self._started = True
        _spawn(self._watch(), self._watching)

    async def _start(self) -> None:
        try:
            for _ in range(self._size):
                self._add()
            links = tuple(self.links)
            async with asyncio.timeout(READY_S):
                for link in links:
                    await link.is_ready.wait()
        except TimeoutError:
            raise MediaUnavailableError(
                f"relay workers: not ready within {READY_S:.0f} s of their start"
            ) from None
        except OSError as error:
            raise MediaUnavailableError(f"relay workers: cannot be started: {error.strerror}") from error
        if any(link.is_dead for link in links):
            raise MediaUnavailableError(
                "relay workers: one ended while it started; it says why on standard error"
            )

    async def stop(self) -> None:
        """End the workers, and with them every call."""
        self._stopping = True
        for task in tuple(self._watching):
            task.cancel()
        links = [*self.links, *self.leaving]
        self.links, self.leaving = [], []
        for link in links:
            link.hang_up()
        await asyncio.gather(*self._reaping, *(link.reap(END_S) for link in links))

    def least_loaded(self) -> WorkerLink:
        """Who is to take the next call. Raises MediaUnavailableError."""
        if self._stopping or not self.links:
            raise MediaUnavailableError("relay workers: none is running; a new one is being started")
        return min(self.links, key=_load_of)

    def drain(self, link: WorkerLink) -> None:
        """Start another worker in this one's place; from then on this one gets no more calls, and it ends with its last."""
        if link in self.links and link not in self._outgoing:
            self._outgoing.add(link)
            _spawn(self._relieve(link), self._watching)

    async def _relieve(self, link: WorkerLink) -> None:
        try:
            relief = self._add()
            await asyncio.wait_for(relief.is_ready.wait(), READY_S)
        except (OSError, TimeoutError):
            _log.error("relay worker cannot be replaced: it goes on")
            return
        finally:
            self._outgoing.discard(link)
        if link in self.links:
            self.links.remove(link)
            self.leaving.append(link)
            self.call_ended(link)

    def call_ended(self, link: WorkerLink) -> None:
        """A call of this worker is over: one that is drained ends with its last."""
        if link in self.leaving and not link.calls:
            self.leaving.remove(link)
            link.hang_up()
            _spawn(link.reap(END_S), self._reaping)

    def _add(self) -> WorkerLink:
        link = WorkerLink(self._take_frame, self._on_death)
        self.links.append(link)
        self._greet(link)
        return link

    def _take_frame(self, link: WorkerLink, frame: memoryview) -> None:
        kind, _ = kind_of(frame)
        if kind is Kind.READY:
            link.is_ready.set()
        elif kind is Kind.LOAD:
            before, link.load = link.load, read_load(frame)
            if link.load.unrecorded > before.unrecorded:
                missed = link.load.unrecorded - before.unrecorded
                _log.warning("recorder falls behind: %d packets were not recorded", missed)
            self._mind_memory(link)
        else:
            self._taker(link, frame)

    def _mind_memory(self, link: WorkerLink) -> None:
        """A worker that grew beyond its limit is drained. One at a time: where it is the load that is large and not the worker, to replace
        all of them would only add to it."""
        if link.load.memory > self._memory_limit and not self.leaving and not self._outgoing:
            _log.warning("relay worker outgrew its memory limit: replaced, its calls go on")
            self.drain(link)

    def _on_death(self, link: WorkerLink) -> None:
        """A worker is gone: its calls are lost, and another takes its place."""
        was_active = link in self.links
        for crew in (self.links, self.leaving):
            if link in crew:
                crew.remove(link)
        lost = list(link.calls.values())
        link.calls.clear()
        _log.error("relay worker ended unexpectedly: %d calls lost", len(lost))
        _spawn(link.reap(END_S), self._reaping)
        self._on_lost(lost)
        if was_active and len(self.links) < self._size:
            steady = asyncio.get_running_loop().time() - link.started_at > STEADY_S
            self._respawn_s = RESPAWN_S if steady else min(2 * self._respawn_s, RESPAWN_LONGEST_S)
            self._fill_place(self._respawn_s)

    def _fill_place(self, after_s: float) -> None:
        if self._started and not self._stopping:
            _spawn(self._respawn(after_s), self._watching)

    async def _respawn(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        try:
            self._add()
        except OSError as error:
            _log.error("relay worker cannot be started: %s", error.strerror)
            self._respawn_s = min(2 * self._respawn_s, RESPAWN_LONGEST_S)
            self._fill_place(self._respawn_s)

    async def _watch(self) -> None:
        """Give up workers that have said nothing for too long: they hang, and their calls are mute."""
        while True:
            await asyncio.sleep(WATCH_S)
            now = asyncio.get_running_loop().time()
            for link in (*self.links, *self.leaving):
                if link.is_ready.is_set() and now - link.heard_at > HANG_S:
                    link.give_up()


def _load_of(link: WorkerLink) -> tuple[bool, int, int]:
    """Ready ones first; then by what the worker last told and what it was given since, in coarse steps; then by its calls."""
    given = max(0, len(link.calls) - link.load.calls)
    return (
        not link.is_ready.is_set(),
        int(link.load.busy_permille + CALL_PERMILLE * given) // EVEN_PERMILLE,
        len(link.calls),
    )


def _spawn(work: Coroutine[None, None, None], kept: set[asyncio.Task[None]]) -> None:
    task = asyncio.create_task(work)
    kept.add(task)
    task.add_done_callback(kept.discard)
