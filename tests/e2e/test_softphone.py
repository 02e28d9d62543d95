"""The softphone over TLS and SRTP, through a real edge with real relay workers: it speaks, hears, keys and holds."""

import asyncio
import secrets
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.peers.certificate import make_certificate
from tests.e2e.peers.ports import LOOPBACK, claim_block
from tests.e2e.peers.wav import noise
from tests.scenario.calls.stage import Notes
from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings
from tonevault.cde.edge.relay.port_pool import MediaInterface
from tonevault.cde.edge.routes import Route
from tonevault.cde.edge.server import EdgeServer, EdgeSettings
from tonevault.cde.edge.sip_driver.listener import Listener
from tonevault.cde.edge.sip_driver.tls import TlsTrust, make_server_context
from tonevault.cde.media import Carrier, MaskMode
from tonevault.cde.wire.sdp.leg_keys import SrtpPolicy
from tonevault.cde.wire.sip.uri import SipUri
from tonevault.kernel.ids import AccountId, CallId
from tonevault.plumbing.clock import WallClock
from tonevault.testing.softphone import KeyCarrier, PhoneCall, PhoneError, Softphone

LIMIT_S = 60.0
KEYS = b"4242#"
REACTION_S = 0.3
"""A key counts that was pressed after the window had opened, also on a busy machine."""
LOUD = 500


@dataclass
class Ears(Notes):
    """An observer of real relays, which tell when keys are let go."""

    ups: list[float] = field(default_factory=list)

    def key_held(self, call_id: CallId, carrier: Carrier, until: float) -> None:
        self.ups.append(until)


@dataclass
class Secured:
    """Two phones and an edge between them that wants SRTP on both legs."""

    server: EdgeServer
    customer: Softphone
    agent: Softphone
    notes: Ears
    uri: str


def play(folder: Path, act: Callable[[Secured], Awaitable[None]]) -> None:
    certificate = make_certificate(folder)
    server_tls = make_server_context(certificate.certificate_path, certificate.key_path)
    client_tls = ssl.create_default_context(cafile=str(certificate.certificate_path))
    block = claim_block()

    async def run() -> None:
        phones = [
            Softphone(user, f"tls:{LOOPBACK}:0", srtp=True, server_tls=server_tls, client_tls=client_tls)
            for user in ("customer", "agent")
        ]
        for phone in phones:
            await phone.start()
        customer, agent = phones
        route = Route(
            "inbound",
            AccountId("acme"),
            (ip_network("127.0.0.0/8"),),
            SipUri.parse(agent.uri),
            customer_srtp=SrtpPolicy.REQUIRE,
            agent_srtp=SrtpPolicy.REQUIRE,
        )
        port = block.port(0)
        notes = Ears()
        server = EdgeServer(
            EdgeSettings(
                [
                    Listener.parse(f"{transport}:{LOOPBACK}:{port + place}")
                    for place, transport in enumerate(("tls", "udp"))
                ],
                (route,),
                server_tls=server_tls,
                trust=TlsTrust(ca_file=certificate.certificate_path),
            ),
            relays=RelayPlane(
                RelaySettings(MediaInterface(LOOPBACK, block.rtp_ports.start, block.rtp_ports.stop - 1))
            ),
            observer=notes,
            clock=WallClock(),
            entropy=secrets.randbelow,
        )
        await server.start()
        uri = f"sip:442079460000@{LOOPBACK}:{port};transport=tls"
        try:
            async with asyncio.timeout(LIMIT_S):
                await act(Secured(server, customer, agent, notes, uri))
        finally:
            for phone in phones:
                await phone.stop()
            await server.stop()

    try:
        asyncio.run(run())
    finally:
        block.release()


async def until(condition: Callable[[], bool]) -> None:
    met = condition()
    while not met:
        await asyncio.sleep(0.02)
        met = condition()


async def hears(call: PhoneCall, after: int, samples: int = 4000) -> None:
    """Until the call has heard half a second of sound, and not silence, after a place of its recording."""

    def heard_enough() -> bool:
        heard = call.line.heard[after:]
        return len(heard) >= samples and bool(np.abs(heard.astype(int)).max() >= LOUD)

    await until(heard_enough)


def test_both_legs_are_secured_and_a_key_is_caught(tmp_path: Path) -> None:
    async def act(stage: Secured) -> None:
        call = await stage.customer.dial(stage.uri)
        (agents,) = stage.agent.calls
        await agents.answered.wait()
        for one, other in ((call, agents), (agents, call)):
            assert one.line.is_secured
            one.say(noise(1.0, -20.0).samples)
            await hears(other, 0)
        call_id = stage.notes.infos[-1].call_id
        stage.server.switch.start_capture(call_id, MaskMode.TALK)
        await asyncio.sleep(REACTION_S)
        events_before = agents.line.events_heard
        await call.press(KEYS, KeyCarrier.EVENT)
        await call.press(KEYS, KeyCarrier.TONE)
        await until(lambda: len(stage.notes.keys) == len(stage.notes.ups) == 2 * len(KEYS))
        assert agents.line.events_heard == events_before
        stage.server.switch.stop_capture(call_id, stage.server.now())
        await call.hang_up()
        await agents.ended.wait()
        for line in (call.line, agents.line):
            assert (line.counters.forged, line.counters.replayed, line.counters.unsent) == (0, 0, 0)

    play(tmp_path, act)


def test_hold_and_a_new_offer_keep_the_keys(tmp_path: Path) -> None:
    async def act(stage: Secured) -> None:
        call = await stage.customer.dial(stage.uri)
        (agents,) = stage.agent.calls
        for party, other in ((call, agents), (agents, call)):
            await party.hold(on=True)
            await party.hold(on=False)
            place = len(other.line.heard)
            party.say(noise(1.0, -20.0).samples)
            await hears(other, place)
        assert agents.line.counters.forged == call.line.counters.forged == 0
        await agents.hang_up()
        await call.ended.wait()

    play(tmp_path, act)


def test_a_phone_without_srtp_is_refused_where_it_is_required(tmp_path: Path) -> None:
    async def act(stage: Secured) -> None:
        plain = Softphone("plain", f"udp:{LOOPBACK}:0")
        await plain.start()
        port = int(stage.uri.partition(";")[0].rpartition(":")[2]) + 1
        try:
            with pytest.raises(PhoneError) as caught:
                await plain.dial(f"sip:442079460000@{LOOPBACK}:{port};transport=udp")
        finally:
            await plain.stop()
        assert caught.value.status == 488

    play(tmp_path, act)


def test_a_phone_sends_its_keys_over_tls_alone() -> None:
    with pytest.raises(ValueError, match="tls:"):
        Softphone("customer", f"udp:{LOOPBACK}:0", srtp=True)
