"""The stage of a play: a customer's phone, the edge, an agent's phone, a network, and an observer who writes everything down."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from random import Random

from tests.scenario.calls.phone import Phone

from tonevault.cde.edge.observer import CallInfo
from tonevault.cde.edge.routes import CustomerSide, Route, RouteTable
from tonevault.cde.edge.switch import Switch
from tonevault.cde.media import Carrier, KeyReport, Leg, MaskMode
from tonevault.cde.wire.sip.peer import Peer, Transport
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId, CallId
from tonevault.testing.media import FakeMediaPlane
from tonevault.testing.network import SimulatedHost, SimulatedNetwork, Weather

CUSTOMER = "192.0.2.10"
EDGE = "198.51.100.1"
AGENT = "203.0.113.20"


@dataclass
class Notes:
    """An observer that remembers."""

    said: list[str] = field(default_factory=list)
    infos: list[CallInfo] = field(default_factory=list)
    keys: list[KeyReport] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    secured: list[frozenset[Leg]] = field(default_factory=list)

    def call_arrived(self, call: CallInfo) -> None:
        self._note("arrived", call)

    def call_ringing(self, call: CallInfo) -> None:
        self._note("ringing", call)

    def call_answered(self, call: CallInfo) -> None:
        self._note("answered", call)

    def legs_secured(self, call: CallInfo) -> None:
        self.secured.append(call.secured)

    def call_ended(self, call: CallInfo) -> None:
        self._note("ended", call)

    def key_pressed(self, report: KeyReport) -> None:
        self.keys.append(report)

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        raise AssertionError

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        self.said.append(f"mask {mode}")

    def peer_refused(self, reason: str) -> None:
        self.refused.append(reason)

    def _note(self, word: str, call: CallInfo) -> None:
        self.said.append(word)
        self.infos.append(call)


class StageClock:
    """The network's time as a clock."""

    def __init__(self, network: SimulatedNetwork) -> None:
        self._network = network

    def monotonic(self) -> float:
        return self._network.now

    def utc(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=self._network.now)


def route(
    *,
    to: str = f"sip:{AGENT}",
    peers: str = "192.0.2.0/24",
    match: str = "*",
    customer: CustomerSide = CustomerSide.CALLER,
    **more: object,
) -> Route:
    return Route(
        name=str(more.pop("name", "inbound")),
        account=AccountId("acme"),
        peers=(ip_network(peers),),
        destination=SipUri.parse(to),
        match=match,
        customer=customer,
        **more,  # type: ignore[arg-type]
    )


class Stage:
    """Everything of one play; `call` dials and lets it be answered."""

    def __init__(
        self,
        seed: int = 1,
        *,
        weather: Weather | None = None,
        routes: tuple[Route, ...] | None = None,
        transport: Transport = Transport.UDP,
        answer_after: float | None = 1.0,
        media: FakeMediaPlane | None = None,
    ) -> None:
        self.network = SimulatedNetwork(seed, weather)
        tail = "" if transport is Transport.UDP else f";transport={transport.value.lower()}"
        self.edge = SimulatedHost(self.network, EDGE)
        self.media = media or FakeMediaPlane()
        self.notes = Notes()
        random = Random(seed)
        self.switch = Switch(
            signalling=self.edge,
            media=self.media,
            routes=RouteTable(routes or (route(to=f"sip:{AGENT}{tail}"),)),
            observer=self.notes,
            clock=StageClock(self.network),
            entropy=random.randrange,
        )
        self.media.sink = self.switch
        self.edge.on_event = lambda event: self.switch.handle(event, self.network.now)
        self.edge.owner_timer = self.switch.next_alarm
        self.edge.on_owner_timer = self.switch.ring_alarms
        self.transport = transport
        self.customer = Phone(self.network, CUSTOMER, transport=transport)
        self.agent = Phone(self.network, AGENT, transport=transport, answer_after=answer_after)

    @property
    def at_edge(self) -> Peer:
        return self.edge.peer(self.transport)

    def run(self, seconds: float) -> None:
        self.network.run(seconds)

    def call(self, user: str = "4420", **options: object) -> None:
        """Dial and wait until it is answered."""
        self.customer.dial(self.at_edge, user, **options)  # type: ignore[arg-type]
        self.run(10)

    @property
    def call_id(self) -> CallId:
        return self.notes.infos[-1].call_id

    def nothing_is_left(self) -> None:
        """After some minutes of rest nothing of any call remains anywhere."""
        self.run(300)
        board = self.switch._board
        assert board.calls == {}
        assert board._outcomes == {}
        assert board._invites == {}
        assert board.dialogs._entries == {}
        assert board.dialogs._hosts == {}
        assert len(board.alarms) == 0
        assert board.alarms._alarms == {}
        assert self.media.live == 0
        assert self.edge.stack.open_transactions == 0
        assert self.notes.said.count("arrived") == self.notes.said.count("ended")
