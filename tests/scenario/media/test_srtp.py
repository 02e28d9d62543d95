"""Calls over SRTP in simulated time: captured and masked as any other, and nothing passes that the leg's key does not open."""

from dataclasses import replace
from random import Random

import pytest

from tests.e2e.peers.listen import likeness
from tests.e2e.peers.wav import noise, speech_like
from tests.scenario.media.judge import assert_no_key_is_heard, beeps, events_call, tones_call
from tests.scenario.media.secured_stage import FarEnd, SecuredStage
from tests.scenario.media.stage import (
    AGENT,
    AGENT_SOCKETS,
    CALL,
    CUSTOMER,
    CUSTOMER_SOCKETS,
    START,
    Network,
    Phone,
    Stage,
)
from tonevault.cde.edge.relay.counters import FlowCounters
from tonevault.cde.edge.relay.srtp import FORMER_PACKETS, SOURCES
from tonevault.cde.media import Carrier, Direction, Leg, SrtpSuite
from tonevault.cde.wire.rtcp import ReceiverReport, ReportBlock, SenderReport, build_report, parse_rtcp
from tonevault.cde.wire.rtp import RtpPacket, build_rtp

CM, GCM = SrtpSuite.CM_SHA1_80, SrtpSuite.GCM_256
VOICE = speech_like(2.0)


def counts(stage: Stage) -> FlowCounters:
    return stage.engine.counters(CALL)


@pytest.mark.parametrize("suite", SrtpSuite)
def test_a_capture_with_both_legs_secured(suite: SrtpSuite) -> None:
    stage = SecuredStage(suite, suite).sends(events_call("4242#")).capture(0.3).play(2.5)
    assert stage.keyed(Carrier.EVENT) == "4242#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)
    stage.agent_heard.assert_one_stream()


@pytest.mark.parametrize(("customer", "agent"), [(CM, GCM), (GCM, None), (None, CM)])
def test_audible_keys_with_either_leg_secured(customer: SrtpSuite | None, agent: SrtpSuite | None) -> None:
    stage = SecuredStage(customer, agent).sends(tones_call("4929#")).capture(0.3).play(2.2)
    assert stage.keyed(Carrier.TONE) == "4929#"
    assert beeps(stage.agent_heard) == 5
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize(("customer", "agent"), [(CM, CM), (GCM, None), (None, CM)])
def test_voice_passes_untouched_both_ways(customer: SrtpSuite | None, agent: SrtpSuite | None) -> None:
    stage = SecuredStage(customer, agent).sends(Phone().says(VOICE))
    stage.sends(Phone(ssrc=2222).says(VOICE), socket=AGENT_SOCKETS.rtp, source=AGENT).play(2.1)
    for heard in (stage.agent_heard, stage.customer_heard):
        assert likeness(VOICE, heard.audio()) > 0.99
        heard.assert_one_stream()
    found = counts(stage)
    assert (found.forged, found.replayed, found.unsent, found.malformed) == (0, 0, 0, 0)


def test_what_the_network_doubles_is_heard_once_and_counted() -> None:
    stage = SecuredStage(network=Network(twice=0.5, jitter_s=0.015)).sends(events_call("123456")).capture(0.3)
    stage.play(3.0)
    assert stage.keyed(Carrier.EVENT) == "123456"
    assert beeps(stage.agent_heard) == 6
    assert counts(stage).replayed > 20


def test_a_recorded_call_played_back_moves_nothing() -> None:
    """Somebody who sends the customer's own packets again, later, from the customer's own address."""
    stage = SecuredStage()
    stage.sends(events_call("12")).capture(0.3)
    locked = list(stage._locked.values())
    for number, datagram in enumerate(locked):
        stage.at(2.0 + number / 100, stage.arrives(datagram, socket=CUSTOMER_SOCKETS.rtp, source=CUSTOMER))
    stage.play(4.0)
    assert stage.keyed(Carrier.EVENT) == "12"
    assert counts(stage).replayed == len(locked)


