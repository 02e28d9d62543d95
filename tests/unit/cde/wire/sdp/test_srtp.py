"""SRTP in offer and answer, on each leg by itself: what a policy takes, asks for and refuses, and which keys stay."""

from base64 import b64encode
from random import Random

import pytest
from tests.unit.cde.wire.sdp.descriptions import PORTS, audio

from tonevault.cde.media import Leg, Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.sealed.media_warrant import open_media_key
from tonevault.cde.wire.sdp.crypto import CryptoLine, crypto_lines
from tonevault.cde.wire.sdp.errors import UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sdp.leg_keys import LegKeys, SrtpPolicy, SrtpTerms
from tonevault.cde.wire.sdp.offer_answer import OfferAnswer
from tonevault.cde.wire.sdp.parse import parse

OFF, ACCEPT, REQUIRE = SrtpPolicy
CM_80, CM_32, GCM = SrtpSuite.CM_SHA1_80, SrtpSuite.CM_SHA1_32, SrtpSuite.GCM_256


def state(
    customer: SrtpPolicy = ACCEPT,
    agent: SrtpPolicy = ACCEPT,
    *,
    customer_tls: bool = True,
    agent_tls: bool = True,
) -> OfferAnswer:
    entropy = Random(3).randrange
    keys = {
        Leg.CUSTOMER: LegKeys(SrtpTerms(customer, customer_tls), entropy),
        Leg.AGENT: LegKeys(SrtpTerms(agent, agent_tls), entropy),
    }
    return OfferAnswer(PORTS, {Leg.CUSTOMER: 501, Leg.AGENT: 502}, keys=keys)


def octets(suite: SrtpSuite, seed: int) -> bytes:
    return Random(seed).randbytes(suite.key_octets)


def crypto(tag: int, suite: SrtpSuite, seed: int = 1) -> str:
    return f"crypto:{tag} {suite.value} inline:{b64encode(octets(suite, seed)).decode()}"


def secured(*lines: str, profile: str = "RTP/SAVP", host: str = "192.0.2.10") -> bytes:
    return audio("0", *lines, profile=profile, host=host)


def profile_of(body: bytes) -> str:
    return parse(body).media[0].protocol


def lines_of(body: bytes) -> tuple[CryptoLine, ...]:
    return crypto_lines(parse(body).media[0])


def security(made: OfferAnswer, leg: Leg) -> Srtp | None:
    media = made.media(leg)
    assert media is not None
    return media.security


def key(suite: SrtpSuite, seed: int) -> MediaKey:
    return MediaKey(bytearray(octets(suite, seed)))


def answer_to(offer: bytes, suite: SrtpSuite, seed: int = 9) -> bytes:
    """The far side's answer that takes one suite of an offer."""
    (tag,) = [line.tag for line in lines_of(offer) if line.suite is suite]
    return secured(crypto(tag, suite, seed), profile=profile_of(offer), host="192.0.2.30")


def test_a_secured_customer_and_a_plain_agent() -> None:
    made = state()
    offer = made.offer(Leg.CUSTOMER, secured(crypto(4, CM_80), crypto(5, GCM)))
    assert profile_of(offer) == "RTP/AVP"
    assert b"crypto" not in offer
    back = made.answer(Leg.AGENT, audio("0"))
    assert profile_of(back) == "RTP/SAVP"
    (line,) = lines_of(back)
    assert (line.tag, line.suite) == (4, CM_80)
    assert not line.key.matches(key(CM_80, 1)), "each way has a key of its own"
    made.settle()
    agreed = security(made, Leg.CUSTOMER)
    assert agreed is not None
    assert agreed.receives.matches(key(CM_80, 1))
    assert agreed.sends.matches(line.key)
    assert security(made, Leg.AGENT) is None


@pytest.mark.parametrize("suite", SrtpSuite)
def test_a_plain_customer_and_a_secured_agent(suite: SrtpSuite) -> None:
    made = state(agent=REQUIRE)
    offer = made.offer(Leg.CUSTOMER, audio("0"))
    assert profile_of(offer) == "RTP/SAVP"
    assert [line.suite for line in lines_of(offer)] == list(SrtpSuite)
    back = made.answer(Leg.AGENT, answer_to(offer, suite))
    assert profile_of(back) == "RTP/AVP"
    assert b"crypto" not in back
    made.settle()
    agreed = security(made, Leg.AGENT)
    (ours,) = [line.key for line in lines_of(offer) if line.suite is suite]
    assert agreed == Srtp(suite, ours, key(suite, 9))
    assert security(made, Leg.CUSTOMER) is None


def test_both_legs_have_keys_of_their_own() -> None:
    made = state(REQUIRE, REQUIRE)
    offer = made.offer(Leg.CUSTOMER, secured(crypto(1, CM_32)))
    back = made.answer(Leg.AGENT, answer_to(offer, CM_32))
    customer, agent = security(made, Leg.CUSTOMER), security(made, Leg.AGENT)
    assert customer is not None
    assert agent is not None
    assert not customer.sends.matches(agent.sends)
    assert lines_of(back)[0].key.matches(customer.sends)


