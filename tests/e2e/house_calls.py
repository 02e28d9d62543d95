"""Calls through a house that several tests share: its phones, who reaches whom, and what one call's agent heard and got."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.e2e.house import House, Json
from tests.e2e.house_plan import RouteTo
from tests.e2e.peers.baresip import CLOSED, ESTABLISHED, Baresip, PhoneSettings, Transport
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.ports import LOOPBACK, PortBlock
from tests.e2e.peers.rtp import RtpPacket
from tests.e2e.peers.sipp import SippTransport
from tests.e2e.peers.wav import Sound, keyed, silence
from tests.e2e.peers.wire_tap import WireTap

# A test card that the simulator approves (docs/test-cards.md knows no other outcome for it), with an expiry far away.
CARD = {"card_number": "5555555555554444", "expiry": "1239", "security_code": "321"}

# What the route of each agent is dialled by.
_NUMBERS = {Transport.UDP: "442079460001", Transport.TCP: "442079460002", Transport.TLS: "442079460003"}
SIPP_NUMBERS = {SippTransport.UDP: "442079460004", SippTransport.TCP: "442079460005"}
NOBODY_NUMBER = "442079460009"

# Quick, but each tone and each pause longer than the 40 ms that a receiver must take (ITU-T Q.24).
_TONE_S, _GAP_S = 0.06, 0.06

_REACTION_S = 0.1

_REDIAL_S = 0.5
_REDIALS = 20

# For how long a mask stays when nobody presses a key any more.
_MASK_TAIL_S = 3.0

# How far the recording may lag: the delay line of the mask, a packet, and the recorder's own pace.
_LAG_S = 0.5


class Endable(Protocol):
    """A call that is over for its phones when `end` returns."""

    def end(self) -> None: ...


class AgentsCall:
    """One call that is up, as the agent's phone has it, whatever the customer's phone is. The marks are places in its
    recording, in seconds."""

    house: House
    agent: Baresip
    id: str
    keys_before: int
    opened_at: float
    closed_at: float
    opened_s: float
    closed_s: float
    wire: WireTap | None

    def agent_keys(self) -> str:
        """The keys that have reached the agent's phone in this call as events or as INFO."""
        return self.agent.keys_received()[self.keys_before :]

    def wait_agent_keys(self, keys: str) -> None:
        """Until these keys and no others have reached the agent's phone."""
        self.house.wait(f"{len(keys)} keys", lambda: True if self.agent_keys() == keys else None)

    def heard_so_far_s(self) -> float:
        return self.agent.recording().length_s

    def customer_reacts(self) -> None:
        """The time of a very quick person: a key counts that was pressed after its window had opened, and the first
        packet of an event tells that the key has been down for 20 ms already."""
        time.sleep(_REACTION_S)

    def capture_card(self, key_in: Callable[[str], None], card: dict[str, str] = CARD) -> None:
        """Captures every field of the session, one after the other, and marks when the windows opened and closed."""
        self.opened_at = 0.0
        for name, value in card.items():
            self.house.capture(name)
            if not self.opened_at:
                self.opened_at = time.monotonic()
                self.opened_s = self.heard_so_far_s()
            self.customer_reacts()
            key_in(f"{value}#")
            self.house.wait_field(name)
        self.closed_at = time.monotonic()
        self.closed_s = self.agent.wait_heard(self.heard_so_far_s() + _LAG_S, 5.0).length_s

    def heard_in_capture(self) -> Sound:
        """What the agent heard from before the first window opened until after the last key's beep."""
        return self.agent.recording().between(self.opened_s, self.closed_s)

    def rtp_to_agent(self) -> tuple[list[RtpPacket], list[RtpPacket]]:
        """What went to the agent's phone on the wire during the capture, and before and after it."""
        assert self.wire is not None
        packets = self.wire.rtp(to_ports=self.agent.rtp_ports)
        inside = [one for one in packets if self.opened_at <= one.at <= self.closed_at]
        outside = [one for one in packets if not self.opened_at <= one.at <= self.closed_at]
        return inside, outside

    def let_the_mask_close(self) -> None:
        """The mask stays until the keypad has been still for three seconds: somebody who keys on is still masked."""
        self.agent.wait_heard(self.heard_so_far_s() + _MASK_TAIL_S + _LAG_S, _MASK_TAIL_S + 5.0)


@dataclass
class StagedCall(AgentsCall):
    """One call that is up between two baresip phones, from `answered` on."""

    house: House
    customer: Baresip
    agent: Baresip
    id: str
    keys_before: int
    opened_at: float = 0.0
    closed_at: float = 0.0
    opened_s: float = 0.0
    closed_s: float = 0.0
    wire: WireTap | None = field(default=None, repr=False)

    def key_by_events(self, keys: str) -> None:
        self.customer.send_keys(keys)

    def key_by_tones(self, keys: str) -> None:
        self.customer.play(silence(0.1).then(keyed(keys, _TONE_S, _GAP_S)))

    def hang_up(self) -> Json:
        """The customer hangs up; answers the call as the API shows it then."""
        self.customer.hangup()
        self.agent.wait_for(CLOSED)
        return self.house.wait_call_ended(self.id)

    def end(self) -> None:
        """Both phones are free and silent again, whatever became of the call and of the house."""
        self.customer.reset()
        self.agent.reset()

    def agent_hangs_up(self) -> Json:
        """The agent hangs up; answers the call as the API shows it then."""
        self.agent.hangup()
        self.customer.wait_for(CLOSED)
        return self.house.wait_call_ended(self.id)


