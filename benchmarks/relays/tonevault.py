"""Tonevault's relay under measurement: worker processes started by the plane, as the secure process does it."""

import psutil
from benchmarks.relays.contender import HOST, Keys, Used

from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings
from tonevault.cde.edge.relay.port_pool import MediaInterface
from tonevault.cde.media import Carrier, Codec, KeyReport, Leg, LegMedia, MaskMode, MediaAddress
from tonevault.kernel.ids import CallId

PCMU = (Codec(0, "PCMU", 8000),)
EVENTS = (Codec(101, "TELEPHONE-EVENT", 8000),)


class DeafSink:
    """Hears nothing of the relays."""

    def key_pressed(self, report: KeyReport) -> None:
        """Nobody keys."""

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        """Nor holds a key."""

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        """A mask may change by itself."""

    def media_lost(self, call_id: CallId) -> None:
        """A lost call shows as loss."""


def call_id(number: int) -> CallId:
    """Ids are letters alone."""
    letters = "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))
    return CallId(f"call_{letters}")


class Tonevault:
    """One worker, one core."""

    name = "tonevault"

    def __init__(self) -> None:
        self._plane = RelayPlane(RelaySettings(MediaInterface(HOST, 30000, 35999)))
        self._calls: list[CallId] = []

    async def start(self) -> None:
        """See Contender."""
        await self._plane.start(DeafSink())
        self._workers = [psutil.Process(pid) for pid in self._plane.worker_pids]

    async def open(self, customer_port: int, agent_port: int, keys: Keys | None) -> tuple[int, int]:
        """See Contender."""
        call = call_id(len(self._calls))
        self._calls.append(call)
        ports = self._plane.open(call)
        for leg, port in ((Leg.CUSTOMER, customer_port), (Leg.AGENT, agent_port)):
            security = None if keys is None else keys.customer if leg is Leg.CUSTOMER else keys.agent
            address = MediaAddress(HOST, port, port + 1)
            self._plane.configure(call, leg, LegMedia(address, PCMU, EVENTS, security=security))
        return ports.customer.port, ports.agent.port

    async def mask(self) -> None:
        """See Contender. Both may talk: the dearer mask."""
        for call in self._calls:
            self._plane.start_capture(call, MaskMode.TALK)

    def processes(self) -> list[psutil.Process]:
        """See Contender."""
        return self._workers

    def used(self) -> Used:
        """See Contender."""
        times = [worker.cpu_times() for worker in self._workers]
        return Used(
            sum(each.user + each.system for each in times),
            sum(worker.memory_info().rss for worker in self._workers),
        )

    async def stop(self) -> None:
        """See Contender."""
        await self._plane.stop()
