"""The mask through what signalling does to a call: hold, new offers, transfer, early media; and keys across a capture's edges."""

from dataclasses import replace

import pytest

from tests.e2e.peers.listen import beeps_heard, key_fragments, likeness
from tests.e2e.peers.wav import key_tone, keyed, noise, silence, speech_like
from tests.scenario.media.judge import assert_no_key_is_heard, beeps
from tests.scenario.media.stage import (
    AGENT,
    AGENT_SOCKETS,
    CALL,
    CUSTOMER,
    EVENTS,
    G722,
    PCMA,
    PCMU,
    START,
    Heard,
    Phone,
    Stage,
)
from tests.unit.cde.capture.presses import row_of
from tonevault.cde.media import Carrier, Codec, Direction, Leg, LegMedia, MaskMode, MediaAddress
from tonevault.cde.wire.tone.beep import BEEP_HZ

OPUS = Codec(107, "OPUS", 48000, 2)
FAST_EVENTS = Codec(110, "TELEPHONE-EVENT", 48000)
ELSEWHERE = ("192.0.2.77", 47000)


def speaker(keys: str, *, tones: bool, phone: Phone | None = None) -> Phone:
    """Half a second of quiet, then a key each 0.3 s, then quiet."""
    phone = (phone or Phone()).says(noise(0.5, -60))
    for key in keys:
        if tones:
            phone.says(key_tone(key, 0.1).then(noise(0.2, -60)))
        else:
            phone.keys(key, 0.1).says(noise(0.2, -60))
    return phone.says(noise(0.4, -60))


def agrees(stage: Stage, at: float, leg: Leg, **changes: object) -> None:
    """A new agreement on a leg: what was agreed first, with changes."""
    first = stage.customer_media if leg is Leg.CUSTOMER else stage.agent_media
    media = replace(first, **changes)  # type: ignore[arg-type]
    stage.at(at, lambda: stage.engine.configure(CALL, leg, media))


def assert_masked(heard: Heard, types: frozenset[int] = frozenset({0})) -> None:
    assert heard.types <= types
    assert key_fragments(heard.audio()) == []


HOLDS = [
    (Leg.AGENT, Direction.INACTIVE),
    (Leg.AGENT, Direction.SENDONLY),
    (Leg.AGENT, Direction.RECVONLY),
    (Leg.CUSTOMER, Direction.INACTIVE),
    (Leg.CUSTOMER, Direction.SENDONLY),
    (Leg.CUSTOMER, Direction.RECVONLY),
]


@pytest.mark.parametrize("tones", [False, True])
@pytest.mark.parametrize(("leg", "direction"), HOLDS)
def test_keys_through_a_hold(leg: Leg, direction: Direction, tones: bool) -> None:
    """Keys before, during and after it; whoever asked for it, whichever way it goes."""
    stage = Stage().sends(speaker("441144", tones=tones)).capture(0.3)
    agrees(stage, 1.0, leg, direction=direction)
    agrees(stage, 1.75, leg)
    stage.play(2.9)
    assert row_of(stage.tellings()) == "441144"
    passes = (leg, direction) in {(Leg.AGENT, Direction.SENDONLY), (Leg.CUSTOMER, Direction.RECVONLY)}
    held = stage.agent_heard.between(1.01, 1.75).packets
    assert bool(held) is passes
    assert_no_key_is_heard(stage.agent_heard)
    stage.agent_heard.assert_one_stream()


