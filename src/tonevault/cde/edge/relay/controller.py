"""The media plane of the secure process: workers started and watched, calls spread over them. It refuses to touch a packet."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tonevault.cde.edge.relay.capacity import CALL_OCTETS, WORKER_OCTETS
from tonevault.cde.edge.relay.control_frames import (
    Kind,
    configure_frame,
    key_frame,
    kind_of,
    mode_frame,
    plain_frame,
    read_closed,
    read_held,
    read_key,
    read_mode,
    record_frame,
)
from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.edge.relay.latch import canonical_host
from tonevault.cde.edge.relay.port_pool import MediaInterface, PortPool
from tonevault.cde.edge.relay.recorder_link import RecorderLink
from tonevault.cde.edge.relay.worker_link import RelayedCall, WorkerLink
from tonevault.cde.edge.relay.worker_pool import WorkerPool
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


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """`workers` relay processes, one for each core that is to carry voice; `calls_a_worker` at most on each, and `max_calls` on all, where
    ports and workers allow more. A worker larger than `worker_memory` octets is replaced; None: twice what all its calls should need."""

    interface: MediaInterface
    workers: int = 1
    calls_a_worker: int = CALLS_A_WORKER
    max_calls: int | None = None
    worker_memory: int | None = None
    recordings: Path | None = None
    """Where every call is recorded to; None: nowhere."""

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= 256:
            raise ValueError("workers: must be 1 to 256")
        if self.calls_a_worker < 1:
            raise ValueError("calls_a_worker: must be at least 1")
        if self.max_calls is not None and self.max_calls < 1:
            raise ValueError("max_calls: must be at least 1")
        if self.max_calls is not None and self.max_calls > self.room:
            raise ValueError(
                f"max_calls: ports and workers hold {self.room} calls; widen first_port to last_port (four ports a call), "
                f"or add workers ({self.calls_a_worker} calls each)"
            )

    @property
    def room(self) -> int:
        """Calls that ports and workers hold."""
        return min(self.interface.pairs // 2, self.workers * self.calls_a_worker)

    @property
    def most_calls(self) -> int:
        """Calls at once that are taken."""
        return self.room if self.max_calls is None else self.max_calls

    @property
    def memory_limit(self) -> int:
        """Octets from which on a worker is replaced."""
        return self.worker_memory or 2 * (WORKER_OCTETS + self.calls_a_worker * CALL_OCTETS)


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """The state of the relays, for metrics: workers that take calls and that only finish theirs, open calls, port pairs at rest; of each
    worker that takes calls its busy share in 1/1000 and its resident octets."""

    workers: int
    draining: int
    calls: int
    free_ports: int
    busy_permille: tuple[int, ...]
    memory: tuple[int, ...]
    unrecorded: int
    """Packets of recorded calls that were not recorded, because the recorder did not keep up."""
    totals: FlowCounters
    """Of all calls that have ended."""


class RelayPlane:
    """Implements `MediaPlane`. To be made, started and used on one event loop. What is asked for a call whose relay died is ignored: the
    sink was told."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._ports = PortPool(settings.interface)
        self._sink: MediaSink | None = None
        self._recorder = None if settings.recordings is None else RecorderLink(settings.recordings)
        self._pool = WorkerPool(
            settings.workers, settings.memory_limit, self._take_frame, self._lose, self._greet
        )
        self._placed: dict[CallId, tuple[WorkerLink, RelayedCall]] = {}
        self._next_number = 1
        self._totals = FlowCounters()
        self._draining = False
        self._emptied = asyncio.Event()

    async def start(self, sink: MediaSink) -> None:
        """Start the workers and wait until all are ready. Raises MediaUnavailableError if one does not come up."""
        self._sink = sink
        if self._recorder is not None:
            await self._recorder.start()
        try:
            await self._pool.start()
        except MediaUnavailableError:
            await self.stop()
            raise

    async def drain(self) -> None:
        """Take no more calls, and wait until the last one has ended."""
        self._draining = True
        if self._placed:
            self._emptied.clear()
            await self._emptied.wait()

    async def stop(self) -> None:
        """End the workers, and with them every call."""
        self._draining = True
        await self._pool.stop()
        if self._recorder is not None:
            await self._recorder.stop()
        self._placed.clear()
        self._emptied.set()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The processes of the workers that take calls."""
        return tuple(link.pid for link in self._pool.links)

    def drain_worker(self, pid: int) -> None:
        """Replace a worker without hurting its calls: it takes no more, and ends with its last."""
        for link in self._pool.links:
            if link.pid == pid:
                self._pool.drain(link)
                return

    def status(self) -> RelayStatus:
        """The state of the relays."""
        links = self._pool.links
        return RelayStatus(
            workers=len(links),
            draining=len(self._pool.leaving),
            calls=len(self._placed),
            free_ports=self._ports.free,
            busy_permille=tuple(link.load.busy_permille for link in links),
            memory=tuple(link.load.memory for link in links),
            unrecorded=sum(link.load.unrecorded for link in links),
            totals=self._totals,
        )

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
        if self._recorder is not None:
            link.send(record_frame(call.number, call_id))
        return MediaPorts(customer.address, agent.address)

    def _least_loaded(self) -> WorkerLink:
        if self._draining:
            raise MediaUnavailableError("relay: draining, takes no more calls")
        link = self._pool.least_loaded()
        if len(self._placed) >= self._settings.most_calls or len(link.calls) >= self._settings.calls_a_worker:
            raise MediaUnavailableError(
                "relay workers: all carry as many calls as they may; raise max_calls, add workers or a node"
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
            case Kind.CLOSED:
                self._free(link.calls.pop(number))
                self._totals.add(read_closed(frame))
                self._pool.call_ended(link)
            case _:
                self._report(link.calls.get(number), kind, frame)

    def _report(self, call: RelayedCall | None, kind: Kind, frame: memoryview) -> None:
        """Pass on what a capture told; what comes after the call was closed here is of no use to anyone."""
        if call is None or call.call_id not in self._placed or self._sink is None:
            return
        if kind is Kind.PRESSED:
            key, carrier, onset = read_key(frame)
            self._sink.key_pressed(KeyReport(call.call_id, key, carrier, onset))
        elif kind is Kind.HELD:
            self._sink.key_held(call.call_id, *read_held(frame))
        elif kind is Kind.MASK_CHANGED:
            self._sink.mask_changed(call.call_id, read_mode(frame))

    def _free(self, call: RelayedCall) -> None:
        for number in call.port_numbers:
            self._ports.give_back(number)

    def _lose(self, lost: list[RelayedCall]) -> None:
        """The calls of a worker that died: their ports are free."""
        for call in lost:
            self._free(call)
            placed = self._placed.get(call.call_id)
            if placed is not None and placed[1] is call:
                del self._placed[call.call_id]
                if self._sink is not None:
                    self._sink.media_lost(call.call_id)
        if not self._placed:
            self._emptied.set()

    def _greet(self, link: WorkerLink) -> None:
        """What a new worker must know before its first call."""
        if self._recorder is not None:
            self._recorder.join(link)