class CallStage:
    """A house and phones for all tests of one module; each test makes calls of its own."""

    def __init__(self, folder: Path) -> None:
        self.peers = PeerGroup(folder / "peers")
        self._house = House(folder / "house")
        self._agents: dict[Transport, Baresip] = {}
        self._customers: dict[tuple[Transport, tuple[str, ...]], Baresip] = {}
        self._sipp_blocks: dict[SippTransport, PortBlock] = {}
        self._dead_block = self.peers.ports()
        self._calls: list[Endable] = []

    @property
    def house(self) -> House:
        """Started when it is first asked for, with a route to an agent's phone for each transport and to sipp."""
        self._start()
        return self._house

    def agent(self, transport: Transport = Transport.UDP) -> Baresip:
        self._start()
        return self._agents[transport]

    def customer(
        self, transport: Transport = Transport.UDP, codecs: tuple[str, ...] = ("pcmu", "pcma")
    ) -> Baresip:
        """A phone that calls over a transport and prefers these codecs."""
        if (transport, codecs) not in self._customers:
            settings = PhoneSettings(transport, codecs=codecs)
            self._customers[transport, codecs] = self.peers.phone("customer", settings)
        return self._customers[transport, codecs]

    def call(
        self,
        transport: Transport = Transport.UDP,
        codecs: tuple[str, ...] = ("pcmu", "pcma"),
        *,
        to: Transport | None = None,
        wire: WireTap | None = None,
    ) -> StagedCall:
        """A call that is up, from a customer to the agent whose phone uses the same transport, or another."""
        customer, agent = self.customer(transport, codecs), self.agent(to or transport)
        keys_before = len(agent.keys_received())
        customer.dial(self.house.sip_uri(transport, _NUMBERS[to or transport]))
        return self._is_up(customer, agent, keys_before, wire)

    def call_until_taken(self) -> StagedCall:
        """A call as a carrier makes it that is told 503 with Retry-After: it dials again, a little sooner than asked for."""
        customer, agent = self.customer(), self.agent()
        keys_before = len(agent.keys_received())
        for _ in range(_REDIALS):
            customer.dial(self.house.sip_uri(user=_NUMBERS[Transport.UDP]), wait=False)
            event = customer.wait_for((ESTABLISHED, CLOSED))
            if event.kind == ESTABLISHED:
                return self._is_up(customer, agent, keys_before, None)
            assert event.detail.startswith("503"), event.detail
            time.sleep(_REDIAL_S)
        raise AssertionError("no relay worker came back")

    def _is_up(self, customer: Baresip, agent: Baresip, keys_before: int, wire: WireTap | None) -> StagedCall:
        # While this call still rings for the desk, one that is up already is not it.
        earlier = [call.id for call in self._calls if isinstance(call, StagedCall)]
        call_id = self.house.wait_call(but=earlier)["id"]
        call = StagedCall(self.house, customer, agent, call_id, keys_before, wire=wire)
        self.add(call)
        return call

    def add(self, call: Endable) -> None:
        """A call that is to be over before the next test."""
        self._calls.append(call)

    def end_calls(self) -> None:
        """Hangs up what is still up."""
        while self._calls:
            self._calls.pop().end()

    def sipp_block(self, transport: SippTransport) -> PortBlock:
        """The ports at the end of the route for sipp: whatever callee a test puts there is reached by its number."""
        self._start()
        return self._sipp_blocks[transport]

    def close(self) -> None:
        try:
            self._house.stop()
        finally:
            self.peers.close()

    def _start(self) -> None:
        if not self._agents:
            self._agents = {one: self.peers.phone(f"agent-{one}", PhoneSettings(one)) for one in Transport}
            self._sipp_blocks = {one: self.peers.ports() for one in SippTransport}
            routes = [
                RouteTo(agent.uri, f"agent-{one}", _NUMBERS[one]) for one, agent in self._agents.items()
            ]
            for transport, block in self._sipp_blocks.items():
                parameter = ";transport=tcp" if transport is SippTransport.TCP else ""
                to = f"sip:sipp@{LOOPBACK}:{block.port(0)}{parameter}"
                routes.append(RouteTo(to, f"sipp-{transport.name.lower()}", SIPP_NUMBERS[transport]))
            nobody = f"sip:nobody@{LOOPBACK}:{self._dead_block.port(0)};transport=tcp"
            routes.append(RouteTo(nobody, "nobody", NOBODY_NUMBER))
            self._house.start(routes)