def test_keys_under_a_plain_profile_are_taken_where_they_come() -> None:
    """RFC 8643: AVP with a=crypto, as phones send it that would like SRTP and can do without."""
    made = state()
    made.offer(Leg.CUSTOMER, secured(crypto(1, CM_80), profile="RTP/AVP"))
    back = made.answer(Leg.AGENT, audio("0"))
    assert profile_of(back) == "RTP/AVP"
    assert len(lines_of(back)) == 1
    made.settle()
    assert security(made, Leg.CUSTOMER) is not None
    again = made.offer(Leg.AGENT, audio("0"))
    assert profile_of(again) == "RTP/AVP"
    assert made.answer(Leg.CUSTOMER, audio("0"))
    made.settle()
    assert security(made, Leg.CUSTOMER) is None, "it can do without"


def test_feedback_stays_in_the_profile() -> None:
    made = state()
    made.offer(Leg.CUSTOMER, secured(crypto(1, CM_80), profile="RTP/SAVPF"))
    assert profile_of(made.answer(Leg.AGENT, audio("0"))) == "RTP/SAVPF"
    made.settle()
    assert profile_of(made.offer(Leg.AGENT, audio("0"))) == "RTP/SAVPF"


@pytest.mark.parametrize(
    ("policy", "tls", "body", "text"),
    [
        (OFF, True, secured(crypto(1, CM_80)), "not available on this route; offer RTP/AVP"),
        (ACCEPT, False, secured(crypto(1, CM_80)), "over TLS alone; call over TLS"),
        (REQUIRE, False, secured(crypto(1, CM_80)), "over TLS alone; call over TLS"),
        (REQUIRE, False, audio("0"), "call over TLS"),
        (REQUIRE, True, audio("0"), "required on this route; offer RTP/SAVP"),
        (ACCEPT, True, secured(), "No usable a=crypto; offer AES_CM_128_HMAC_SHA1_80"),
        (ACCEPT, True, secured(crypto(1, CM_80) + "|2^20|1:4"), "no MKI"),
        (REQUIRE, True, secured(crypto(1, CM_80) + "|1:4", profile="RTP/AVP"), "required on this route"),
        (ACCEPT, True, secured(crypto(1, CM_80), profile="UDP/TLS/RTP/SAVP"), "DTLS-SRTP is not available"),
    ],
)
def test_an_offer_that_the_policy_does_not_take(
    policy: SrtpPolicy, tls: bool, body: bytes, text: str
) -> None:
    made = state(policy, customer_tls=tls)
    with pytest.raises(UnacceptableSdpError, match=text) as caught:
        made.offer(Leg.CUSTOMER, body)
    assert caught.value.code is WarningCode.INCOMPATIBLE_TRANSPORT
    assert made.offerer is None


@pytest.mark.parametrize(("policy", "tls"), [(OFF, True), (ACCEPT, False)])
def test_keys_that_are_not_wanted_are_not_looked_at(policy: SrtpPolicy, tls: bool) -> None:
    made = state(policy, customer_tls=tls)
    made.offer(Leg.CUSTOMER, secured(crypto(1, CM_80), profile="RTP/AVP"))
    assert b"crypto" not in made.answer(Leg.AGENT, audio("0"))
    assert security(made, Leg.CUSTOMER) is None


def test_a_plain_stream_beside_a_secured_one_is_taken_where_keys_are_not() -> None:
    body = secured(crypto(1, CM_80)) + b"m=audio 4002 RTP/AVP 0\r\n"
    for policy, ports in ((OFF, [0, 30000]), (ACCEPT, [30000, 0])):
        made = state(policy)
        made.offer(Leg.CUSTOMER, body)
        assert [media.port for media in parse(made.answer(Leg.AGENT, audio("0"))).media] == ports


def test_no_key_is_sent_to_a_far_side_that_is_not_reached_over_tls() -> None:
    made = state(agent=REQUIRE, agent_tls=False)
    with pytest.raises(UnacceptableSdpError, match="not reached over TLS"):
        made.offer(Leg.CUSTOMER, audio("0"))
    assert made.offerer is None
    made.allow_keys(Leg.AGENT, allowed=True)
    assert made.offer(Leg.CUSTOMER, audio("0"))


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (audio("0"), "takes none"),
        (secured(), "takes none"),
        (secured(crypto(99, CM_80)), "takes none"),
        (secured(crypto(1, CM_80)), "takes none"),
    ],
)
def test_an_answer_that_takes_no_offered_key(answer: bytes, text: str) -> None:
    made = state(agent=REQUIRE)
    made.offer(Leg.CUSTOMER, audio("0"))
    with pytest.raises(UnacceptableSdpError, match=text):
        made.answer(Leg.AGENT, answer)
    assert made.media(Leg.AGENT) is None


def test_an_answer_with_keys_that_nobody_offered() -> None:
    made = state()
    made.offer(Leg.CUSTOMER, audio("0"))
    with pytest.raises(UnacceptableSdpError, match="was not offered"):
        made.answer(Leg.AGENT, secured(crypto(1, CM_80)))