def test_a_hold_by_an_address_that_is_none() -> None:
    """RFC 2543's hold: the agent hears nothing, and what is keyed meanwhile counts."""
    stage = Stage().sends(speaker("4141", tones=True)).capture(0.3)
    agrees(stage, 0.75, Leg.AGENT, remote=MediaAddress("0.0.0.0", AGENT[1], AGENT[1] + 1))
    agrees(stage, 1.3, Leg.AGENT)
    stage.play(2.2)
    assert row_of(stage.tellings()) == "4141"
    assert stage.agent_heard.between(0.76, 1.3).packets == []
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize("edge", ["opens", "closes"])
def test_a_capture_whose_edge_lies_in_a_hold(edge: str) -> None:
    stage = Stage().sends(speaker("4141", tones=False))
    if edge == "opens":
        stage.capture(0.7)
    else:
        stage.capture(0.3, 1.0)
    agrees(stage, 0.66, Leg.AGENT, direction=Direction.INACTIVE)
    agrees(stage, 1.05, Leg.AGENT)
    stage.play(2.3)
    events = {packet.payload[0] for _, packet in stage.agent_heard.packets if packet.payload_type == 96}
    if edge == "opens":
        assert stage.keyed(Carrier.EVENT) == "141"
        assert 96 not in stage.agent_heard.between(0.66, 9).types
    else:
        assert stage.keyed(Carrier.EVENT) == "41"
        assert events == {4, 1}
        assert 96 not in stage.agent_heard.between(0.0, 1.09).types
    stage.agent_heard.assert_one_stream()


@pytest.mark.parametrize("tones", [False, True])
def test_the_customer_moves_in_mid_capture(tones: bool) -> None:
    """A re-INVITE names another address: the phone goes on from there, and its old place is a stranger's."""
    phone = speaker("4141", tones=tones)
    stage = Stage()
    before, after = Phone(), Phone()
    before.sent = [one for one in phone.sent if one[0] < 1.0]
    after.sent = [one for one in phone.sent if one[0] >= 1.0]
    stage.sends(before).sends(after, source=ELSEWHERE).sends(after, source=CUSTOMER).capture(0.3)
    agrees(stage, 0.99, Leg.CUSTOMER, remote=MediaAddress(*ELSEWHERE, ELSEWHERE[1] + 1))
    stage.play(2.2)
    assert row_of(stage.tellings()) == "4141"
    assert beeps(stage.agent_heard) == 4
    assert stage.engine.counters(CALL).strangers == len(after.sent)
    assert_no_key_is_heard(stage.agent_heard)


def test_new_payload_types_in_mid_capture() -> None:
    """A re-INVITE gives events another number, and the voice another law."""
    first = speaker("41", tones=False)
    second = Phone(
        8, sequence=first._sequence, timestamp=first._timestamp, events=replace(EVENTS, payload_type=96)
    )
    second.at = first.at
    stage = Stage().sends(first).sends(speaker("41", tones=False, phone=second)).capture(0.3)
    agrees(
        stage,
        first.at - 0.01,
        Leg.CUSTOMER,
        codecs=(PCMA,),
        telephone_events=(replace(EVENTS, payload_type=96),),
    )
    stage.play(second.at + 0.1)
    assert stage.keyed(Carrier.EVENT) == "4141"
    assert beeps(stage.agent_heard) == 4
    assert_no_key_is_heard(stage.agent_heard)


def test_a_customer_who_answered_under_other_numbers_sends_either() -> None:
    """RFC 3264 section 6.1 has it send those of the offer, and many phones send their own."""
    own = Phone(events=replace(EVENTS, payload_type=97))
    offered = Phone(sequence=own._sequence, timestamp=own._timestamp)
    speaker("41", tones=False, phone=own)
    offered._sequence, offered._timestamp, offered.at = own._sequence, own._timestamp, own.at
    speaker("41", tones=False, phone=offered)
    stage = Stage(events=(replace(EVENTS, payload_type=97), EVENTS)).sends(own).sends(offered).capture(0.3)
    stage.play(offered.at + 0.1)
    assert stage.keyed(Carrier.EVENT) == "4141"
    assert beeps(stage.agent_heard) == 4
    assert_no_key_is_heard(stage.agent_heard)


