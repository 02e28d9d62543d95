"""The edge as the secure process runs it: the driver's sockets, the relays, the switch between them, and a clean end."""

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from tonevault.cde.edge.destination_names import DestinationNames
from tonevault.cde.edge.driver_signalling import DriverSignalling
from tonevault.cde.edge.observer import CallObserver
from tonevault.cde.edge.routes import Route, RouteTable
from tonevault.cde.edge.signalling import SignallingError
from tonevault.cde.edge.sip_driver.driver import SipDriver
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.tls import TlsTrust
from tonevault.cde.edge.strangers import Strangers
from tonevault.cde.edge.switch import Switch
from tonevault.cde.edge.wills import NoWills, Wills
from tonevault.cde.media import MediaPlane, MediaSink
from tonevault.cde.wire.sip.events import SipEvent
from tonevault.cde.wire.sip.peer import Peer
from tonevault.kernel.clock import Clock
from tonevault.kernel.ids import Entropy

FAREWELL_S: Final = 2.0
"""How long a stop waits for the answers to its BYEs: four transmissions over UDP."""


class Relays(MediaPlane, Protocol):
    """A media plane with a life of its own: `RelayPlane`."""

    async def start(self, sink: MediaSink) -> None:
        """Start the workers. Raises MediaUnavailableError."""

    async def stop(self) -> None:
        """End the workers."""


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Where the edge listens and what it does with calls. `trust` says whom a TLS connection of ours believes."""

    listeners: Sequence[Listener]
    routes: tuple[Route, ...]
    server_tls: ssl.SSLContext | None = None
    trust: TlsTrust | None = None


class EdgeServer:
    """Start it on the event loop of the secure process; all its parts live there and are called from there alone."""

    def __init__(
        self,
        settings: EdgeSettings,
        *,
        relays: Relays,
        observer: CallObserver,
        clock: Clock,
        entropy: Entropy,
        wills: Wills | None = None,
    ) -> None:
        self._wills = wills or NoWills()
        self._relays = relays
        self._routes = RouteTable(settings.routes)
        self._names = DestinationNames(self._routes)
        self._strangers = Strangers()
        self._driver = SipDriver(
            settings.listeners,
            on_event=self._event,
            entropy=secrets.token_bytes,
            admit=self._admits,
            server_tls=settings.server_tls,
            client_tls=settings.trust.context_for if settings.trust else None,
        )
        self._signalling = DriverSignalling(self._driver)
        self.switch = Switch(
            signalling=self._signalling,
            media=relays,
            routes=self._routes,
            observer=observer,
            clock=clock,
            entropy=entropy,
            wills=self._wills,
        )
        self._alarm: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._quiet = asyncio.Event()

    async def start(self) -> None:
        """Start the relays, then listen. Raises MediaUnavailableError or ListenerError, and then nothing is left running."""
        await self._relays.start(self.switch)
        try:
            await self._names.start()
            await self._driver.start()
        except BaseException:
            await self._names.stop()
            await self._relays.stop()
            raise
        self._say_farewells()

    def _say_farewells(self) -> None:
        """Hang up the calls that an earlier process left behind when it was killed: their phones hear nothing any more."""
        for call_id, farewells in self._wills.open_all():
            for farewell in farewells:
                with contextlib.suppress(SignallingError):
                    self._signalling.send_request(farewell.request, farewell.peer)
            self._wills.burn(call_id)

    async def drain(self) -> None:
        """Refuse new calls and wait until the last one has ended."""
        self.switch.refuse_new_calls()
        await self._until_quiet()

    async def stop(self) -> None:
        """Hang up every call, give the far ends a moment to hear of it, and close everything."""
        self.switch.refuse_new_calls()
        for call in self.switch.calls():
            self.switch.hang_up(call.call_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._until_quiet()
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._armed_for = None
        await self._names.stop()
        await self._driver.stop()
        await self._relays.stop()

    def addresses(self) -> list[tuple[Listener, int]]:
        """Each listener with the port that it really has."""
        return self._driver.addresses()

    def now(self) -> float:
        """The monotonic time, in seconds, that the switch's verbs take."""
        return self._driver.now()

    def _admits(self, peer: Peer) -> bool:
        known = self.switch.admits(peer)
        if not known:
            self._strangers.turned_away(peer.host, self._driver.now())
        return known

    def _event(self, event: SipEvent) -> None:
        try:
            self.switch.handle(event, self._driver.now())
        finally:
            self._arm()

    def _ring(self) -> None:
        self._alarm = self._armed_for = None
        try:
            self.switch.ring_alarms(self._driver.now())
        finally:
            self._arm()

    async def _until_quiet(self) -> None:
        while self.switch.has_unfinished:
            self._quiet.clear()
            await self._quiet.wait()

    def _arm(self) -> None:
        """After every step: wake for what is due next, and whoever waits for the last call to be over."""
        if not self.switch.has_unfinished:
            self._quiet.set()
        due = self.switch.next_alarm()
        if due is None or (self._armed_for is not None and self._armed_for <= due):
            # An alarm that rings too early finds nothing due and sets the next.
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._armed_for = due
        self._alarm = asyncio.get_running_loop().call_at(due, self._ring)
