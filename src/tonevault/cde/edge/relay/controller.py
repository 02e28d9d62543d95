"""The media plane of the secure process: workers started and watched, calls spread over them. It refuses to touch a packet."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.relay.control_frames import (
    Kind,
    configure_frame,
    key_frame,
    kind_of,
    mode_frame,
    plain_frame,
    read_closed,
    read_key,
    read_load,
    read_mode,
)
from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.edge.relay.latch import canonical_host
from tonevault.cde.edge.relay.port_pool import MediaInterface, PortPool
from tonevault.cde.edge.relay.worker_link import RelayedCall, WorkerLink
from tonevault.cde.media import (
    Carrier,
    KeyReport,
    Leg,
    LegMedia,
    MaskMode,
    MediaPorts,
    MediaSink,
    MediaUnavailableError,
)
from tonevault.cde.sealed.key import Key
from tonevault.kernel.ids import CallId

CALLS_A_WORKER: Final = 1000
"""What one core was measured to relay without loss; a call more would harm all of them."""
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

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`workers` relay processes, one for each core that is to carry voice; `calls_a_worker` at most on each."""

    interface: MediaInterface
    workers: int = 1
    calls_a_worker: int = CALLS_A_WORKER

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= 256:
            raise ValueError("workers: must be 1 to 256")
        if self.calls_a_worker < 1:
            raise ValueError("calls_a_worker: must be at least 1")


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """The state of the relays, for metrics: live workers, open calls, port pairs at rest, each worker's busy share in 1/1000."""

    workers: int
    calls: int
    free_ports: int
    busy_permille: tuple[int, ...]
    totals: FlowCounters
    """Of all calls that have ended."""


