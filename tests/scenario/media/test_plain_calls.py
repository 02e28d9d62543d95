"""Calls outside a capture: payload untouched, one stream a leg, the signalled peer and nobody else."""

import pytest

from tests.e2e.peers import g711
from tests.e2e.peers.wav import Sound, noise, speech_like
from tests.scenario.media.stage import (
    AGENT,
    AGENT_SOCKETS,
    CALL,
    CUSTOMER,
    CUSTOMER_SOCKETS,
    G722,
    PCMA,
    PCMU,
    START,
    Network,
    Phone,
    Stage,
)
from tonevault.cde.media import Codec, Direction, Leg, LegMedia, MediaAddress
from tonevault.cde.wire.rtcp import (
    Goodbye,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    build_report,
    ntp_middle,
    parse_rtcp,
)
from tonevault.cde.wire.rtp import RtpPacket, build_rtp

VOICE = speech_like(2.0)


def payloads(phone: Phone) -> list[bytes]:
    return [packet.payload for _, packet in phone.sent]


def test_voice_passes_octet_for_octet_both_ways() -> None:
    customer, agent = Phone().says(VOICE), Phone(ssrc=2222, sequence=5, timestamp=9).says(noise(2.0, -30))
    stage = Stage().sends(customer).sends(agent, socket=AGENT_SOCKETS.rtp, source=AGENT).play(2.1)
    assert [p.payload for _, p in stage.agent_heard.packets] == payloads(customer)
    assert [p.payload for _, p in stage.customer_heard.packets] == payloads(agent)
    for heard in (stage.agent_heard, stage.customer_heard):
        heard.assert_one_stream()
    assert stage.agent_heard.packets[0][1].ssrc not in (1111, 2222)


@pytest.mark.parametrize("seed", range(3))
def test_loss_and_disorder_are_passed_on_as_they_are(seed: int) -> None:
    customer = Phone().says(noise(2.0, -30))
    place = {payload: index for index, payload in enumerate(payloads(customer))}
    stage = Stage(seed=seed, network=Network(loss=0.05, jitter_s=0.03)).sends(customer).play(2.2)
    told = [packet for _, packet in stage.agent_heard.packets]
    assert 85 <= len(told) < 100
    assert len({(packet.sequence - place[packet.payload]) & 0xFFFF for packet in told}) == 1
    assert len({(packet.timestamp - 160 * place[packet.payload]) & 0xFFFFFFFF for packet in told}) == 1


def test_each_leg_may_have_its_own_law() -> None:
    customer = Phone(payload_type=8).says(VOICE)
    stage = Stage(customer=(PCMA,), agent=(PCMU,)).sends(customer).play(2.1)
    assert stage.agent_heard.types == {0}
    sent = Sound(g711.decode(8, b"".join(payloads(customer)))).samples.astype(int)
    heard = stage.agent_heard.audio().samples.astype(int)
    assert abs(sent - heard).max() <= 0.07 * abs(sent).max()


def test_other_codecs_and_events_are_renumbered_and_untouched() -> None:
    agent_g722 = Codec(99, "G722", 8000)
    stage = Stage(customer=(G722,), agent=(agent_g722,))
    phone = Phone(payload_type=0)
    phone._type = 9
    for n in range(5):
        phone._send(0.02 * n, 9, 160 * n, bytes((n,)) * 160)
    phone.at, phone._timestamp = 0.1, 800
    phone.keys("5")
    stage.sends(phone).play(0.5)
    assert stage.agent_heard.types == {99, 96}
    assert [p.payload for _, p in stage.agent_heard.packets] == payloads(phone)
    events = [p for _, p in stage.agent_heard.packets if p.payload_type == 96]
    assert len({packet.timestamp for packet in events}) == 1
    assert [packet.marker for packet in events] == [True] + [False] * 7


def test_events_for_a_leg_without_events_leave_no_hole() -> None:
    stage = Stage()
    deaf = LegMedia(stage.agent_media.remote, (PCMU,), ())
    stage.engine.configure(CALL, Leg.AGENT, deaf)
    stage.sends(Phone().says(noise(0.2)).keys("5").says(noise(0.2))).play(1.0)
    assert stage.agent_heard.types == {0}
    stage.agent_heard.assert_one_stream()


def test_a_long_event_is_no_jump_of_the_clock() -> None:
    stage = Stage().sends(Phone().says(noise(0.2)).keys("5", 4.0).says(noise(0.2))).play(5.0)
    packets = [packet for _, packet in stage.agent_heard.packets]
    audio = [packet for packet in packets if packet.payload_type == 0]
    assert (audio[10].timestamp - audio[9].timestamp) & 0xFFFFFFFF == 160 + 32000


def test_the_stream_goes_on_through_a_change_of_source() -> None:
    phone = Phone().says(noise(0.4))
    phone.changes_source(7777, 100, 5).says(noise(0.4))
    stage = Stage().sends(phone).play(1.0)
    stage.agent_heard.assert_one_stream()
    steps = [
        (after.timestamp - before.timestamp) & 0xFFFFFFFF
        for (_, before), (_, after) in zip(
            stage.agent_heard.packets, stage.agent_heard.packets[1:], strict=False
        )
    ]
    assert set(steps) == {160}