def test_plain_forged_and_altered_packets_change_nothing() -> None:
    stage = SecuredStage()
    stage.sends(Phone().says(VOICE))
    stranger = FarEnd(CM, 99)
    elsewhere = (CUSTOMER[0], 61000)
    packet = build_rtp(RtpPacket(0, 65010, 0xFFFFF000, 1111, b"\x01" * 160))
    good = stage.ends[Leg.CUSTOMER].lock(build_rtp(RtpPacket(0, 1, 2, 3333, b"\x02" * 160)))
    altered = good[:20] + bytes((good[20] ^ 1,)) + good[21:]
    bad = [packet, stranger.lock(packet), altered, packet[:12], b"\x80", b"", bytes(1499)]
    for number, datagram in enumerate(bad):
        for source in (CUSTOMER, elsewhere):
            act = stage.arrives(datagram, socket=CUSTOMER_SOCKETS.rtp, source=source)
            stage.at(0.505 + number / 20, act)
    stage.at(0.9, stage.arrives(good, socket=CUSTOMER_SOCKETS.rtp, source=("192.0.2.99", 4)))
    stage.play(2.1)
    assert likeness(VOICE, stage.agent_heard.audio()) > 0.99
    stage.agent_heard.assert_one_stream()
    found = counts(stage)
    # One whose number was heard already is dropped for that, before anybody asks who made it.
    assert found.forged + found.replayed == 2 * len(bad)
    assert found.forged >= 6
    assert found.strangers == 1
    assert found.received == 100


def test_only_a_packet_that_opens_latches_a_port() -> None:
    """A stranger behind the customer's address speaks first: on a plain leg he would be heard."""
    behind = (CUSTOMER[0], 61000)
    stage = SecuredStage(CM, None)
    early = build_rtp(RtpPacket(0, 5, 6, 7, b"\x01" * 160))
    stage.at(0.0, stage.arrives(early, socket=CUSTOMER_SOCKETS.rtp, source=behind))
    moved = (CUSTOMER[0], 62000)
    stage.sends(Phone().says(noise(0.5, -30)), source=moved)
    stage.play(0.6)
    assert len(stage.agent_heard.packets) == 25
    assert stage.engine._calls[CALL]._sides[Leg.CUSTOMER].latch is not None
    stage.engine.receive(AGENT_SOCKETS.rtp, build_rtp(RtpPacket(0, 1, 2, 3, b"\x05" * 160)), AGENT, START + 1)
    assert {target for _, _, target in stage.engine.outbox} == {moved}


def test_packet_counts_live_on_through_hold_and_a_capture() -> None:
    """The sequence numbers wrap on both legs, before and after the leg is agreed anew under the same keys (RFC 3711 section 3.3.1)."""
    stage = SecuredStage()
    stage.engine._calls[CALL]._sides[Leg.AGENT].stream.sequence = 65500
    stage.sends(Phone(sequence=65400).says(noise(5.0, -30)))
    held = replace(stage.customer_media, direction=Direction.INACTIVE)
    ends = dict(stage.ends)
    stage.at(3.0, lambda: stage.secure(Leg.CUSTOMER, ends[Leg.CUSTOMER], direction=held.direction))
    stage.at(3.5, lambda: stage.secure(Leg.CUSTOMER, ends[Leg.CUSTOMER]))
    stage.at(3.5, lambda: stage.secure(Leg.AGENT, ends[Leg.AGENT]))
    stage.capture(4.0, 4.5).play(5.5)
    found = counts(stage)
    assert (found.forged, found.replayed, found.unsent) == (0, 0, 0)
    assert found.received == 250
    assert found.held == 25
    assert stage.agent_heard.packets[0][1].sequence > 65400
    assert stage.agent_heard.packets[-1][1].sequence < 1000


def test_what_is_keyed_under_the_old_key_until_the_phone_has_our_answer_is_heard() -> None:
    """A phone that offers a new key goes on under its old one for a round trip, here of 200 ms, in which it keys the 8."""
    stage = SecuredStage()
    stage.capture(0.2)
    before = stage.ends[Leg.CUSTOMER]
    after = FarEnd(CM, 77, sends=before.edge_sends)
    phone = Phone().says(noise(1.0, -60))
    for key in "789":
        phone = phone.keys(key).says(noise(0.3, -60))
    stage.at(1.38, lambda: stage.secure(Leg.CUSTOMER, after))
    for at, packet in phone.sent:
        locked = (before if at < 1.58 else after).lock(build_rtp(packet))
        stage.at(at, stage.arrives(locked, socket=CUSTOMER_SOCKETS.rtp, source=CUSTOMER))
    stage.play(phone.at + 0.3)
    assert stage.keyed(Carrier.EVENT) == "789"
    assert counts(stage).forged == 0


