"""Offer/answer across the edge: codecs in order under each side's numbers, events on every leg, hold, refusal, versions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cde.wire.sdp.descriptions import CARRIER, WITH_VIDEO, audio, fresh

from tonevault.cde.media import Codec, Direction, Leg, LegMedia, MediaAddress
from tonevault.cde.wire.sdp.errors import OfferAnswerError, UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sdp.offer_answer import OfferAnswer
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sdp.payload import EVENT
from tonevault.cde.wire.sdp.stream import audio_stream


def media_of(state: OfferAnswer, leg: Leg) -> LegMedia:
    found = state.media(leg)
    assert found is not None
    return found


def formats(body: bytes) -> tuple[str, ...]:
    return audio_formats(body, 0)


def audio_formats(body: bytes, slot: int) -> tuple[str, ...]:
    return parse(body).media[slot].formats


def test_a_call_from_the_carrier() -> None:
    state = fresh()
    offer = parse(state.offer(Leg.CUSTOMER, CARRIER))
    assert offer.connection is not None
    assert (offer.connection.address, offer.media[0].port) == ("10.0.1.1", 30002)
    assert offer.media[0].formats == ("8", "0", "18", "101")
    assert "203.0.113" not in repr(offer)
    assert offer.name == "-"

    back = parse(state.answer(Leg.AGENT, audio("0 101", host="192.0.2.30", port=7000)))
    assert back.connection is not None
    assert (back.connection.address, back.media[0].port) == ("10.0.0.1", 30000)
    assert back.media[0].formats == ("0", "101")
    state.settle()
    customer, agent = media_of(state, Leg.CUSTOMER), media_of(state, Leg.AGENT)
    assert customer.remote == MediaAddress("203.0.113.8", 18422, 18423)
    assert agent.remote == MediaAddress("192.0.2.30", 7000, 7001)
    assert customer.codecs == agent.codecs == (Codec(0, "PCMU", 8000),)
    assert customer.telephone_events == (Codec(101, EVENT, 8000, fmtp="0-15"),)
    assert customer.direction is agent.direction is Direction.SENDRECV


def test_events_are_caught_on_a_leg_though_the_other_leg_knows_none() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, CARRIER)
    assert formats(state.answer(Leg.AGENT, audio("8"))) == ("8", "101")
    assert media_of(state, Leg.AGENT).telephone_events == ()
    assert len(media_of(state, Leg.CUSTOMER).telephone_events) == 1

    turned = fresh()
    assert formats(turned.offer(Leg.AGENT, audio("8"))) == ("8", "101")
    assert formats(turned.answer(Leg.CUSTOMER, audio("8 101"))) == ("8",)
    assert len(media_of(turned, Leg.CUSTOMER).telephone_events) == 1
    assert media_of(turned, Leg.AGENT).telephone_events == ()


def test_other_streams_are_refused_in_their_places() -> None:
    state = fresh()
    assert [media.kind for media in parse(state.offer(Leg.CUSTOMER, WITH_VIDEO)).media] == ["audio"]
    back = parse(state.answer(Leg.AGENT, audio("0 8")))
    assert [(media.kind, media.port) for media in back.media] == [
        ("video", 0),
        ("audio", 30000),
        ("application", 0),
    ]
    state.settle()
    # The agent offers next: on the customer's leg the places stay as they were (RFC 3264 section 8).
    again = parse(state.offer(Leg.AGENT, audio("0 8", "sendonly")))
    assert [(media.kind, media.port) for media in again.media] == [
        ("video", 0),
        ("audio", 30000),
        ("application", 0),
    ]


def test_each_side_keeps_its_own_numbers_and_the_pairs_stay_together() -> None:
    state = fresh()
    state.offer(
        Leg.CUSTOMER, audio("96 97 0", "rtpmap:96 AMR/8000", "fmtp:96 octet-align=1", "rtpmap:97 AMR/8000")
    )
    back = state.answer(Leg.AGENT, audio("0 97 110", "rtpmap:97 AMR/8000", "rtpmap:110 AMR/8000"))
    assert formats(back) == ("0", "97", "96")
    assert [codec.payload_type for codec in media_of(state, Leg.CUSTOMER).codecs] == [0, 97, 96]
    assert [codec.payload_type for codec in media_of(state, Leg.AGENT).codecs] == [0, 97, 110, 96]


def test_nothing_in_common_changes_nothing() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, CARRIER)
    with pytest.raises(UnacceptableSdpError, match="in common") as caught:
        state.answer(Leg.AGENT, audio("9 13"))
    assert caught.value.code is WarningCode.INCOMPATIBLE_FORMAT
    state.withdraw()
    assert state.media(Leg.CUSTOMER) is None


@pytest.mark.parametrize(
    ("offered", "answered", "customer", "agent"),
    [
        ("sendonly", "recvonly", Direction.RECVONLY, Direction.SENDONLY),
        ("sendonly", "inactive", Direction.INACTIVE, Direction.INACTIVE),
        ("inactive", "sendrecv", Direction.INACTIVE, Direction.INACTIVE),
        ("sendrecv", "sendonly", Direction.SENDONLY, Direction.RECVONLY),
        ("sendonly", "sendrecv", Direction.RECVONLY, Direction.SENDONLY),
    ],
)
def test_hold(offered: str, answered: str, customer: Direction, agent: Direction) -> None:
    state = fresh()
    assert audio_stream(parse(state.offer(Leg.CUSTOMER, audio("0", offered)))).direction.value == offered
    back = state.answer(Leg.AGENT, audio("0", answered))
    assert audio_stream(parse(back)).direction is customer
    assert media_of(state, Leg.CUSTOMER).direction is customer
    assert media_of(state, Leg.AGENT).direction is agent


def test_hold_by_the_zero_address_keeps_the_place() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, CARRIER)
    state.answer(Leg.AGENT, audio())
    state.settle()
    assert b"a=sendonly" in state.offer(Leg.CUSTOMER, audio("0", host="0.0.0.0"))
    state.answer(Leg.AGENT, audio("0", "recvonly"))
    held = media_of(state, Leg.CUSTOMER)
    assert (held.remote.host, held.direction) == ("203.0.113.8", Direction.RECVONLY)


def test_versions_grow_only_with_a_change_and_never_fall_back() -> None:
    state = fresh()
    first = parse(state.offer(Leg.CUSTOMER, CARRIER))
    state.answer(Leg.AGENT, audio())
    state.settle()
    same = parse(state.offer(Leg.CUSTOMER, CARRIER))
    assert same.origin == first.origin
    state.withdraw()
    held = parse(state.offer(Leg.CUSTOMER, audio("0", "sendonly")))
    state.withdraw()
    resumed = parse(state.offer(Leg.CUSTOMER, CARRIER))
    assert [one.origin.version for one in (first, held, resumed)] == ["1", "2", "3"]


def test_a_withdrawn_offer_leaves_the_agreed_media() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, CARRIER)
    state.answer(Leg.AGENT, audio())
    state.settle()
    before = media_of(state, Leg.AGENT)
    state.offer(Leg.CUSTOMER, WITH_VIDEO)
    state.withdraw()
    assert media_of(state, Leg.AGENT) == before
    assert len(parse(state.offer(Leg.AGENT, audio())).media) == 1


def test_early_media_then_another_final_answer() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, CARRIER)
    state.answer(Leg.AGENT, audio("8", port=7000))
    assert media_of(state, Leg.AGENT).remote.port == 7000
    state.answer(Leg.AGENT, audio("0", port=7004))
    state.settle()
    assert media_of(state, Leg.AGENT).remote.port == 7004


def test_order_of_calls_is_kept() -> None:
    state = fresh()
    with pytest.raises(OfferAnswerError):
        state.answer(Leg.AGENT, audio())
    state.offer(Leg.CUSTOMER, CARRIER)
    with pytest.raises(OfferAnswerError):
        state.answer(Leg.CUSTOMER, audio())
    with pytest.raises(OfferAnswerError):
        state.offer(Leg.AGENT, audio())
    assert state.offerer is Leg.CUSTOMER


def test_g711_can_be_moved_to_the_front() -> None:
    state = fresh(g711_first=True)
    assert formats(state.offer(Leg.CUSTOMER, audio("9 18 8 0"))) == ("8", "0", "9", "18", "101")


def test_a_refresh_says_what_was_said() -> None:
    state = fresh()
    assert state.restate(Leg.AGENT) is None
    said = state.offer(Leg.CUSTOMER, CARRIER)
    assert state.restate(Leg.AGENT) == said


CODECS = st.lists(
    st.sampled_from(["0", "8", "9", "18", "3", "13", "101"]), min_size=1, max_size=7, unique=True
)


@settings(max_examples=100, deadline=None)
@given(CODECS, CODECS)
def test_an_answer_never_holds_what_was_not_offered(offered: list[str], answered: list[str]) -> None:
    state = fresh()
    try:
        ours = formats(state.offer(Leg.CUSTOMER, audio(" ".join(offered))))
        back = formats(state.answer(Leg.AGENT, audio(" ".join(answered))))
    except UnacceptableSdpError:
        return
    assert set(back) <= set(offered)
    assert set(offered) <= set(ours)
    customer, agent = media_of(state, Leg.CUSTOMER), media_of(state, Leg.AGENT)
    assert [codec.name for codec in customer.codecs] == [codec.name for codec in agent.codecs]
    assert {codec.payload_type for codec in agent.codecs} <= {int(one) for one in answered}


def event_rates(codecs: tuple[Codec, ...]) -> list[int]:
    return [codec.clock_rate for codec in codecs]


def test_each_clock_of_the_voice_has_its_events() -> None:
    """RFC 4733 section 2.1: Opus runs at 48 kHz (RFC 7587), G.722 and G.711 at 8."""
    state = fresh()
    wide = ("rtpmap:96 opus/48000/2", "rtpmap:97 L16/16000", "rtpmap:98 telephone-event/48000")
    offered = audio_stream(parse(state.offer(Leg.CUSTOMER, audio("96 97 9 0 98", *wide))))
    assert event_rates(offered.events) == [48000, 16000, 8000]
    assert len({codec.payload_type for codec in (*offered.voice, *offered.events)}) == 7
    numbers = " ".join(str(codec.payload_type) for codec in offered.events)
    rows = [f"rtpmap:{codec.payload_type} telephone-event/{codec.clock_rate}" for codec in offered.events]
    back = state.answer(Leg.AGENT, audio(f"96 0 {numbers}", wide[0], *rows))
    assert formats(back) == ("96", "0", "98")
    assert event_rates(media_of(state, Leg.AGENT).telephone_events) == [48000, 8000]
    assert event_rates(media_of(state, Leg.CUSTOMER).telephone_events) == [48000]


def test_events_of_another_clock_are_taken_where_there_are_no_others() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, audio("96 101", "rtpmap:96 opus/48000/2"))
    back = state.answer(Leg.AGENT, audio("96", "rtpmap:96 opus/48000/2"))
    assert formats(back) == ("96", "101")
    assert event_rates(media_of(state, Leg.CUSTOMER).telephone_events) == [8000]


RED = ("rtpmap:98 red/8000", "fmtp:98 0/0/101")


def test_redundancy_is_offered_on_and_answered_on_its_own_leg() -> None:
    state = fresh()
    offer = parse(state.offer(Leg.CUSTOMER, audio("0 8 101 98", *RED)))
    assert offer.media[0].formats == ("0", "8", "101", "98")
    assert offer.media[0].attributes("fmtp")[-1] == "98 0/0/101"
    assert formats(state.answer(Leg.AGENT, audio("0"))) == ("0", "101", "98")
    assert [codec.payload_type for codec in media_of(state, Leg.CUSTOMER).redundancy] == [98]
    assert media_of(state, Leg.AGENT).redundancy == ()
    assert [codec.name for codec in media_of(state, Leg.CUSTOMER).codecs] == ["PCMU"]


def test_redundancy_of_the_answerer_is_its_own() -> None:
    state = fresh()
    state.offer(Leg.AGENT, audio("0 101 98", *RED))
    state.answer(Leg.CUSTOMER, audio("0 101 99", "rtpmap:99 red/8000", "fmtp:99 0/0"))
    assert [codec.payload_type for codec in media_of(state, Leg.CUSTOMER).redundancy] == [99]
    assert [codec.payload_type for codec in media_of(state, Leg.AGENT).redundancy] == [98]


@pytest.mark.parametrize(
    "rows",
    [
        ("rtpmap:98 red/8000",),
        ("rtpmap:98 red/8000", "fmtp:98 0/98"),
        ("rtpmap:98 red/8000", "fmtp:98 0/8"),
        ("rtpmap:98 red/8000", "fmtp:98 -1/0"),
        ("rtpmap:98 red/48000", "fmtp:98 0/0"),
    ],
)
def test_redundancy_of_what_was_not_agreed_is_not_taken(rows: tuple[str, ...]) -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, audio("0 8 101 98", *rows))
    assert formats(state.answer(Leg.AGENT, audio("0"))) == ("0", "101")
    assert media_of(state, Leg.CUSTOMER).redundancy == ()


def test_events_do_not_take_the_number_of_redundancy() -> None:
    state = fresh()
    offered = formats(
        state.offer(
            Leg.CUSTOMER, audio("0 96 97", "rtpmap:96 red/8000", "fmtp:96 0/0", "rtpmap:97 opus/48000/2")
        )
    )
    assert len(set(offered)) == len(offered) == 5


@pytest.mark.parametrize("ptime_ms", [10, 30, 60])
def test_the_packet_length_that_each_side_asks_for_is_told_to_the_other(ptime_ms: int) -> None:
    state = fresh()
    offer = parse(state.offer(Leg.CUSTOMER, audio("0", f"ptime:{ptime_ms}", "maxptime:60")))
    assert offer.media[0].attributes("ptime") == (str(ptime_ms),)
    assert offer.media[0].attributes("maxptime") == ("60",)
    back = parse(state.answer(Leg.AGENT, audio("0", "ptime:40")))
    assert back.media[0].attributes("ptime") == ("40",)
    assert media_of(state, Leg.CUSTOMER).ptime_ms == ptime_ms
    assert media_of(state, Leg.AGENT).ptime_ms == 40


@pytest.mark.parametrize(
    ("rows", "packet_ms"),
    [
        ((), 20),
        (("ptime:30",), 30),
        (("maxptime:10",), 10),
        (("ptime:60", "maxptime:40"), 40),
        (("maxptime:60",), 20),
    ],
)
def test_a_peer_is_sent_no_longer_packets_than_it_can_take(rows: tuple[str, ...], packet_ms: int) -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, audio("0", *rows))
    state.answer(Leg.AGENT, audio("0", *rows))
    assert media_of(state, Leg.CUSTOMER).ptime_ms == media_of(state, Leg.AGENT).ptime_ms == packet_ms
