"""Cards keyed where others' programs stand around the edge: on linphone, and through Kamailio; TLS and SRTP throughout."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.house import House, Json
from tests.e2e.house_calls import AgentsCall
from tests.e2e.house_plan import RouteTo
from tests.e2e.peers.baresip import CLOSED, Baresip, PhoneSettings, Transport
from tests.e2e.peers.baresip_config import MediaSecurity
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.linphone import Linphone
from tests.e2e.peers.sip_message import requests
from tests.e2e.test_capture_by_phone import assert_card_was_taken, assert_nothing_was_heard_but_beeps

SECURED = PhoneSettings(Transport.TLS, media_security=MediaSecurity.SDES)
NUMBER = "442079460011"


@dataclass
class ForeignCall(AgentsCall):
    """A call from either make of phone."""

    house: House
    customer: Linphone | Baresip
    agent: Baresip
    id: str
    keys_before: int
    opened_at: float = 0.0
    closed_at: float = 0.0
    opened_s: float = 0.0
    closed_s: float = 0.0

    def hang_up(self) -> Json:
        """The customer hangs up; answers the call as the API shows it then."""
        self.customer.hangup()
        self.agent.wait_for(CLOSED)
        return self.house.wait_call_ended(self.id)


class Surroundings:
    """A house whose one route wants SRTP on both legs, an agent's baresip, a customer's linphone and another's baresip, and a proxy."""

    def __init__(self, folder: Path) -> None:
        self.peers = PeerGroup(folder / "peers")
        self.house = House(folder / "house")
        self.agent = self.peers.phone("agent", SECURED)
        self.house.start([RouteTo(self.agent.uri, "secured", customer_srtp="require", agent_srtp="require")])
        self.proxy = self.peers.proxy(self.house.sip_uri(Transport.TLS, "edge").replace("edge@", ""))
        self.linphone = self.peers.linphone("customer")
        self.baresip = self.peers.phone("customer", SECURED)

    def call(self, customer: Linphone | Baresip, *, by_proxy: bool) -> ForeignCall:
        keys_before = len(self.agent.keys_received())
        customer.dial(self.proxy.uri(NUMBER) if by_proxy else self.house.sip_uri(Transport.TLS, NUMBER))
        call_id = self.house.wait_call()["id"]
        return ForeignCall(self.house, customer, self.agent, call_id, keys_before)

    def end_calls(self) -> None:
        for phone in (self.linphone, self.baresip, self.agent):
            phone.reset()

    def close(self) -> None:
        try:
            self.house.stop()
        finally:
            self.peers.close()


@pytest.fixture(scope="module")
def module_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    made = Surroundings(tmp_path_factory.mktemp("others"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def others(module_surroundings: Surroundings) -> Iterator[Surroundings]:
    try:
        yield module_surroundings
    finally:
        module_surroundings.end_calls()


@pytest.mark.parametrize(("make", "by_proxy"), [("linphone", False), ("baresip", True)])
def test_a_card_keyed_by_events(others: Surroundings, make: str, by_proxy: bool) -> None:
    call = others.call(others.linphone if make == "linphone" else others.baresip, by_proxy=by_proxy)
    call.customer.send_keys("7")
    call.wait_agent_keys("7")
    call.house.start_session(call.id, 1250)
    call.capture_card(call.customer.send_keys)
    assert_card_was_taken(call, 1250)
    assert call.agent_keys() == "7"
    assert_nothing_was_heard_but_beeps(call)
    assert call.hang_up()["end_reason"] == "customer_hung_up"
    invite = requests(others.agent.messages(), "INVITE", sent=False)[-1]
    assert "RTP/SAVP" in invite.body
    assert invite.all_headers("Record-Route") == [], "the proxy is on the customer's leg alone"


@pytest.mark.parametrize("make", ["linphone", "baresip"])
def test_the_proxy_stays_in_the_call(others: Surroundings, make: str) -> None:
    """Hold and resume of the customer's, and the agent's hanging up, all pass it."""
    customer = others.linphone if make == "linphone" else others.baresip
    before = len(others.proxy.log())
    call = others.call(customer, by_proxy=True)
    call.customer.hold()
    call.customer.resume()
    call.customer.send_keys("75")
    call.wait_agent_keys("75")
    call.agent.hangup()
    assert call.house.wait_call_ended(call.id)["end_reason"] == "agent_hung_up"
    customer.wait_ended()
    passed = others.proxy.log()[before:]
    assert passed.count("a call for the edge") == 1
    assert passed.count("within a dialog: INVITE") >= 2
    assert passed.count("within a dialog: BYE") == 1