@pytest.mark.parametrize("agents", [G722, OPUS])
def test_a_new_codec_on_either_leg_in_mid_capture(agents: Codec) -> None:
    first = speaker("41", tones=True)
    second = Phone(codec=OPUS, sequence=first._sequence, timestamp=77, events=FAST_EVENTS)
    second.at = first.at
    speaker("41", tones=True, phone=second)
    stage = Stage().sends(first).sends(second).capture(0.3)
    agrees(stage, first.at - 0.01, Leg.CUSTOMER, codecs=(OPUS,), telephone_events=(FAST_EVENTS,))
    agrees(stage, first.at - 0.01, Leg.AGENT, codecs=(agents,))
    stage.play(second.at + 0.1)
    assert stage.keyed(Carrier.TONE) == "4141"
    old, new = stage.agent_heard.between(0, first.at - 0.01), stage.agent_heard.between(first.at - 0.01, 99)
    assert (old.types, new.types) == ({0}, {agents.payload_type})
    assert beeps(old) == 2
    assert len(beeps_heard(new.decoded(agents), BEEP_HZ)) == 2
    assert key_fragments(old.audio()) == []
    assert key_fragments(new.decoded(agents)) == []
    stage.agent_heard.assert_one_stream()


TARGET = ("203.0.113.9", 52000)


@pytest.mark.parametrize("tones", [False, True])
@pytest.mark.parametrize("moved_at", [0.96, 1.1, 1.15, 1.23])
def test_a_transfer_in_mid_capture(moved_at: float, tones: bool) -> None:
    """The agent's side hands the call to another phone, between keys and within one: whoever hears it hears the mask."""
    stage = Stage(agent=(PCMU, PCMA)).sends(speaker("4141", tones=tones)).capture(0.3)
    stage.agents = {AGENT, TARGET}
    agrees(
        stage,
        moved_at,
        Leg.AGENT,
        remote=MediaAddress(*TARGET, TARGET[1] + 1),
        codecs=(PCMA,),
        telephone_events=(Codec(101, "TELEPHONE-EVENT", 8000),),
        ptime_ms=30,
    )
    stage.play(2.2)
    assert row_of(stage.tellings()) == "4141"
    assert {target for at, target in stage.targets if at >= moved_at} == {TARGET}
    old, new = stage.agent_heard.between(0, moved_at), stage.agent_heard.between(moved_at, 99)
    assert old.types == {0}
    assert new.types == {8}
    assert key_fragments(old.audio()) == key_fragments(new.audio(8)) == []
    assert beeps(old) + beeps(new, 8) in (4, 5), "one may sound at the change, in both"


def test_a_transfer_puts_the_customer_on_hold_first() -> None:
    """Hold, a REFER that goes through, music from elsewhere, the target: keys all the while."""
    stage = Stage().sends(speaker("41414", tones=True)).capture(0.3)
    stage.agents = {AGENT, TARGET}
    agrees(stage, 0.7, Leg.AGENT, direction=Direction.INACTIVE)
    agrees(stage, 1.3, Leg.AGENT, remote=MediaAddress(*TARGET, TARGET[1] + 1))
    stage.play(2.5)
    assert row_of(stage.tellings()) == "41414"
    assert stage.agent_heard.between(0.71, 1.3).packets == []
    assert_no_key_is_heard(stage.agent_heard)
    stage.agent_heard.assert_one_stream()


@pytest.mark.parametrize("tones", [False, True])
def test_early_media_of_a_far_side_that_is_not_there_yet(tones: bool) -> None:
    """The capture opens while the agent's side rings: 183 names an address, 200 another. Nothing unmasked reaches either."""
    stage = Stage(configured=False).sends(speaker("41414", tones=tones)).capture(0.3)
    stage.agents = {AGENT, TARGET}
    stage.at(0.0, lambda: stage.engine.configure(CALL, Leg.CUSTOMER, stage.customer_media))
    agrees(stage, 0.9, Leg.AGENT, remote=MediaAddress(*TARGET, TARGET[1] + 1))
    agrees(stage, 1.5, Leg.AGENT)
    stage.play(2.5)
    assert stage.agent_heard.between(0, 0.9).packets == []
    assert {target for at, target in stage.targets if at < 1.5} == {TARGET}
    assert row_of(stage.tellings()).endswith("414")
    assert_no_key_is_heard(stage.agent_heard)
    stage.agent_heard.assert_one_stream()


