"""The edge on real sockets with real relays, between real phones: baresip and sipp, over UDP, TCP and TLS."""

import asyncio
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from tests.e2e.peers.baresip import CLOSED, Answer, Baresip, PhoneSettings, Transport
from tests.e2e.peers.certificate import make_certificate
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.ports import LOOPBACK
from tests.e2e.peers.sip_message import requests
from tests.e2e.peers.sipp import InfoType, SippSettings, SippTransport
from tests.e2e.peers.wav import Sound, noise
from tonevault.cde.edge.observer import CallInfo, EndReason
from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings
from tonevault.cde.edge.relay.port_pool import MediaInterface
from tonevault.cde.edge.routes import Route
from tonevault.cde.edge.server import EdgeServer, EdgeSettings
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.tls import TlsTrust, make_server_context
from tonevault.cde.media import Carrier, KeyReport, MaskMode
from tonevault.cde.sealed.key import Key
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId, CallId
from tonevault.plumbing.clock import WallClock

T = TypeVar("T")
WAIT_S = 10.0
CARD = "4000056655665556"


@dataclass
class Notes:
    """An observer that remembers, and wakes whoever waits for a word."""

    said: list[str] = field(default_factory=list)
    calls: list[CallInfo] = field(default_factory=list)
    keys: list[KeyReport] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def call_arrived(self, call: CallInfo) -> None:
        self._note("arrived", call)

    def call_ringing(self, call: CallInfo) -> None:
        self._note("ringing", call)

    def call_answered(self, call: CallInfo) -> None:
        self._note("answered", call)

    def legs_secured(self, call: CallInfo) -> None:
        pass

    def call_ended(self, call: CallInfo) -> None:
        self._note("ended", call)

    def key_pressed(self, report: KeyReport) -> None:
        with self.changed:
            self.keys.append(report)
            self.changed.notify_all()

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        pass

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        pass

    def peer_refused(self, reason: str) -> None:
        with self.changed:
            self.said.append(reason)
            self.changed.notify_all()

    def _note(self, word: str, call: CallInfo) -> None:
        with self.changed:
            self.said.append(word)
            self.calls.append(call)
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, WAIT_S), f"heard only {self.said}, {len(self.keys)} keys"


class Edge:
    """An EdgeServer on a loop of its own, as the peers block."""

    def __init__(
        self, listen: list[str], routes: tuple[Route, ...], media_ports: range, tls: ssl.SSLContext | None
    ) -> None:
        self.notes = Notes()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

        async def build() -> EdgeServer:
            relays = RelayPlane(
                RelaySettings(MediaInterface(LOOPBACK, media_ports.start, media_ports.stop - 1))
            )
            server = EdgeServer(
                EdgeSettings(
                    [Listener.parse(text) for text in listen],
                    routes,
                    server_tls=tls,
                    trust=TlsTrust(unverified_hosts=[LOOPBACK]),
                ),
                relays=relays,
                observer=self.notes,
                clock=WallClock(),
                entropy=secrets.randbelow,
            )
            await server.start()
            return server

        self.server = asyncio.run_coroutine_threadsafe(build(), self._loop).result(40)

    def do(self, act: Callable[[EdgeServer], T]) -> T:
        """Something on the edge's own loop."""

        async def run() -> T:
            return act(self.server)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(WAIT_S)

    @property
    def call_id(self) -> CallId:
        return self.notes.calls[-1].call_id

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture
def edges(peers: PeerGroup, tmp_path: Path) -> Iterator[Callable[[str, Transport], tuple[Edge, str]]]:
    """Starts an edge with a route to a URI; answers it and the URI to dial over a transport."""
    started: list[Edge] = []

    def start(to: str, transport: Transport = Transport.UDP) -> tuple[Edge, str]:
        block = peers.ports()
        sip = block.port(0)
        tls = None
        listen = [f"udp:{LOOPBACK}:{sip}", f"tcp:{LOOPBACK}:{sip}"]
        if transport is Transport.TLS:
            certificate = make_certificate(tmp_path, "edge")
            tls = make_server_context(certificate.both_path, certificate.both_path)
            listen.append(f"tls:{LOOPBACK}:{block.port(1)}")
        route = Route(
            "inbound",
            AccountId("acme"),
            (ip_network(f"{LOOPBACK}/32"),),
            SipUri.parse(to),
            customer_header="X-Customer",
        )
        edge = Edge(listen, (route,), block.rtp_ports, tls)
        started.append(edge)
        port = block.port(1) if transport is Transport.TLS else sip
        return edge, f"sip:442012345678@{LOOPBACK}:{port};transport={transport}"

    yield start
    for edge in started:
        edge.stop()