def test_a_peer_that_never_changes_over_is_not_heard_for_ever() -> None:
    stage = SecuredStage(CM, None)
    before = stage.ends[Leg.CUSTOMER]
    stage.sends(Phone().says(noise(0.2, -30)))
    stage.at(0.3, lambda: stage.secure(Leg.CUSTOMER, FarEnd(CM, 77, sends=before.edge_sends)))
    late = Phone(sequence=40).pauses(0.4).says(noise(FORMER_PACKETS / 50 + 1.0, -30))
    for at, packet in late.sent:
        stage.at(
            at, stage.arrives(before.lock(build_rtp(packet)), socket=CUSTOMER_SOCKETS.rtp, source=CUSTOMER)
        )
    stage.play(late.at + 0.3)
    assert counts(stage).forged == len(late.sent) - FORMER_PACKETS


def test_once_the_new_key_of_the_customer_is_heard_the_old_one_opens_nothing() -> None:
    stage = SecuredStage()
    stage.capture(0.2)
    before = stage.ends[Leg.CUSTOMER]
    after = FarEnd(CM, 77, sends=before.edge_sends)
    first, second = Phone().says(noise(1.0, -60)).keys("7"), Phone(sequence=9).pauses(1.5).keys("8")
    stage.sends(first)
    late = before.lock(build_rtp(RtpPacket(0, 30000, 5, 4444, b"\x01" * 160)))
    stage.at(1.4, lambda: stage.secure(Leg.CUSTOMER, after))
    stage.at(1.9, stage.arrives(late, socket=CUSTOMER_SOCKETS.rtp, source=CUSTOMER))
    for at, packet in second.sent:
        locked = after.lock(build_rtp(packet))
        stage.at(at, stage.arrives(locked, socket=CUSTOMER_SOCKETS.rtp, source=CUSTOMER))
    stage.play(2.5)
    assert stage.keyed(Carrier.EVENT) == "78"
    assert counts(stage).forged == 1
    stage.agent_heard.assert_one_stream()


def test_a_leg_that_becomes_plain_again() -> None:
    stage = SecuredStage(CM, None)
    stage.sends(Phone().says(noise(0.5, -30)))
    stage.play(0.6)
    del stage.ends[Leg.CUSTOMER]
    stage.engine.configure(CALL, Leg.CUSTOMER, stage.customer_media)
    stage.engine.receive(
        CUSTOMER_SOCKETS.rtp, build_rtp(RtpPacket(0, 700, 9, 1111, b"\x05" * 160)), CUSTOMER, START + 1
    )
    assert len(stage.engine.outbox) == 1


def test_a_number_is_never_used_twice() -> None:
    """A doubled packet on the plain leg, its second copy with another content: sent on, it would give both away."""
    stage = SecuredStage(None, CM)
    stage.sends(Phone(sequence=100, timestamp=0).says(noise(0.1, -30)))
    double = build_rtp(RtpPacket(0, 102, 320, 1111, b"\x7e" * 160))
    stage.at(0.09, stage.arrives(double, socket=CUSTOMER_SOCKETS.rtp, source=CUSTOMER))
    stage.play(0.3)
    assert len(stage.agent_heard.packets) == 5
    assert counts(stage).unsent == 1


