"""Cards keyed on real phones that speak G.722 and Opus: heard, masked, and the voice goes on in the codec that the phones agreed on."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.house import House
from tests.e2e.house_calls import CARD, StagedCall
from tests.e2e.house_plan import RouteTo
from tests.e2e.peers.baresip import Baresip, PhoneSettings
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.listen import beeps_heard, key_fragments, keys_text
from tests.e2e.peers.rtp import RtpPacket
from tests.e2e.peers.wav import RATE_HZ, Sound
from tests.e2e.peers.wire_tap import WireTap
from tests.e2e.test_capture_by_phone import KEYS_PRESSED, assert_card_was_taken
from tonevault.cde.media import Codec
from tonevault.cde.wire.tone.beep import BEEP_HZ
from tonevault.cde.wire.voice_codec import decoder_for

CODECS = {"g722": Codec(9, "G722", 8000), "opus": Codec(0, "OPUS", 48000, 2)}
NUMBERS = {"g722": "442079460021", "opus": "442079460022"}
BARESIP_NAMES = {"g722": "g722/16000/1", "opus": "opus/48000/2"}
ROUTES = {"g722": "wide", "opus": "full"}
LAG_S = 0.4


class WideHouse:
    """A house, and a customer and an agent for each codec, who speak nothing else."""

    def __init__(self, folder: Path) -> None:
        self.peers = PeerGroup(folder / "peers")
        self.house = House(folder / "house")
        self.agents = {name: self._phone("agent", name) for name in CODECS}
        self.customers = {name: self._phone("customer", name) for name in CODECS}
        self.house.start([RouteTo(self.agents[name].uri, ROUTES[name], NUMBERS[name]) for name in CODECS])
        self.calls: list[StagedCall] = []

    def _phone(self, role: str, name: str) -> Baresip:
        return self.peers.phone(f"{role}-{name}", PhoneSettings(codecs=(BARESIP_NAMES[name],)))

    def call(self, name: str, wire: WireTap) -> StagedCall:
        customer, agent = self.customers[name], self.agents[name]
        customer.dial(self.house.sip_uri(user=NUMBERS[name]))
        call = StagedCall(self.house, customer, agent, self.house.wait_call()["id"], 0, wire=wire)
        self.calls.append(call)
        return call

    def close(self) -> None:
        try:
            self.house.stop()
        finally:
            self.peers.close()


@pytest.fixture(scope="module")
def module_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WideHouse]:
    made = WideHouse(tmp_path_factory.mktemp("wide"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def wide_house(module_house: WideHouse) -> Iterator[WideHouse]:
    try:
        yield module_house
    finally:
        while module_house.calls:
            module_house.calls.pop().hang_up()


def capture_card(call: StagedCall, key_in: Callable[[str], None]) -> tuple[float, float]:
    """Captures every field; when the first window opened, and when the last key's beep was over."""
    opened_at = 0.0
    for name, value in CARD.items():
        call.house.capture(name)
        opened_at = opened_at or time.monotonic()
        call.customer_reacts()
        key_in(f"{value}#")
        call.house.wait_field(name)
    closed_at = time.monotonic() + LAG_S

    def passed() -> bool | None:
        return True if time.monotonic() > closed_at else None

    call.house.wait("the last beep", passed)
    return opened_at, closed_at


def decoded(packets: list[RtpPacket], codec: Codec) -> Sound:
    decoder = decoder_for(codec)
    assert decoder is not None
    pieces = [decoder.decode(packet.payload) for packet in packets]
    return Sound(np.concatenate(pieces)) if pieces else Sound(np.zeros(0, np.int16))


@pytest.mark.parametrize(("name", "by_tones"), [("opus", False), ("g722", True), ("opus", True)])
def test_a_card_keyed_in_wide_band(
    wide_house: WideHouse, peers: PeerGroup, name: str, by_tones: bool
) -> None:
    # Events come first, because a phone goes on saying in later calls what it said last.
    wire = peers.wire()
    call = wide_house.call(name, wire)
    call.house.start_session(call.id, 1250)
    opened_at, closed_at = capture_card(call, call.key_by_tones if by_tones else call.key_by_events)
    assert_card_was_taken(call, 1250)
    inside = [one for one in wire.rtp(to_ports=call.agent.rtp_ports) if opened_at <= one.at <= closed_at]
    numbers = {one.payload_type for one in inside}
    assert len(numbers) == 1, "no telephone-event, and no other codec"
    heard = decoded(inside, CODECS[name])
    assert heard.length_s == pytest.approx(closed_at - opened_at, abs=0.5)
    assert len(beeps_heard(heard, BEEP_HZ)) == KEYS_PRESSED
    assert key_fragments(heard) == []
    assert len(heard.samples) > RATE_HZ


def test_without_a_capture_the_same_keys_are_heard(wide_house: WideHouse, peers: PeerGroup) -> None:
    wire = peers.wire()
    call = wide_house.call("opus", wire)
    call.key_by_tones("4929")

    def heard() -> bool | None:
        packets = wire.rtp(to_ports=call.agent.rtp_ports)
        return True if keys_text(decoded(packets, CODECS["opus"])).endswith("4929") else None

    call.house.wait("four keys in the agent's ear", heard)
