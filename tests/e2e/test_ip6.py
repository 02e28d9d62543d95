"""A call over IPv6 alone: configuration, signalling, voice of real relay workers, and a key that is caught."""

import asyncio
import secrets
from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from tests.e2e.peers.ports import claim_block
from tests.e2e.peers.wav import noise
from tests.e2e.test_softphone import KEYS, REACTION_S, Ears, hears, until
from tonevault.app.edge_settings import edge_settings, relay_settings
from tonevault.app.settings import RouteSettings, SecureSettings
from tonevault.cde.edge.relay.controller import RelayPlane
from tonevault.cde.edge.server import EdgeServer
from tonevault.cde.media import MaskMode
from tonevault.plumbing.clock import WallClock
from tonevault.testing.softphone import KeyCarrier, Softphone

LIMIT_S = 60.0
HOST = "::1"


def route(to: str) -> RouteSettings:
    return RouteSettings.model_validate(
        {"name": "six", "account": "acme", "peers": [f"{HOST}/128"], "to": to}
    )


def test_a_call_over_ip6() -> None:
    block = claim_block()

    async def play(customer: Softphone, agent: Softphone) -> None:
        settings = SecureSettings.model_validate(
            {
                "sip": {"listen": [f"udp:[{HOST}]:{block.port(0)}"]},
                "media": {
                    "address": HOST,
                    "first_port": block.rtp_ports.start,
                    "last_port": block.rtp_ports.stop - 1,
                },
                "routes": [route(agent.uri)],
            }
        )
        made, notes = edge_settings(settings), Ears()
        assert made.routes[0].peers == (ip_network(f"{HOST}/128"),)
        server = EdgeServer(
            made,
            relays=RelayPlane(relay_settings(settings)),
            observer=notes,
            clock=WallClock(),
            entropy=secrets.randbelow,
        )
        await server.start()
        try:
            call = await customer.dial(f"sip:442079460000@[{HOST}]:{block.port(0)}")
            (agents,) = agent.calls
            for one, other in ((call, agents), (agents, call)):
                one.say(noise(1.0, -20.0).samples)
                await hears(other, 0)
            server.switch.start_capture(notes.infos[-1].call_id, MaskMode.TALK)
            await asyncio.sleep(REACTION_S)
            await call.press(KEYS, KeyCarrier.EVENT)
            await until(lambda: len(notes.keys) == len(KEYS))
            assert agents.line.events_heard == 0
            await agents.hang_up()
            await call.ended.wait()
        finally:
            await server.stop()

    async def run() -> None:
        phones = [Softphone(user, f"udp:[{HOST}]:0") for user in ("customer", "agent")]
        for phone in phones:
            await phone.start()
        try:
            async with asyncio.timeout(LIMIT_S):
                await play(*phones)
        finally:
            for phone in phones:
                await phone.stop()

    try:
        asyncio.run(run())
    finally:
        block.release()


@pytest.mark.parametrize("to", ["sip:a@[::1", "sip:a@::1:5060", "sip:a@[::1]x", "sip:a@[example.com]"])
def test_what_is_no_address_in_brackets_is_no_destination(to: str) -> None:
    with pytest.raises(ValidationError, match="must be a SIP URI"):
        route(to)