class RelayPlane:
    """Implements `MediaPlane`. To be made, started and used on one event loop. What is asked for a call whose relay died is ignored: the
    sink was told."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._ports = PortPool(settings.interface)
        self._sink: MediaSink | None = None
        self._links: list[WorkerLink] = []
        self._placed: dict[CallId, tuple[WorkerLink, RelayedCall]] = {}
        self._next_number = 1
        self._totals = FlowCounters()
        self._draining = False
        self._started = False
        self._stopping = False
        self._emptied = asyncio.Event()
        self._respawn_s = RESPAWN_S
        self._watching: set[asyncio.Task[None]] = set()
        self._reaping: set[asyncio.Task[None]] = set()

    async def start(self, sink: MediaSink) -> None:
        """Start the workers and wait until all are ready. Raises MediaUnavailableError if one does not come up."""
        self._sink = sink
        try:
            await self._start_workers()
        except MediaUnavailableError:
            await self.stop()
            raise
        self._started = True
        self._spawn(self._watch(), self._watching)

    async def _start_workers(self) -> None:
        try:
            for _ in range(self._settings.workers):
                self._links.append(WorkerLink(self._take_frame, self._on_death))
            links = tuple(self._links)
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

    async def drain(self) -> None:
        """Take no more calls, and wait until the last one has ended."""
        self._draining = True
        if self._placed:
            self._emptied.clear()
            await self._emptied.wait()

    async def stop(self) -> None:
        """End the workers, and with them every call."""
        self._stopping = True
        for task in tuple(self._watching):
            task.cancel()
        links, self._links = self._links, []
        for link in links:
            link.hang_up()
        await asyncio.gather(*self._reaping, *(link.reap(END_S) for link in links))
        self._placed.clear()
        self._emptied.set()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The processes of the live workers."""
        return tuple(link.pid for link in self._links)

    def status(self) -> RelayStatus:
        """The state of the relays."""
        busy = tuple(link.load.busy_permille for link in self._links)
        return RelayStatus(len(self._links), len(self._placed), self._ports.free, busy, self._totals)

    def open(self, call_id: CallId) -> MediaPorts:
        """Bind ports for a new call on the least loaded worker. Raises MediaUnavailableError."""
        if call_id in self._placed:
            raise ValueError("call_id: this call's media is open")
        link = self._least_loaded()
        customer = self._ports.take()
        try:
            agent = self._ports.take()
        except MediaUnavailableError:
            customer.rtp.close()
            customer.rtcp.close()
            self._ports.give_back(customer.number)
            raise
        call = RelayedCall(call_id, self._next_number, (customer.number, agent.number))
        self._next_number = self._next_number % 0xFFFFFFFF + 1
        link.calls[call.number] = call
        self._placed[call_id] = (link, call)
        link.send(plain_frame(Kind.OPEN, call.number), (customer.rtp, customer.rtcp, agent.rtp, agent.rtcp))
        return MediaPorts(customer.address, agent.address)

    def _least_loaded(self) -> WorkerLink:
        if self._draining or self._stopping:
            raise MediaUnavailableError("relay: draining, takes no more calls")
        if not self._links:
            raise MediaUnavailableError("relay workers: none is running; a new one is being started")
        link = min(self._links, key=lambda one: len(one.calls))
        if len(link.calls) >= self._settings.calls_a_worker:
            raise MediaUnavailableError(
                "relay workers: all carry as many calls as they may; add workers or a node"
            )
        return link

    def configure(self, call_id: CallId, leg: Leg, media: LegMedia) -> None:
        """Set or change what a leg's peer receives. Raises ValueError for a remote host that is no IP address, or codecs beyond measure."""
        canonical_host(media.remote.host)
        self._tell(call_id, lambda number: configure_frame(number, leg, media))

    def start_capture(self, call_id: CallId, mode: MaskMode) -> None:
        """Open the mask."""
        self._tell(call_id, lambda number: mode_frame(Kind.START, number, mode))

    def set_mask(self, call_id: CallId, mode: MaskMode) -> None:
        """Change between talk and hush while a capture is open."""
        self._tell(call_id, lambda number: mode_frame(Kind.SET_MASK, number, mode))

    def stop_capture(self, call_id: CallId) -> None:
        """Close the mask; a key still held stays masked until it ends."""
        self._tell(call_id, lambda number: plain_frame(Kind.STOP, number))

    def beep(self, call_id: CallId, key: Key, onset: float) -> None:
        """A key was learned of by signalling: one beep, unless the relay already beeped for this press."""
        self._tell(call_id, lambda number: key_frame(Kind.BEEP, number, key, Carrier.INFO, onset))

    def close(self, call_id: CallId) -> None:
        """End the call's media; its ports are free as soon as the worker has closed them."""
        self._tell(call_id, lambda number: plain_frame(Kind.CLOSE, number))
        self._placed.pop(call_id, None)
        if not self._placed:
            self._emptied.set()

    def _tell(self, call_id: CallId, build: Callable[[int], bytearray]) -> None:
        placed = self._placed.get(call_id)
        if placed is not None:
            link, call = placed
            link.send(build(call.number))

    def _take_frame(self, link: WorkerLink, frame: memoryview) -> None:
        kind, number = kind_of(frame)
        match kind:
            case Kind.READY:
                link.is_ready.set()
            case Kind.LOAD:
                link.load = read_load(frame)
            case Kind.CLOSED:
                self._free(link.calls.pop(number))
                self._totals.add(read_closed(frame))
            case _:
                self._report(link.calls.get(number), kind, frame)

    def _report(self, call: RelayedCall | None, kind: Kind, frame: memoryview) -> None:
        """Pass on what a capture told; what comes after the call was closed here is of no use to anyone."""
        if call is None or call.call_id not in self._placed or self._sink is None:
            return
        if kind is Kind.PRESSED:
            key, carrier, onset = read_key(frame)
            self._sink.key_pressed(KeyReport(call.call_id, key, carrier, onset))
        elif kind is Kind.MASK_CHANGED:
            self._sink.mask_changed(call.call_id, read_mode(frame))

    def _free(self, call: RelayedCall) -> None:
        for number in call.port_numbers:
            self._ports.give_back(number)

    def _on_death(self, link: WorkerLink) -> None:
        """A worker is gone: its calls are lost, its ports free, and another takes its place."""
        if link in self._links:
            self._links.remove(link)
        lost = list(link.calls.values())
        link.calls.clear()
        _log.error("relay worker ended unexpectedly: %d calls lost", len(lost))
        self._spawn(link.reap(END_S), self._reaping)
        for call in lost:
            self._free(call)
            placed = self._placed.get(call.call_id)
            if placed is not None and placed[1] is call:
                del self._placed[call.call_id]
                if self._sink is not None:
                    self._sink.media_lost(call.call_id)
        if not self._placed:
            self._emptied.set()
        if self._started and not self._stopping:
            steady = asyncio.get_running_loop().time() - link.started_at > STEADY_S
            self._respawn_s = RESPAWN_S if steady else min(2 * self._respawn_s, RESPAWN_LONGEST_S)
            self._spawn(self._respawn(self._respawn_s), self._watching)

    async def _respawn(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        try:
            self._links.append(WorkerLink(self._take_frame, self._on_death))
        except OSError as error:
            _log.error("relay worker cannot be started: %s", error.strerror)
            self._respawn_s = min(2 * self._respawn_s, RESPAWN_LONGEST_S)
            self._spawn(self._respawn(self._respawn_s), self._watching)

    async def _watch(self) -> None:
        """Give up workers that have said nothing for too long: they hang, and their calls are mute."""
        while True:
            await asyncio.sleep(WATCH_S)
            now = asyncio.get_running_loop().time()
            for link in tuple(self._links):
                if link.is_ready.is_set() and now - link.heard_at > HANG_S:
                    link.give_up()

    @staticmethod
    def _spawn(work: Coroutine[None, None, None], kept: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work)
        kept.add(task)
        task.add_done_callback(kept.discard)