def test_the_stream_goes_on_through_a_jump_of_the_clock_and_of_the_numbers() -> None:
    phone = Phone().says(noise(0.4))
    phone.changes_source(1111, 30000, 2_000_000_000).says(noise(0.4))
    phone.changes_source(1111, phone._sequence, 5).says(noise(0.4))
    stage = Stage().sends(phone).play(1.5)
    stage.agent_heard.assert_one_stream()
    # The packet that leaps is believed when the next one follows it.
    assert len(stage.agent_heard.packets) == 59
    assert len(stage.agent_heard.audio().samples) == 59 * 160


def test_a_pause_of_the_source_is_a_pause_of_the_stream() -> None:
    phone = Phone().says(noise(0.2)).pauses(3.0).says(noise(0.2))
    stage = Stage().sends(phone).play(4.0)
    packets = [packet for _, packet in stage.agent_heard.packets]
    assert (packets[10].timestamp - packets[9].timestamp) & 0xFFFFFFFF == 24160


def test_a_stranger_is_neither_heard_nor_answered() -> None:
    stage = Stage()
    stranger = ("203.0.113.66", 40000)
    stage.sends(Phone(ssrc=666).says(noise(1.0)), source=stranger)
    stage.sends(Phone().says(VOICE)).sends(Phone(ssrc=1111).says(VOICE), source=("192.0.2.10", 41111))
    stage.sends(Phone(ssrc=9).says(VOICE), socket=AGENT_SOCKETS.rtp, source=AGENT).play(2.1)
    assert len(stage.agent_heard.packets) == 100
    assert stage.engine.counters(CALL).strangers == 50 + 100


def test_a_peer_behind_a_nat_is_followed_to_its_port_and_back() -> None:
    stage, phone = Stage(), Phone().says(noise(0.2))
    translated = (CUSTOMER[0], 61234)
    targets: list[tuple[str, int]] = []
    engine = stage.engine

    def agent_says(now: float) -> None:
        packet = RtpPacket(0, round(now * 50), round(now * 8000), 5, bytes(160))
        engine.receive(AGENT_SOCKETS.rtp, build_rtp(packet), AGENT, START + now)
        targets.extend(target for _, _, target in engine.outbox)
        engine.outbox.clear()

    def customer_says(now: float, index: int, source: tuple[str, int]) -> None:
        engine.receive(CUSTOMER_SOCKETS.rtp, build_rtp(phone.sent[index][1]), source, START + now)
        engine.outbox.clear()

    agent_says(0.0)
    customer_says(0.1, 0, translated)
    agent_says(0.2)
    customer_says(0.3, 1, (CUSTOMER[0], 62222))
    agent_says(0.4)
    customer_says(2.5, 2, (CUSTOMER[0], 62222))
    agent_says(2.6)
    customer_says(2.7, 3, CUSTOMER)
    agent_says(2.8)
    assert targets == [CUSTOMER, translated, translated, (CUSTOMER[0], 62222), CUSTOMER]


def test_hold_stops_both_voices_and_ends_without_a_break() -> None:
    stage = Stage()
    held = LegMedia(stage.agent_media.remote, (PCMU,), (), 20, Direction.INACTIVE)
    stage.sends(Phone().says(VOICE)).sends(Phone(ssrc=9).says(VOICE), socket=AGENT_SOCKETS.rtp, source=AGENT)
    stage.at(0.501, lambda: stage.engine.configure(CALL, Leg.AGENT, held))
    stage.at(1.501, lambda: stage.engine.configure(CALL, Leg.AGENT, stage.agent_media))
    stage.play(2.1)
    for heard in (stage.agent_heard, stage.customer_heard):
        assert heard.between(0.51, 1.5).packets == []
        assert 49 <= len(heard.packets) <= 51
        heard.assert_one_stream()
        assert abs(len(heard.audio().samples) - 16000) <= 320
    assert stage.engine.counters(CALL).held == 100


@pytest.mark.parametrize("remote", [MediaAddress("0.0.0.0", 50000, 50001), MediaAddress(AGENT[0], 0, 0)])
def test_nothing_is_sent_to_an_address_that_is_none(remote: MediaAddress) -> None:
    stage = Stage()
    stage.engine.configure(CALL, Leg.AGENT, LegMedia(remote, (PCMU,), ()))
    stage.sends(Phone().says(noise(0.2))).play(12.0)
    assert stage.agent_heard.packets == []
    assert all(socket == CUSTOMER_SOCKETS.rtcp for socket, _ in stage.rtcp)


def test_one_way_media_flows_one_way() -> None:
    stage = Stage()
    listens = LegMedia(stage.agent_media.remote, (PCMU,), (), 20, Direction.SENDONLY)
    stage.engine.configure(CALL, Leg.AGENT, listens)
    stage.sends(Phone().says(VOICE)).sends(
        Phone(ssrc=9).says(VOICE), socket=AGENT_SOCKETS.rtp, source=AGENT
    ).play(2.1)
    assert len(stage.agent_heard.packets) == 100
    assert stage.customer_heard.packets == []