def test_early_media_before_a_capture_passes_and_is_masked_in_it() -> None:
    """183 with media both ways, then the answer, then the capture."""
    ringback = Phone(ssrc=9).says(speech_like(1.0))
    sound = speech_like(0.6).then(silence(0.1), keyed("42", 0.1, 0.2), noise(0.4, -60))
    stage = Stage(configured=False).sends(Phone().says(sound))
    stage.sends(ringback, socket=AGENT_SOCKETS.rtp, source=AGENT)
    stage.at(0.0, lambda: stage.engine.configure(CALL, Leg.CUSTOMER, stage.customer_media))
    agrees(stage, 0.001, Leg.AGENT)
    agrees(stage, 0.4, Leg.AGENT)
    stage.capture(0.65).play(1.9)
    assert likeness(speech_like(1.0).between(0.1, 0.9), stage.customer_heard.audio()) > 0.98
    assert likeness(speech_like(0.6).between(0.05, 0.55), stage.agent_heard.audio()) > 0.95
    assert stage.keyed(Carrier.TONE) == "42"
    assert_masked(stage.agent_heard.between(0.651, 9))


@pytest.mark.parametrize("codec", [PCMU, G722, OPUS], ids=lambda codec: codec.name)
@pytest.mark.parametrize("at", [0.53, 0.541, 0.556])
def test_a_tone_across_the_opening_and_the_close(codec: Codec, at: float) -> None:
    """Down before the opening: cut off, not told. Held over the close: told, masked to its end."""
    sound = noise(0.5, -60).then(key_tone("8", 0.2), noise(0.2, -60), key_tone("3", 0.3), noise(0.5, -60))
    stage = (
        Stage(customer=(codec,), agent=(codec,)).sends(Phone(codec=codec).says(sound)).capture(at, at + 0.5)
    )
    stage.play(1.8)
    assert stage.keyed(Carrier.TONE) == "3"
    assert key_fragments(stage.agent_heard.between(at + 0.001, 9).decoded(codec)) == []
    stage.agent_heard.assert_one_stream()


@pytest.mark.parametrize("at", [0.53, 0.556])
def test_an_event_at_48_khz_across_the_opening_and_the_close(at: float) -> None:
    phone = Phone(codec=OPUS, events=FAST_EVENTS).says(noise(0.5, -60)).keys("8", 0.2).says(noise(0.2, -60))
    phone.keys("3", 0.3).says(noise(0.4, -60)).keys("5", 0.1).says(noise(0.2, -60))
    stage = Stage(customer=(OPUS,), agent=(OPUS,), events=(FAST_EVENTS,), agent_events=(FAST_EVENTS,))
    stage.sends(phone).capture(at, at + 0.5).play(2.1)
    assert stage.keyed(Carrier.EVENT) == "3"
    after = stage.agent_heard.between(at + 0.001, 9)
    assert {packet.payload[0] for _, packet in after.packets if packet.payload_type == 110} == {5}
    assert beeps_heard(after.decoded(OPUS), BEEP_HZ) != []


def test_hush_and_talk_through_a_hold() -> None:
    stage = Stage().sends(speaker("4141", tones=True)).capture(0.3, mode=MaskMode.HUSH)
    agrees(stage, 0.7, Leg.AGENT, direction=Direction.INACTIVE)
    stage.at(0.8, lambda: stage.engine.set_mask(CALL, MaskMode.TALK))
    agrees(stage, 1.0, Leg.AGENT)
    stage.play(2.2)
    assert row_of(stage.tellings()) == "4141"
    assert_no_key_is_heard(stage.agent_heard)
    assert stage.presses()[0].onset == pytest.approx(START + 0.48, abs=0.01)


def test_a_leg_that_forgets_events_in_mid_capture() -> None:
    """A new offer without telephone-events: what still comes under their number is nobody's, and passes nowhere."""
    stage = Stage().sends(speaker("41", tones=False)).capture(0.3)
    bare = LegMedia(stage.customer_media.remote, (PCMU,), ())
    stage.at(0.7, lambda: stage.engine.configure(CALL, Leg.CUSTOMER, bare)).play(1.6)
    assert stage.keyed(Carrier.EVENT) == "4"
    assert stage.agent_heard.types == {0}
