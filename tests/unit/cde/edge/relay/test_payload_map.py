"""Payload maps: what each payload type of the sender becomes for the hearer, and what has no place there."""

from tests.e2e.peers import g711

from tonevault.cde.edge.relay.payload_map import PayloadMap
from tonevault.cde.media import Codec, LegMedia, MediaAddress

REMOTE = MediaAddress("192.0.2.1", 4000, 4001)
PCMU, PCMA = Codec(0, "PCMU", 8000), Codec(8, "pcma", 8000)
EVENTS = Codec(101, "telephone-event", 8000)


def leg(*codecs: Codec, events: tuple[Codec, ...] = ()) -> LegMedia:
    return LegMedia(REMOTE, codecs, events)


def test_a_codec_both_know_goes_on_under_the_hearers_number() -> None:
    opus, their_opus = Codec(96, "opus", 48000, 2), Codec(111, "OPUS", 48000, 2)
    payloads = PayloadMap(leg(opus), leg(their_opus))
    assert payloads.voice[96] == (111, None, 48000)
    assert payloads.voice[96 | 0x80] == (111 | 0x80, None, 48000)


def test_another_clock_or_channel_count_is_another_codec() -> None:
    payloads = PayloadMap(
        leg(Codec(96, "L16", 8000)), leg(Codec(96, "L16", 16000), Codec(97, "L16", 8000, 2))
    )
    assert payloads.voice[96] is None
    assert 96 in payloads.known


def test_of_codecs_with_parameters_the_same_parameters_are_chosen() -> None:
    sender = leg(Codec(96, "ILBC", 8000, 1, "mode=30"))
    hearer = leg(Codec(97, "ILBC", 8000, 1, "mode=20"), Codec(98, "ILBC", 8000, 1, "mode=30"))
    route = PayloadMap(sender, hearer).voice[96]
    assert route is not None
    assert route.mark_type == 98


def test_one_law_becomes_the_other_where_only_that_is_known() -> None:
    route = PayloadMap(leg(PCMA), leg(PCMU)).voice[8]
    assert route is not None
    assert route.table is not None
    assert route.mark_type == 0
    every = bytes(range(256))
    sent, heard = g711.decode(8, every).astype(int), g711.decode(0, every.translate(route.table)).astype(int)
    assert abs(sent - heard).max() <= 512
    assert (abs(sent - heard) <= abs(sent) * 0.04 + 8).all()


def test_the_codecs_that_are_spoken_here_keep_the_hearers_preference() -> None:
    g729 = Codec(18, "G729", 8000)
    payloads = PayloadMap(leg(PCMU, g729), leg(g729, PCMA, PCMU))
    assert payloads.spoken_back == (PCMA, PCMU)
    assert payloads.spoken == {0: PCMU}


def test_events_go_on_where_the_clock_is_the_same() -> None:
    payloads = PayloadMap(
        leg(PCMU, events=(EVENTS,)), leg(PCMU, events=(Codec(97, "telephone-event", 8000),))
    )
    assert payloads.events[101] == (97, 8000)
    other_clock = PayloadMap(
        leg(PCMU, events=(EVENTS,)), leg(PCMU, events=(Codec(97, "telephone-event", 16000),))
    )
    assert other_clock.events[101] == (None, 8000)
