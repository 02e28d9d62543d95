"""SRTP as signalling sees it: keys over TLS alone, either leg by itself, new keys in a call, and what each refusal says."""

import logging
from base64 import b64encode
from random import Random

import pytest
from tests.scenario.calls.phone import Phone, sdp
from tests.scenario.calls.stage import AGENT, CUSTOMER, Stage, route

from tonevault.cde.edge.observer import EndReason
from tonevault.cde.media import Leg, LegMedia, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.wire.sdp.crypto import CryptoLine, crypto_lines
from tonevault.cde.wire.sdp.leg_keys import SrtpPolicy
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sip.events import ServerKey
from tonevault.cde.wire.sip.message import Message, Request
from tonevault.cde.wire.sip.peer import Transport
from tonevault.cde.wire.sip.uri import SipUri

SUITE = SrtpSuite.CM_SHA1_80
REQUIRE, OFF = SrtpPolicy.REQUIRE, SrtpPolicy.OFF
TLS = f"sip:{AGENT}:5060;transport=tls"


def octets(seed: int) -> bytes:
    return Random(seed).randbytes(SUITE.key_octets)


def base64_of(seed: int) -> str:
    return b64encode(octets(seed)).decode()


def secured(host: str, seed: int, *, tag: int = 1, profile: str = "RTP/SAVP", **how: object) -> bytes:
    """A phone's description with a key."""
    body = sdp(host, **how)  # type: ignore[arg-type]
    return body.replace(b"RTP/AVP", profile.encode()) + (
        f"a=crypto:{tag} {SUITE.value} inline:{base64_of(seed)}\r\n".encode()
    )


def key(seed: int) -> MediaKey:
    return MediaKey(bytearray(octets(seed)))


def lines_of(message: Message) -> tuple[CryptoLine, ...]:
    return crypto_lines(parse(message.body).media[0])


def media(stage: Stage, leg: Leg) -> LegMedia:
    return stage.media.calls[stage.call_id].legs[leg]


def answers_with_srtp(phone: Phone, host: str, seed: int) -> None:
    """The phone takes our suite, under the number that the offer gave it."""

    def answer(server: ServerKey, request: Request) -> None:
        (tag,) = [line.tag for line in lines_of(request) if line.suite is SUITE]
        phone.accept(server, request, body=secured(host, seed, tag=tag))

    phone.on_invite = answer


def stage_of(**route_options: object) -> Stage:
    return Stage(transport=Transport.TLS, routes=(route(to=TLS, **route_options),))  # type: ignore[arg-type]


def test_a_secured_customer_and_a_plain_agent() -> None:
    stage = stage_of()
    stage.customer.offer = secured(CUSTOMER, 1)
    stage.call()
    assert b"crypto" not in stage.agent.requests[0].body
    (ours,) = lines_of(stage.customer.responses[-1])
    security = media(stage, Leg.CUSTOMER).security
    assert security is not None
    assert security.receives.matches(key(1))
    assert security.sends.matches(ours.key)
    assert media(stage, Leg.AGENT).security is None
    assert stage.notes.secured == [{Leg.CUSTOMER}]
    stage.customer.send("BYE")
    stage.run(1)
    assert security.sends.matches(MediaKey(bytearray(SUITE.key_octets))), "zeroed with the call"
    stage.nothing_is_left()


def test_a_plain_customer_over_udp_and_an_agent_that_must_be_secured() -> None:
    stage = Stage(routes=(route(to=TLS, agent_srtp=REQUIRE),))
    answers_with_srtp(stage.agent, AGENT, 2)
    stage.agent.transport = Transport.TLS
    stage.call()
    assert b"crypto" not in stage.customer.responses[-1].body
    assert media(stage, Leg.CUSTOMER).security is None
    security = media(stage, Leg.AGENT).security
    assert security is not None
    assert security.receives.matches(key(2))
    assert stage.notes.secured == [{Leg.AGENT}]
    (ours,) = [line.key for line in lines_of(stage.agent.requests[0]) if line.suite is SUITE]
    assert security.sends.matches(ours)


def test_a_capture_on_secured_legs_and_new_keys_while_it_is_open() -> None:
    stage = stage_of(customer_srtp=REQUIRE, agent_srtp=REQUIRE)
    stage.customer.offer = secured(CUSTOMER, 1)
    answers_with_srtp(stage.agent, AGENT, 2)
    stage.call()
    before = media(stage, Leg.CUSTOMER).security
    stage.switch.start_capture(stage.call_id, stage.switch._board.calls[stage.call_id].route.mask)

    def again(server: ServerKey, request: Request) -> bool:
        if request.method != "INVITE":
            return False
        (tag,) = [line.tag for line in lines_of(request) if line.suite is SUITE]
        stage.agent.accept(server, request, body=secured(AGENT, 2, tag=tag))
        return True

    stage.agent.on_request = again
    stage.customer.send("INVITE", body=secured(CUSTOMER, 7, version=2), content_type="application/sdp")
    stage.run(2)
    after = media(stage, Leg.CUSTOMER).security
    assert before is not None
    assert after is not None
    assert after.receives.matches(key(7))
    assert after.sends.matches(before.sends)
    assert stage.notes.secured == [{Leg.CUSTOMER, Leg.AGENT}], "new keys are no news"
    assert stage.media.calls[stage.call_id].mask is not None


