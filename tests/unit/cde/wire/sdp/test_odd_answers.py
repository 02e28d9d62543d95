"""Answers that are odd: under numbers of their own, of several phones to one offer, of another version of IP."""

import pytest
from tests.unit.cde.wire.sdp.descriptions import CARRIER, audio, fresh
from tests.unit.cde.wire.sdp.test_offer_answer import formats, media_of

from tonevault.cde.media import Direction, Leg
from tonevault.cde.wire.sdp.errors import UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sdp.parse import parse


def test_an_answer_under_other_numbers_is_heard_under_ours_too() -> None:
    """RFC 3264 section 6.1: who answers under numbers of its own is sent those, and itself sends the numbers of the offer."""
    state = fresh()
    offer = audio("0 97 101", "rtpmap:97 iLBC/8000", "fmtp:97 mode=20")
    assert formats(state.offer(Leg.CUSTOMER, offer)) == ("0", "97", "101")
    answer = audio("110 0 96", "rtpmap:110 iLBC/8000", "fmtp:110 mode=30", "rtpmap:96 telephone-event/8000")
    assert formats(state.answer(Leg.AGENT, answer)) == ("97", "0", "101")
    agent, customer = media_of(state, Leg.AGENT), media_of(state, Leg.CUSTOMER)
    assert [codec.payload_type for codec in agent.codecs] == [110, 0, 97]
    assert [event.payload_type for event in agent.telephone_events] == [96, 101]
    assert [event.payload_type for event in customer.telephone_events] == [101]
    assert [codec.payload_type for codec in customer.codecs] == [97, 0]


def test_a_number_that_the_answer_gives_to_something_else_keeps_that_meaning() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, audio("0 96", "rtpmap:96 telephone-event/8000"))
    state.answer(Leg.AGENT, audio("0 96 97", "rtpmap:96 iLBC/8000", "rtpmap:97 telephone-event/8000"))
    assert [event.payload_type for event in media_of(state, Leg.AGENT).telephone_events] == [97]


def test_a_number_as_long_as_a_message_is_no_number() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, audio("0"))
    state.answer(Leg.AGENT, audio(f"0 {'9' * 9000}"))
    assert [codec.payload_type for codec in media_of(state, Leg.AGENT).codecs] == [0]


def test_the_first_answer_holds_where_it_can() -> None:
    """RFC 3261 section 13.2.1: a caller may ignore every answer but the first, whichever phone it came from."""
    state = fresh()
    state.offer(Leg.CUSTOMER, CARRIER)
    first = state.answer(Leg.AGENT, audio("8", port=7000))
    assert state.answer(Leg.AGENT, audio("0", port=7004)) == first
    assert [codec.name for codec in media_of(state, Leg.CUSTOMER).codecs] == ["PCMA"]
    agent = media_of(state, Leg.AGENT)
    assert (agent.remote.port, [codec.name for codec in agent.codecs]) == (7004, ["PCMU"])


def test_parameters_of_another_answer_are_told() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, audio("96 0", "rtpmap:96 AMR/8000"))
    first = state.answer(Leg.AGENT, audio("96", "rtpmap:96 AMR/8000", "fmtp:96 octet-align=1"))
    assert state.answer(Leg.AGENT, audio("96", "rtpmap:96 AMR/8000", "fmtp:96 octet-align=1")) == first
    again = parse(state.answer(Leg.AGENT, audio("96", "rtpmap:96 AMR/8000")))
    assert again.media[0].attributes("fmtp") == ()


def test_another_answer_is_told_where_the_first_does_not_do() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, audio("9 0 18"))
    state.answer(Leg.AGENT, audio("9"))
    assert formats(state.answer(Leg.AGENT, audio("0"))) == ("0",)
    assert [codec.name for codec in media_of(state, Leg.CUSTOMER).codecs] == ["PCMU", "G722"]

    held = fresh()
    held.offer(Leg.CUSTOMER, audio())
    held.answer(Leg.AGENT, audio("0", "sendonly"))
    assert b"a=sendrecv" in held.answer(Leg.AGENT, audio("0"))
    assert media_of(held, Leg.CUSTOMER).direction is Direction.SENDRECV


def over_ip6(body: bytes) -> bytes:
    return body.replace(b"c=IN IP4 192.0.2.10", b"c=IN IP6 2001:db8::10")


def test_audio_that_is_not_reached_by_the_legs_version_of_ip_is_refused() -> None:
    with pytest.raises(UnacceptableSdpError, match="IPv4 alone") as caught:
        fresh().offer(Leg.CUSTOMER, over_ip6(audio()))
    assert caught.value.code is WarningCode.INCOMPATIBLE_ADDRESS
    state = fresh()
    state.offer(Leg.CUSTOMER, audio())
    with pytest.raises(UnacceptableSdpError, match="IPv4 alone"):
        state.answer(Leg.AGENT, over_ip6(audio()))
    state.answer(Leg.AGENT, audio())


def test_of_two_streams_that_of_the_legs_version_of_ip_is_taken() -> None:
    state = fresh()
    state.offer(Leg.CUSTOMER, over_ip6(audio()) + b"m=audio 4444 RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\n")
    state.answer(Leg.AGENT, audio("0"))
    remote = media_of(state, Leg.CUSTOMER).remote
    assert (remote.host, remote.port) == ("192.0.2.10", 4444)