def up(suite: SrtpSuite = CM_80) -> OfferAnswer:
    """A call with a secured customer and a secured agent."""
    made = state(agent=REQUIRE)
    offer = made.offer(Leg.CUSTOMER, secured(crypto(1, suite)))
    made.answer(Leg.AGENT, answer_to(offer, suite))
    made.settle()
    return made


def test_our_keys_stay_through_hold_and_new_offers_of_either_side() -> None:
    made = up()
    before = {leg: security(made, leg) for leg in Leg}
    offer = made.offer(Leg.CUSTOMER, secured(crypto(1, CM_80), "sendonly"))
    assert lines_of(offer)[0].suite is CM_80, "what is agreed comes first"
    made.answer(Leg.AGENT, answer_to(offer, CM_80))
    made.settle()
    assert {leg: security(made, leg) for leg in Leg} == before
    offer = made.offer(Leg.AGENT, secured(crypto(3, CM_80, 9)))
    assert profile_of(offer) == "RTP/SAVP", "a secured leg is offered SRTP again, though nothing requires it"
    made.answer(Leg.CUSTOMER, answer_to(offer, CM_80, 1))
    made.settle()
    assert {leg: security(made, leg) for leg in Leg} == before


def test_a_new_key_of_the_peer_is_taken_and_ours_stays() -> None:
    made = up()
    before, agents = security(made, Leg.CUSTOMER), security(made, Leg.AGENT)
    offer = made.offer(Leg.CUSTOMER, secured(crypto(1, CM_80, 77)))
    made.answer(Leg.AGENT, answer_to(offer, CM_80))
    made.settle()
    after = security(made, Leg.CUSTOMER)
    assert before is not None
    assert after is not None
    assert before.receives.matches(MediaKey(bytearray(CM_80.key_octets))), "the old one is zeroed"
    assert security(made, Leg.AGENT) == agents, "the one that stayed is not"
    assert after.receives.matches(key(CM_80, 77))
    assert after.sends.matches(before.sends)


def test_a_suite_that_was_left_comes_back_with_another_key() -> None:
    made = up()
    first = security(made, Leg.CUSTOMER)
    assert first is not None
    with open_media_key(first.sends) as octets_before:
        copy = MediaKey(bytearray(octets_before))
    for suite in (GCM, CM_80):
        offer = made.offer(Leg.CUSTOMER, secured(crypto(1, suite)))
        made.answer(Leg.AGENT, answer_to(offer, CM_80))
        made.settle()
    again = security(made, Leg.CUSTOMER)
    assert again is not None
    assert again.suite is first.suite
    assert not again.sends.matches(copy)
    assert first.sends.matches(MediaKey(bytearray(CM_80.key_octets))), "and the one before is zeroed"


def test_a_refused_offer_leaves_the_keys_as_they_were() -> None:
    made = up()
    before = {leg: security(made, leg) for leg in Leg}
    made.offer(Leg.CUSTOMER, secured(crypto(1, GCM, 5)))
    made.withdraw()
    assert {leg: security(made, leg) for leg in Leg} == before


def test_a_refresh_repeats_the_keys_and_takes_a_new_one() -> None:
    made = up()
    before = security(made, Leg.AGENT)
    said = made.restate(Leg.AGENT)
    assert before is not None
    assert said is not None
    assert any(line.key.matches(before.sends) for line in lines_of(said))
    made.refreshed(Leg.AGENT, answer_to(said, CM_80, 55))
    after = security(made, Leg.AGENT)
    assert after is not None
    assert after.receives.matches(key(CM_80, 55))
    assert after.sends.matches(before.sends)
    for answer in (audio("0"), answer_to(said, GCM)):
        with pytest.raises(UnacceptableSdpError, match="leaves the SRTP"):
            made.refreshed(Leg.AGENT, answer)
    assert security(made, Leg.AGENT) == after


def test_a_refresh_of_a_plain_leg_brings_no_srtp() -> None:
    made = state()
    made.offer(Leg.CUSTOMER, audio("0"))
    made.answer(Leg.AGENT, audio("0"))
    made.settle()
    made.refreshed(Leg.AGENT, audio("0", host="192.0.2.31"))
    with pytest.raises(UnacceptableSdpError, match="was not offered"):
        made.refreshed(Leg.AGENT, secured(crypto(1, CM_80)))


def test_the_end_of_a_call_zeroes_its_keys() -> None:
    made = up()
    held = [one for leg in Leg if (one := security(made, leg)) is not None]
    made.destroy()
    assert len(held) == 2
    for one in held:
        zeros = MediaKey(bytearray(one.suite.key_octets))
        assert one.sends.matches(zeros)
        assert one.receives.matches(zeros)
    assert made.restate(Leg.AGENT) is None


def test_no_key_is_in_any_repr() -> None:
    made = up()
    body = made.restate(Leg.AGENT)
    assert body is not None
    said = body.decode().partition("inline:")[2][:40]
    shown = repr([made, parse(body), made.media(Leg.AGENT), lines_of(body)])
    assert said not in shown