@pytest.mark.parametrize(
    ("options", "transport", "offer", "said"),
    [
        ({}, Transport.UDP, secured(CUSTOMER, 1), "call over TLS"),
        ({}, Transport.TCP, secured(CUSTOMER, 1), "call over TLS"),
        ({"customer_srtp": REQUIRE}, Transport.UDP, sdp(CUSTOMER), "call over TLS"),
        ({"customer_srtp": REQUIRE}, Transport.TLS, sdp(CUSTOMER), "SRTP is required"),
        ({"customer_srtp": OFF}, Transport.TLS, secured(CUSTOMER, 1), "offer RTP/AVP"),
        ({"agent_srtp": REQUIRE}, Transport.UDP, sdp(CUSTOMER), "not reached over TLS"),
    ],
)
def test_what_a_route_does_not_take(
    options: dict[str, SrtpPolicy], transport: Transport, offer: bytes, said: str
) -> None:
    tail = "" if transport is Transport.UDP else f";transport={transport.value.lower()}"
    stage = Stage(
        transport=transport,
        routes=(route(to=f"sip:{AGENT}{tail}", **options),),  # type: ignore[arg-type]
    )
    stage.customer.offer = offer
    stage.call()
    final = stage.customer.responses[-1]
    assert final.status == 488
    assert said in (final.headers.get("Warning") or "")
    assert stage.agent.requests == []
    stage.nothing_is_left()


def test_an_agent_that_does_not_take_the_keys_is_refused() -> None:
    stage = stage_of(agent_srtp=REQUIRE)
    stage.call()
    final = stage.customer.responses[-1]
    assert final.status == 488
    assert "SRTP is required" in (final.headers.get("Warning") or "")
    assert stage.notes.infos[-1].end_reason is EndReason.NO_COMMON_CODEC
    assert "BYE" in stage.agent.methods()
    stage.nothing_is_left()


def test_a_network_of_ones_own_may_carry_keys_in_clear() -> None:
    stage = Stage(routes=(route(agent_srtp=REQUIRE, customer_srtp=REQUIRE, srtp_over_plain_sip=True),))
    stage.customer.offer = secured(CUSTOMER, 1)
    answers_with_srtp(stage.agent, AGENT, 2)
    stage.call()
    assert stage.customer.statuses()[-1] == 200
    assert media(stage, Leg.AGENT).security is not None


def test_keys_that_come_outside_tls_within_a_call_are_refused() -> None:
    stage = stage_of()
    stage.customer.offer = secured(CUSTOMER, 1)
    stage.call()
    stage.customer.transport = Transport.UDP
    stage.customer.send("INVITE", body=secured(CUSTOMER, 7, version=2), content_type="application/sdp")
    stage.run(2)
    final = stage.customer.responses[-1]
    assert final.status == 488
    assert "over TLS alone" in (final.headers.get("Warning") or "")
    security = media(stage, Leg.CUSTOMER).security
    assert security is not None
    assert security.receives.matches(key(1))


def test_no_key_goes_to_a_far_end_whose_contact_leads_out_of_tls() -> None:
    stage = stage_of(agent_srtp=REQUIRE)
    answers_with_srtp(stage.agent, AGENT, 2)
    stage.call()
    leg = stage.switch._board.calls[stage.call_id].legs[Leg.AGENT]
    assert leg.dialog is not None
    leg.dialog.remote_target = SipUri.parse(f"sip:phone@{AGENT}:5060;transport=udp")
    invites = stage.agent.methods().count("INVITE")
    stage.customer.send("INVITE", body=sdp(CUSTOMER, version=2), content_type="application/sdp")
    stage.run(2)
    assert stage.customer.responses[-1].status == 488
    assert stage.agent.methods().count("INVITE") == invites


def test_an_offer_left_to_the_agent_brings_keys_both_ways() -> None:
    """INVITE without a description: the agent offers SRTP in its 200, the customer answers in its ACK."""
    stage = stage_of()
    stage.agent.answer = secured(AGENT, 2, tag=3)
    stage.customer.ack_body = sdp(CUSTOMER)
    stage.call(body=b"")
    assert b"crypto" not in stage.customer.responses[-1].body
    (ours,) = lines_of(stage.agent.acks[0])
    assert ours.tag == 3
    security = media(stage, Leg.AGENT).security
    assert security is not None
    assert security.sends.matches(ours.key)


def test_no_key_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        stage = stage_of(customer_srtp=REQUIRE, agent_srtp=REQUIRE)
        stage.customer.offer = secured(CUSTOMER, 1)
        answers_with_srtp(stage.agent, AGENT, 2)
        stage.call()
        stage.switch.hang_up(stage.call_id)
        stage.run(2)
    said = [base64_of(1), base64_of(2), "inline:"]
    assert not any(each in caplog.text for each in said)
    assert not any(each in repr(vars(stage.notes)) for each in said)