def loudness_dbm0(sound: Sound) -> float:
    return float(
        20 * np.log10(max(1.0, np.sqrt(np.mean(sound.samples.astype(float) ** 2)) * np.sqrt(2)) / 32124)
        + 3.17
    )


def two_phones(
    peers: PeerGroup, transport: Transport, answer: Answer = Answer.AT_ONCE
) -> tuple[Baresip, Baresip]:
    customer = peers.phone("customer", PhoneSettings(transport=transport), source=noise(3.0, -20.0, seed=1))
    agent = peers.phone(
        "agent", PhoneSettings(transport=transport, answer=answer), source=noise(3.0, -20.0, seed=2)
    )
    return customer, agent


@pytest.mark.parametrize("transport", list(Transport))
def test_two_phones_talk_through_the_edge(
    peers: PeerGroup, edges: Callable[[str, Transport], tuple[Edge, str]], transport: Transport
) -> None:
    customer, agent = two_phones(peers, transport)
    edge, uri = edges(agent.uri, transport)
    customer.dial(uri)
    for phone in (agent, customer):
        heard = phone.wait_heard(1.0, WAIT_S)
        assert loudness_dbm0(heard.between(0.3, 1.0)) > -25
    assert [word for word in edge.notes.said if word != "ringing"] == ["arrived", "answered"]
    customer.hold()
    customer.resume()
    agent.hangup()
    customer.wait_for(CLOSED)
    edge.notes.wait_for(lambda: "ended" in edge.notes.said)
    assert edge.notes.calls[-1].end_reason is EndReason.AGENT_HUNG_UP


def test_the_customer_hangs_up_while_it_rings(
    peers: PeerGroup, edges: Callable[[str, Transport], tuple[Edge, str]]
) -> None:
    customer, agent = two_phones(peers, Transport.UDP, Answer.BY_HAND)
    edge, uri = edges(agent.uri, Transport.UDP)
    customer.dial(uri, wait=False)
    edge.notes.wait_for(lambda: "ringing" in edge.notes.said)
    customer.hangup()
    agent.wait_for(CLOSED)
    edge.notes.wait_for(lambda: "ended" in edge.notes.said)
    assert edge.notes.calls[-1].end_reason is EndReason.CANCELED


@pytest.mark.parametrize("transport", list(SippTransport))
@pytest.mark.parametrize("info_type", list(InfoType))
def test_keys_by_info_are_caught_in_a_capture_and_pass_outside(
    peers: PeerGroup,
    edges: Callable[[str, Transport], tuple[Edge, str]],
    transport: SippTransport,
    info_type: InfoType,
) -> None:
    callee = peers.callee(SippSettings(transport=transport))
    edge, uri = edges(callee.uri, Transport.UDP)
    caller = peers.caller(
        SippSettings(transport=transport, headers={"X-Customer": "cust-a", "X-Campaign": "spring"})
    )
    caller.dial("442012345678", SipUri.parse(uri).port or 0, wait=False)
    callee.answer()
    caller.wait_for("established")
    edge.notes.wait_for(lambda: "answered" in edge.notes.said)
    assert edge.notes.calls[-1].customer_ref == "cust-a"
    invite = callee.wait_message("INVITE")
    assert invite.header("X-Campaign") == "spring"
    assert caller.key("7", info_type) == 200
    call_id = edge.call_id
    edge.do(lambda server: server.switch.start_capture(call_id, MaskMode.TALK))
    assert caller.keys(CARD, info_type) == [200] * len(CARD)
    edge.notes.wait_for(lambda: len(edge.notes.keys) == len(CARD))
    edge.do(lambda server: server.switch.stop_capture(call_id, server.now()))
    expected = [Key.from_character(ord(one)) for one in CARD]
    assert all(one.key.matches(other) for one, other in zip(edge.notes.keys, expected, strict=True))
    assert len(requests(callee.messages(), "INFO", sent=False)) == 1
    caller.hangup()
    edge.notes.wait_for(lambda: "ended" in edge.notes.said)


def test_the_edge_says_goodbye_when_it_stops(
    peers: PeerGroup, edges: Callable[[str, Transport], tuple[Edge, str]]
) -> None:
    customer, agent = two_phones(peers, Transport.UDP)
    edge, uri = edges(agent.uri, Transport.UDP)
    customer.dial(uri)
    edge.do(lambda server: server.switch.refuse_new_calls())
    asyncio.run_coroutine_threadsafe(edge.server.stop(), edge._loop).result(20)
    customer.wait_for(CLOSED)
    agent.wait_for(CLOSED)
