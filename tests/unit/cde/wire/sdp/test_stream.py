"""The audio stream of a description: its address, codecs, direction, and what cannot be relayed."""

import pytest
from tests.unit.cde.wire.sdp.descriptions import CARRIER, WITH_VIDEO, audio, lines

from tonevault.cde.media import Codec, Direction, MediaAddress
from tonevault.cde.wire.sdp.errors import UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sdp.payload import EVENT, with_events
from tonevault.cde.wire.sdp.profile import Profile
from tonevault.cde.wire.sdp.stream import audio_stream


def test_a_carriers_offer() -> None:
    stream = audio_stream(parse(CARRIER))
    assert stream.remote == MediaAddress("203.0.113.8", 18422, 18423)
    assert [codec.name for codec in stream.voice] == ["PCMA", "PCMU", "G729"]
    assert stream.voice[2].fmtp == "annexb=no"
    assert stream.events == (Codec(101, EVENT, 8000, fmtp="0-15"),)
    assert (stream.ptime_ms, stream.max_ptime_ms, stream.direction) == (20, 20, Direction.SENDRECV)


def test_audio_behind_video_without_the_wrappers_a_key_could_hide_in() -> None:
    stream = audio_stream(parse(WITH_VIDEO))
    assert stream.slot == 1
    assert [codec.name for codec in stream.voice] == ["OPUS", "PCMU", "PCMA"]
    assert stream.voice[0].channels == 2
    assert stream.remote.rtcp_port == 5010


@pytest.mark.parametrize(
    ("attributes", "host", "direction"),
    [
        ((), "192.0.2.1", Direction.SENDRECV),
        (("sendonly",), "192.0.2.1", Direction.SENDONLY),
        (("inactive",), "192.0.2.1", Direction.INACTIVE),
        ((), "0.0.0.0", Direction.SENDONLY),
        (("recvonly",), "0.0.0.0", Direction.INACTIVE),
    ],
)
def test_direction_and_the_old_hold(attributes: tuple[str, ...], host: str, direction: Direction) -> None:
    assert audio_stream(parse(audio("0", *attributes, host=host))).direction is direction


def test_the_sessions_direction_holds_where_the_stream_says_nothing() -> None:
    body = audio("0").replace(b"m=audio", b"a=sendonly\r\nm=audio")
    assert audio_stream(parse(body)).direction is Direction.SENDONLY
    assert audio_stream(parse(body + b"a=sendrecv\r\n")).direction is Direction.SENDRECV


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (audio(port=0), WarningCode.MEDIA_TYPE_NOT_AVAILABLE, "port 0"),
        (audio(profile="RTP/SAVP"), WarningCode.INCOMPATIBLE_TRANSPORT, "SRTP"),
        (audio(profile="UDP/TLS/RTP/SAVPF"), WarningCode.INCOMPATIBLE_TRANSPORT, "SRTP"),
        (audio(profile="TCP/MSRP"), WarningCode.INCOMPATIBLE_TRANSPORT, "not RTP"),
        (audio("101"), WarningCode.INCOMPATIBLE_FORMAT, "No voice codec"),
        (audio("13 101"), WarningCode.INCOMPATIBLE_FORMAT, "No voice codec"),
        (audio("97", "rtpmap:97 red/8000"), WarningCode.INCOMPATIBLE_FORMAT, "No voice codec"),
        (audio("97", "rtpmap:97 tone/8000"), WarningCode.INCOMPATIBLE_FORMAT, "No voice codec"),
        (audio("97 200 x"), WarningCode.INCOMPATIBLE_FORMAT, "No voice codec"),
        (audio(host="pbx.example.invalid"), WarningCode.INCOMPATIBLE_ADDRESS, "IP address"),
        (audio(host="239.1.1.1"), WarningCode.MULTICAST_NOT_AVAILABLE, "Multicast"),
        (audio().replace(b"c=IN IP4 192.0.2.10\r\n", b""), WarningCode.INCOMPATIBLE_ADDRESS, "c="),
        (lines("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0"), WarningCode.MEDIA_TYPE_NOT_AVAILABLE, "audio"),
    ],
)
def test_what_cannot_be_relayed_says_why(body: bytes, code: WarningCode, text: str) -> None:
    with pytest.raises(UnacceptableSdpError, match=text) as caught:
        audio_stream(parse(body))
    assert caught.value.code is code


def test_a_plain_stream_is_taken_where_a_secured_one_stands_beside_it() -> None:
    body = audio("0", profile="RTP/SAVP") + b"m=audio 4002 RTP/AVP 8\r\n"
    stream = audio_stream(parse(body))
    assert (stream.slot, stream.remote.port, stream.profile) == (1, 4002, Profile.AVP)


def test_events_are_completed_for_each_clock_rate_and_dodge_taken_numbers() -> None:
    voice = (Codec(101, "OPUS", 48000, 2), Codec(0, "PCMU", 8000), Codec(13, "CN", 8000))
    assert with_events(voice, ()) == (
        Codec(96, EVENT, 48000, fmtp="0-15"),
        Codec(97, EVENT, 8000, fmtp="0-15"),
    )
    own = (Codec(120, EVENT, 8000, fmtp="0-16"),)
    assert with_events(voice[1:], own) == own
