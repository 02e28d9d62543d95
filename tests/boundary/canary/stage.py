"""The telephones of a canary run: customers and agents by softphone, each agent at the end of a route of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from tests.boundary.canary.accounts import CHECKING
from tests.boundary.canary.cards import Canary
from tests.boundary.canary.desk_client import DeskClient, DeskSession
from tests.e2e.house_plan import ACCOUNT, RouteTo
from tests.e2e.peers.ports import LOOPBACK
from tonevault.testing.softphone import KeyCarrier, PhoneCall, Softphone

KEY_S: Final = 0.06
PAUSE_S: Final = 0.06
"""A quick hand, yet above the 40 ms of ITU-T Q.24."""
TRIES: Final = 3
"""What a session allows."""
EXPIRY: Final = "1239"
CALLS_AT_ONCE: Final = 5
"""The house has media ports for eight calls: SIPp and the panel make one each, and one may be ending still."""


@dataclass(frozen=True, slots=True)
class AgentLeg:
    """Where an agent's phone received its audio. `hears_keys`: its customer pressed keys outside a capture, which the agent is to hear."""

    name: str
    ports: tuple[int, ...]
    hears_keys: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CanaryCall:
    """A call that is up."""

    desk: DeskClient
    customer: PhoneCall
    agent: PhoneCall
    id: str

    async def press(self, keys: str, carrier: KeyCarrier) -> None:
        """The customer keys; returns when the last key is up."""
        await self.customer.press(keys.encode(), carrier, key_s=KEY_S, pause_s=PAUSE_S)

    async def key_field(
        self, session: DeskSession, name: str, keys: str, carrier: KeyCarrier, state: str = "captured"
    ) -> None:
        """Capture one field: its window opens, the customer keys the value and `#`. A field that is red is captured again: where the
        machine stands still for a quarter of a second between a tone and its event, one press rightly counts as two."""
        for _ in range(TRIES - 1):
            await session.capture(name)
            await self.press(f"{keys}#", carrier)
            if (await session.wait_field(name, state, "failed"))["state"] == state:
                return
        await session.capture(name)
        await self.press(f"{keys}#", carrier)
        await session.wait_field(name, state)

    async def key_card(self, session: DeskSession, canary: Canary, carrier: KeyCarrier) -> None:
        """Capture all three fields of a card."""
        await self.key_field(session, "card_number", canary.number, carrier)
        await self.key_field(session, "expiry", EXPIRY, carrier)
        await self.key_field(session, "security_code", canary.code, carrier)

    async def open_session(self, amount: int | None = None, **more: Any) -> DeskSession:
        """A payment session on this call."""
        return await self.desk.open_session(self.id, amount, **more)

    async def hang_up(self) -> None:
        """The customer ends the call."""
        await self.customer.hang_up()


class LineKind(StrEnum):
    """A route with its mask, one on which the contact centre dials out, or one of the account that checks cards."""

    TALK = "talk"
    HUSH = "hush"
    OUT = "out"
    CHECKED = "checked"


@dataclass(frozen=True, slots=True)
class _Line:
    """A phone and the route that leads to it."""

    name: str
    number: str
    phone: Softphone
    uri: str
    kind: LineKind

    def route(self) -> RouteTo:
        """As the configuration has it."""
        return RouteTo(
            self.uri,
            self.name,
            self.number,
            account=CHECKING if self.kind is LineKind.CHECKED else ACCOUNT,
            mask="hush" if self.kind is LineKind.HUSH else "talk",
            customer="callee" if self.kind is LineKind.OUT else "caller",
        )


@dataclass(eq=False)
class CanaryStage:
    """One line for each name. Enter it, give its `routes` to the house and the house's desk and port to it, then call."""

    lines: dict[str, LineKind]
    legs: list[AgentLeg] = field(default_factory=list)
    desk: DeskClient | None = None
    sip_port: int = 0
    calls: dict[str, str] = field(default_factory=dict)
    """The newest call of each line."""
    _lines: dict[str, _Line] = field(default_factory=dict)
    _callers: dict[str, Softphone] = field(default_factory=dict)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CALLS_AT_ONCE))

    async def __aenter__(self) -> Self:
        for number, (name, kind) in enumerate(self.lines.items()):
            phone = Softphone(f"line-{name}")
            await phone.start()
            self._lines[name] = _Line(name, f"4420794610{number:02}", phone, phone.uri, kind)
        for transport in ("udp", "tcp"):
            self._callers[transport] = Softphone("caller", f"{transport}:{LOOPBACK}:0")
            await self._callers[transport].start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for phone in (*self._callers.values(), *(line.phone for line in self._lines.values())):
            await phone.stop()

    def routes(self) -> list[RouteTo]:
        """The house's routes, one to each line."""
        return [one.route() for one in self._lines.values()]

    def sip_ports(self) -> dict[str, int]:
        """Where each agent's phone receives its signalling; where the agent is the caller, the customer's."""
        return {one.name: int(one.uri.partition(";")[0].rpartition(":")[2]) for one in self._lines.values()}

    @asynccontextmanager
    async def call(
        self,
        name: str,
        *,
        transport: str = "udp",
        hears_keys: bool = False,
        desk: DeskClient | None = None,
    ) -> AsyncIterator[CanaryCall]:
        """A call that is up, once there is room for it; the customer hangs up at the end, if nobody has.

        `desk` asks for another account.
        """
        async with self._room:
            call = await self._connect(name, transport, desk or self.desk, hears_keys=hears_keys)
            try:
                yield call
            finally:
                await call.hang_up()

    async def _connect(
        self, name: str, transport: str, desk: DeskClient | None, *, hears_keys: bool
    ) -> CanaryCall:
        if desk is None:
            raise RuntimeError("the desk is not up")
        line = self._lines[name]
        caller = f"+44163296{line.number[-4:]}"
        target = f"sip:{line.number}@{LOOPBACK}:{self.sip_port};transport={transport}"
        dialling = await self._callers[transport].dial(target, caller=caller)
        rung = self._lines[name].phone.calls[-1]
        customer, agent = (rung, dialling) if line.kind is LineKind.OUT else (dialling, rung)
        self.search_leg(name, agent, hears_keys=hears_keys)
        self.calls[name] = await desk.call_on(name)
        return CanaryCall(desk, customer, agent, self.calls[name])

    def number_of(self, name: str) -> str:
        """What is dialled to reach a line's phone."""
        return self._lines[name].number

    def newest_call(self, name: str) -> PhoneCall:
        """Of the phone at the end of a line."""
        return self._lines[name].phone.calls[-1]

    def search_leg(self, name: str, agent: PhoneCall, *, hears_keys: bool = False) -> None:
        """From here on this leg is among those that are searched."""
        self.legs.append(AgentLeg(name, (agent._port,), hears_keys))
