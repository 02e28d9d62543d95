"""Cards keyed on real phones that speak SRTP over TLS: captured whole, heard by nobody, and readable by nobody on the wire."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.house import House
from tests.e2e.house_calls import StagedCall
from tests.e2e.house_plan import RouteTo
from tests.e2e.peers import listen
from tests.e2e.peers.baresip import CLOSED, KEY_UP, Baresip, PhoneSettings, Transport
from tests.e2e.peers.baresip_config import MediaSecurity
from tests.e2e.peers.group import PeerGroup
from tests.e2e.peers.sip_message import requests
from tests.e2e.peers.wav import speech_like
from tests.e2e.test_capture_by_phone import assert_card_was_taken, assert_nothing_was_heard_but_beeps

SECURED = PhoneSettings(Transport.TLS, media_security=MediaSecurity.SDES)
PLAIN = PhoneSettings(Transport.TLS)
TO_SECURED, TO_PLAIN = "442079460011", "442079460012"


class SecuredHouse:
    """A house with a route to a phone that insists on SRTP, and one to a phone that has none."""

    def __init__(self, folder: Path) -> None:
        self.peers = PeerGroup(folder / "peers")
        self.house = House(folder / "house")
        self.agents = {
            TO_SECURED: self.peers.phone("agent-secured", SECURED),
            TO_PLAIN: self.peers.phone("agent-plain", PLAIN),
        }
        self.customers = {
            True: self.peers.phone("customer-secured", SECURED),
            False: self.peers.phone("customer-plain", PLAIN),
        }
        self.house.start(
            [
                RouteTo(self.agents[TO_SECURED].uri, "secured", TO_SECURED, agent_srtp="require"),
                RouteTo(self.agents[TO_PLAIN].uri, "plain", TO_PLAIN, customer_srtp="require"),
            ]
        )
        self.calls: list[StagedCall] = []

    def call(self, number: str, *, secured: bool) -> StagedCall:
        customer, agent = self.customers[secured], self.agents[number]
        keys_before = len(agent.keys_received())
        customer.dial(self.house.sip_uri(Transport.TLS, number))
        call = StagedCall(self.house, customer, agent, self.house.wait_call()["id"], keys_before)
        self.calls.append(call)
        return call

    def close(self) -> None:
        try:
            self.house.stop()
        finally:
            self.peers.close()


@pytest.fixture(scope="module")
def module_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredHouse]:
    made = SecuredHouse(tmp_path_factory.mktemp("secured"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def secured_house(module_house: SecuredHouse) -> Iterator[SecuredHouse]:
    try:
        yield module_house
    finally:
        while module_house.calls:
            module_house.calls.pop().hang_up()


def offered_to(phone: Baresip) -> str:
    return requests(phone.messages(), "INVITE", sent=False)[-1].body


@pytest.mark.parametrize(("number", "secured"), [(TO_SECURED, True), (TO_SECURED, False), (TO_PLAIN, True)])
def test_a_card_keyed_over_srtp(secured_house: SecuredHouse, number: str, secured: bool) -> None:
    call = secured_house.call(number, secured=secured)
    call.key_by_events("7")
    call.house.wait("a key before the capture", lambda: True if call.agent_keys() == "7" else None)
    call.house.start_session(call.id, 1250)
    call.capture_card(call.key_by_events)
    assert_card_was_taken(call, 1250)
    assert call.agent_keys() == "7"
    assert_nothing_was_heard_but_beeps(call)
    assert "inline:" not in call.house.logs()
    assert ("RTP/SAVP" in offered_to(call.agent)) is (number == TO_SECURED)


def test_audible_keys_over_srtp(secured_house: SecuredHouse) -> None:
    call = secured_house.call(TO_SECURED, secured=True)
    call.house.start_session(call.id, 995)
    call.capture_card(call.key_by_tones)
    assert_card_was_taken(call, 995)
    assert_nothing_was_heard_but_beeps(call)


def test_voices_pass_and_nobody_else_can_hear_them(secured_house: SecuredHouse, peers: PeerGroup) -> None:
    wire = peers.wire()
    call = secured_house.call(TO_SECURED, secured=True)
    voice = speech_like(1.5, seed=11)
    before = call.heard_so_far_s()
    call.customer.play(voice)
    heard = call.agent.wait_heard(before + 2.2, 5.0)
    assert listen.likeness(voice, heard.between(before, 1e6)) > 0.9
    packets = wire.rtp(to_ports=call.agent.rtp_ports)
    assert packets
    assert all(len(one.payload) >= 170 for one in packets if one.payload_type == 0), "160 octets and a tag"


def test_hold_and_resume_keep_the_line_open(secured_house: SecuredHouse) -> None:
    """The phones begin their contexts anew with each description, the relay goes on with its own. (They record no more after a hold.)"""
    call = secured_house.call(TO_SECURED, secured=True)
    call.customer.hold()
    call.customer.resume()
    call.customer.reinvite()
    call.key_by_events("75")
    call.house.wait("two keys at the agent's phone", lambda: True if call.agent_keys() == "75" else None)
    call.agent.send_keys("8")
    call.customer.wait_for(KEY_UP)


def test_a_phone_without_srtp_is_refused_where_it_is_required(secured_house: SecuredHouse) -> None:
    phone = secured_house.customers[False]
    phone.dial(secured_house.house.sip_uri(Transport.TLS, TO_PLAIN), wait=False)
    phone.wait_for(CLOSED)
    refusal = phone.wait_message("INVITE", status=488)
    assert "SRTP is required" in refusal.header("Warning")


def test_keys_over_udp_are_refused(secured_house: SecuredHouse, peers: PeerGroup) -> None:
    phone = peers.phone("careless", replace(SECURED, transport=Transport.UDP))
    phone.dial(secured_house.house.sip_uri(Transport.UDP, TO_SECURED), wait=False)
    phone.wait_for(CLOSED)
    assert "over TLS" in phone.wait_message("INVITE", status=488).header("Warning")