def test_each_leg_gets_reports_of_its_own_stream_and_of_what_it_sends() -> None:
    stage = Stage(seed=3, network=Network(loss=0.2)).sends(Phone().says(speech_like(14.0))).play(15.0)
    to_agent = [p for socket, d in stage.rtcp if socket == AGENT_SOCKETS.rtcp for p in parse_rtcp(d)]
    sender = next(packet for packet in to_agent if isinstance(packet, SenderReport))
    assert sender.ssrc == stage.agent_heard.packets[0][1].ssrc
    assert sender.packets == len(
        [1 for at, _ in stage.agent_heard.packets if at + START <= sender.ntp_time / 2**32]
    )
    assert sender.octets == 160 * sender.packets
    to_customer = [p for socket, d in stage.rtcp if socket == CUSTOMER_SOCKETS.rtcp for p in parse_rtcp(d)]
    last = [packet for packet in to_customer if isinstance(packet, ReceiverReport) and packet.blocks][-1]
    (block,) = last.blocks
    assert block.ssrc == 1111
    assert 0.1 < block.fraction_lost / 256 < 0.35
    assert (
        60 <= block.packets_lost == stage.engine.counters(CALL).lost <= 700 - len(stage.agent_heard.packets)
    )


def test_a_senders_report_pairs_its_stream_with_the_time() -> None:
    stage = Stage().sends(Phone().says(speech_like(12.0))).play(12.5)
    report = next(
        p
        for s, d in stage.rtcp
        if s == AGENT_SOCKETS.rtcp
        for p in parse_rtcp(d)
        if isinstance(p, SenderReport)
    )
    at = report.ntp_time / 2**32 - START
    nearest = min(stage.agent_heard.packets, key=lambda one: abs(one[0] - at))
    expected = nearest[1].timestamp + (at - nearest[0]) * 8000
    assert abs((report.rtp_time - expected + 2**31) % 2**32 - 2**31) <= 16


def test_a_peers_report_tells_its_loss_and_the_round_trip() -> None:
    stage = Stage().sends(Phone().says(speech_like(10.0))).play(10.0)
    media = stage.engine._calls[CALL]
    ours = next(
        p
        for s, d in stage.rtcp
        if s == AGENT_SOCKETS.rtcp
        for p in parse_rtcp(d)
        if isinstance(p, SenderReport)
    )
    block = ReportBlock(ours.ssrc, 64, 25, 0, 12, ntp_middle(ours.ntp_time), 65536)
    arrival = ours.ntp_time / 2**32 + 1.0 + 0.05
    stage.engine.receive(
        AGENT_SOCKETS.rtcp, build_report(ReceiverReport(9, (block,)), "x"), (AGENT[0], AGENT[1] + 1), arrival
    )
    view = media.reports[Leg.AGENT].view
    assert (view.fraction_lost, view.packets_lost) == (64, 25)
    assert view.round_trip_s == pytest.approx(0.05, abs=0.001)


def test_a_farewell_is_said_when_the_call_ends() -> None:
    stage = Stage().sends(Phone().says(noise(0.2))).play(0.5)
    stage.engine.close(CALL, START + 0.5)
    farewells = [p for s, d, _ in stage.engine.outbox for p in parse_rtcp(d) if isinstance(p, Goodbye)]
    assert len(farewells) == 2
    assert stage.engine.calls == 0


def test_reports_on_the_port_of_voice_are_no_voice() -> None:
    stage = Stage()
    report = build_report(ReceiverReport(9), "x")
    stage.at(0.1, lambda: stage.engine.receive(CUSTOMER_SOCKETS.rtp, report, CUSTOMER, START + 0.1)).play(0.2)
    assert stage.agent_heard.packets == []
    assert stage.engine.counters(CALL).malformed == 0


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x80", b"\x80\x00" + bytes(9), b"\x00" * 40, b"\xbf\x00" + bytes(10), b"\x80\x7f" + bytes(30)],
)
def test_what_is_no_voice_goes_nowhere(octets: bytes) -> None:
    stage = Stage()
    stage.at(0.1, lambda: stage.engine.receive(CUSTOMER_SOCKETS.rtp, octets, CUSTOMER, START + 0.1)).play(0.2)
    counters = stage.engine.counters(CALL)
    assert stage.agent_heard.packets == []
    assert counters.malformed + counters.unknown == 1


def test_extensions_sources_and_padding_stay_on_their_leg() -> None:
    stage = Stage()
    packet = build_rtp(RtpPacket(0, 5, 6, 7, bytes(160), contributors=(1, 2), extension=(0xBEDE, b"loud")))
    padded = bytes((packet[0] | 0x20,)) + packet[1:] + b"secr\x05"
    stage.at(0.1, lambda: stage.engine.receive(CUSTOMER_SOCKETS.rtp, padded, CUSTOMER, START + 0.1)).play(0.2)
    ((_, heard),) = stage.agent_heard.packets
    assert (heard.payload, heard.contributors, heard.extension) == (bytes(160), (), None)