def test_reports_are_locked_and_opened() -> None:
    stage = SecuredStage()
    stage.sends(Phone().says(VOICE))
    stage.sends(Phone(ssrc=2222).says(VOICE), socket=AGENT_SOCKETS.rtp, source=AGENT)
    stage.play(2.2)
    ssrc = stage.agent_heard.packets[0][1].ssrc
    block = ReportBlock(ssrc, 64, 7, 1, 3, 0, 0)
    locked = stage.ends[Leg.AGENT].lock(build_report(ReceiverReport(2222, (block,)), "x"))
    rtcp = (AGENT[0], AGENT[1] + 1)
    reports = stage.engine._calls[CALL].reports[Leg.AGENT]
    stage.engine.receive(
        AGENT_SOCKETS.rtcp, build_report(ReceiverReport(2222, (block,)), "x"), rtcp, START + 3
    )
    assert reports.view.packets_lost == 0, "a plain report is not read"
    assert counts(stage).forged == 1
    stage.engine.receive(AGENT_SOCKETS.rtcp, locked, rtcp, START + 3)
    assert reports.view.packets_lost == 7
    for _ in Leg:  # A turn sends one report.
        stage.engine.tick(START + 9)
    stage._collect()
    kinds = [type(packet) for _, datagram in stage.rtcp for packet in parse_rtcp(datagram)]
    assert kinds.count(SenderReport) == 2, "each leg opened ours"


def test_reports_on_the_port_of_the_voice() -> None:
    """RFC 5761: told apart before they are opened."""
    stage = SecuredStage(CM, None)
    remote = replace(stage.customer_media.remote, rtcp_port=CUSTOMER[1])
    stage.secure(Leg.CUSTOMER, stage.ends[Leg.CUSTOMER], remote=remote)
    stage.sends(Phone().says(VOICE)).play(2.1)
    ssrc = stage.engine._calls[CALL].reports[Leg.CUSTOMER]._sent.stream.ssrc
    report = build_report(ReceiverReport(1111, (ReportBlock(ssrc, 0, 5, 1, 0, 0, 0),)), "x")
    locked = stage.ends[Leg.CUSTOMER].lock(report)
    stage.engine.receive(CUSTOMER_SOCKETS.rtp, locked, CUSTOMER, START + 3)
    assert stage.engine._calls[CALL].reports[Leg.CUSTOMER].view.packets_lost == 5


def test_sources_without_end_are_not_kept() -> None:
    stage = SecuredStage(CM, None)
    end = stage.ends[Leg.CUSTOMER]
    for ssrc in range(1, SOURCES + 10):
        locked = end.lock(build_rtp(RtpPacket(0, 1, 1, ssrc, b"\x01" * 160)))
        stage.engine.receive(CUSTOMER_SOCKETS.rtp, locked, CUSTOMER, START + ssrc)
    assert counts(stage).malformed == 9


def test_noise_of_any_kind_is_dropped() -> None:
    stage = SecuredStage()
    chance = Random(4)
    for _ in range(500):
        datagram = chance.randbytes(chance.randrange(2048))
        for socket, source in ((CUSTOMER_SOCKETS.rtp, CUSTOMER), (AGENT_SOCKETS.rtcp, AGENT)):
            stage.engine.receive(socket, datagram, source, START + 1)
    assert stage.engine.outbox == []
    found = counts(stage)
    assert found.received == 0
    assert found.forged + found.malformed == 1000


def test_a_plain_leg_has_nothing_of_it_in_the_way() -> None:
    stage = SecuredStage(None, CM)
    media = stage.engine._calls[CALL]
    assert media.inlets()[CUSTOMER_SOCKETS.rtp] == media.flows[Leg.CUSTOMER].receive
    assert media.flows[Leg.AGENT].direct.outbox is stage.engine.outbox
    assert media.inlets()[AGENT_SOCKETS.rtp] != media.flows[Leg.AGENT].receive
    # What crosses a secured leg is opened or locked, so no datagram of this call is carried in place.
    assert stage.engine.direct_path(CUSTOMER_SOCKETS.rtp) is None


def test_the_keys_of_a_call_are_zeroed_with_it() -> None:
    stage = SecuredStage()
    securities = []
    for leg in Leg:
        security = stage.ends[leg].security
        stage.engine.configure(CALL, leg, replace(stage.media(leg), security=security))
        securities.append(security)
    stage.engine.close(CALL, START + 1)
    for security in securities:
        for key in (security.sends, security.receives):
            assert bytes(key._octets) == bytes(key.length)
