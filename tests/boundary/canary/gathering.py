"""The deployed product under observation: its wire, its narrow interface, its logs, files and memory, gathered as evidence."""

import asyncio
import gc
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.boundary.canary.accounts import RECORDINGS, house_tables
from tests.boundary.canary.agent_leg import judge
from tests.boundary.canary.cards import BY_GATEWAY, Canary
from tests.boundary.canary.desk_client import DeskClient
from tests.boundary.canary.evidence import KEYED, Evidence, Kind, MemoryReport, files_below, memory_report
from tests.boundary.canary.stage import AgentLeg, CanaryStage, LineKind
from tests.boundary.canary.zone_tap import ZoneTap
from tests.e2e.house import House
from tests.e2e.house_plan import RouteTo
from tests.e2e.peers.browser_traffic import Exhibit
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.wire_tap import WirePacket, WireTap

_UDP: Final = 17
_COMMAND_S: Final = 60.0


class Gathering:
    """Enter `up`, play, and leave it; the evidence is complete after `close`. `lines` are the stage's."""

    def __init__(
        self, folder: Path, lines: dict[str, LineKind], canaries: tuple[Canary, ...] = KEYED
    ) -> None:
        """`canaries` are those that memory is searched for."""
        self.house = House(folder / "house")
        self.peers = PeerGroup(folder / "peers")
        self.evidence = Evidence()
        self.stage = CanaryStage(lines)
        self.tap = ZoneTap(self.house.data_dir / "boundary.sock")
        self._canaries = canaries
        self._folder = folder
        self._wire = self.peers.wire()

    @asynccontextmanager
    async def up(self, *routes: RouteTo) -> AsyncIterator[CanaryStage]:
        """The product runs, and everything is heard."""
        async with self.stage as stage:
            # A collection that walks through all captured packets stops the phones for a quarter of a second.
            gc.disable()
            more = house_tables(self._folder, self.house.data_dir, self.house.ports)
            await asyncio.to_thread(self.house.start, [*stage.routes(), *routes], more=more)
            await self._tap_the_narrow_interface()
            # A merchant's program that follows the live events; what it hears is on the wire.
            await asyncio.to_thread(self.house.events)
            async with DeskClient(self.house.base_url, self.house.key) as stage.desk:
                stage.sip_port = self.house.ports.sip
                yield stage
                # The journals beside the databases are gone once the processes have ended.
                self.evidence.add(Kind.FILE, files_below(self.house.data_dir))
        await asyncio.to_thread(self.house.stop_serving)

    async def read_memory(self, moment: str, *only: str) -> None:
        """Search the memory of every process, or only of some."""
        processes = {"supervisor": self.house.process.pid}
        for name, pids in self.house.pids.items():
            processes |= {
                name if len(pids) == 1 else f"{name} {place}": pid for place, pid in enumerate(pids)
            }
        # Two at once: while one is searched, another is read.
        room = asyncio.Semaphore(2)

        async def read(name: str, pid: int) -> MemoryReport:
            async with room:
                # What gateways send arrives in the secure zone, and goes no further.
                canaries = (*self._canaries, BY_GATEWAY) if name == "desk" else self._canaries
                return await asyncio.to_thread(memory_report, name, moment, pid, canaries)

        chosen = {name: pid for name, pid in processes.items() if not only or name in only}
        self.evidence.memory += await asyncio.gather(*(read(*one) for one in chosen.items()))

    def gather(self, *more: AgentLeg) -> None:
        """Take what is complete once the product has ended; `more` are legs of phones that are not the stage's."""
        gc.enable()
        self.tap.withdraw()
        self.house.stop_serving()
        evidence, ports = self.evidence, self.house.ports
        evidence.add(Kind.FILE, files_below(self.house.data_dir))
        evidence.add(Kind.LOG, [Exhibit("log", self.house.logs().encode())])
        evidence.add(Kind.ZONE, self.tap.exhibits())
        evidence.heard += [judge(self._wire, ports.media, leg) for leg in (*self.stage.legs, *more)]
        evidence.core_files += [one for one in self._folder.rglob("core*") if one.is_file()]
        answers, requests = (
            self._wire.tcp_streams(from_ports={ports.desk}),
            self._wire.tcp_streams(to_ports={ports.desk}),
        )
        evidence.add(Kind.ANSWER, _exhibits("answers", answers))
        evidence.add(
            Kind.ANSWER,
            _exhibits("answers to webhooks", self._wire.tcp_streams(from_ports={ports.webhooks})),
        )
        evidence.add(Kind.REQUEST, _exhibits("requests", requests))
        evidence.add(
            Kind.SIP, _exhibits("SIP over TCP", self._wire.tcp_streams(from_ports={ports.sip, ports.tls}))
        )
        evidence.add(Kind.SIP, _datagrams("SIP over UDP", self._wire, {ports.sip}))
        evidence.add(Kind.MEDIA, _datagrams("media", self._wire, ports.media))
        for name, port in self.stage.sip_ports().items():
            sent = self._wire.packets(from_ports={ports.sip}, to_ports={port})
            evidence.infos_to_agents[name] = sum(one.payload.startswith(b"INFO ") for one in sent)

    def close(self) -> None:
        """End everything, whatever state it is in."""
        gc.enable()
        self.tap.withdraw()
        try:
            self.peers.close()
        finally:
            self.house.stop()

    async def print_commands(self, *commands: tuple[str, ...]) -> list[int]:
        """What the product's commands print of this deployment is evidence too; the exit code of each."""
        begun = [(words, self.house.command(*words)) for words in commands]
        ends = []
        for words, one in begun:
            ends.append(await asyncio.to_thread(one.wait, _COMMAND_S))
            self.evidence.add(Kind.COMMAND, [Exhibit(f"tonevault {words[0]}", one.log().encode())])
        return ends

    def recordings(self) -> dict[str, Path]:
        """Every finished recording of the product by its call's id."""
        return {path.stem: path for path in sorted((self.house.data_dir / RECORDINGS).glob("*.wav"))}

    async def _tap_the_narrow_interface(self) -> None:
        """The desk that is connected already is killed before its first call, so that its successor is heard from the start."""
        self.tap.insert()
        killed = await asyncio.to_thread(self.house.kill, "desk")
        await asyncio.to_thread(self.house.wait_again, "desk", killed)


def _exhibits(where: str, streams: Iterable[bytes]) -> Iterator[Exhibit]:
    for content in streams:
        yield Exhibit(where, content)


def _datagrams(where: str, wire: WireTap, ports: Collection[int]) -> Iterator[Exhibit]:
    """All that a set of ports sent, to each receiver apart, in the order of sending."""
    receivers: dict[int, list[WirePacket]] = {}
    for one in wire.packets(from_ports=ports):
        if one.protocol == _UDP:
            receivers.setdefault(one.destination_port, []).append(one)
    for packets in receivers.values():
        yield Exhibit(where, b"\n".join(one.payload for one in packets))
