"""Reading and writing session descriptions: nothing is lost, nothing malformed passes, no error repeats its input."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cde.wire.sdp.descriptions import CARRIER, UNKNOWN_LINES, WITH_VIDEO, audio, lines

from tonevault.cde.wire.sdp.errors import MalformedSdpError
from tonevault.cde.wire.sdp.model import Connection
from tonevault.cde.wire.sdp.parse import MAX_BYTES, MAX_LINES, parse
from tonevault.cde.wire.sdp.serialise import serialise


@pytest.mark.parametrize("body", [CARRIER, WITH_VIDEO, UNKNOWN_LINES, audio()])
def test_a_description_comes_back_byte_for_byte(body: bytes) -> None:
    assert serialise(parse(body)) == body


def test_the_typed_parts() -> None:
    description = parse(UNKNOWN_LINES)
    assert description.origin.family == "IP6"
    assert description.connection == Connection("IP6", "2001:db8::2")
    assert description.attributes("recvonly") == ("",)
    (media,) = description.media
    assert (media.kind, media.port, media.port_count, media.formats) == ("audio", 49170, 2, ("0",))
    assert media.connection == Connection("IP6", "2001:db8::3")
    assert media.attributes("sendonly") == ("",)


def test_bare_line_feeds_and_trailing_blank_lines_are_read() -> None:
    assert parse(CARRIER.replace(b"\r\n", b"\n")) == parse(CARRIER + b"\r\n\r\n")


GOOD = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n"
SECRET = "4111111111111111"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("v=1\n", 1),
        (GOOD[4:], 1),
        ("v=0\ns=-\nt=0 0", 3),
        ("v=0\no=- 1 1 IN IP4 192.0.2.1\nt=0 0", 3),
        ("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-", 3),
        (f"v=0\no=- {SECRET} IN IP4 192.0.2.1\ns=-\nt=0 0", 2),
        (f"v=0\no=- x{SECRET} 1 IN IP4 192.0.2.1\ns=-\nt=0 0", 2),
        (GOOD + f"{SECRET}", 5),
        (GOOD + "v=0", 5),
        (GOOD + "\nc=IN IP4 192.0.2.1", 5),
        (GOOD + "c=IN IP9 192.0.2.1", 5),
        (GOOD + f"c=IN IP4 192.0.2.1 {SECRET}", 5),
        (GOOD + "m=audio 4000 RTP/AVP", 5),
        (GOOD + "m=audio 70000 RTP/AVP 0", 5),
        (GOOD + f"m=audio {SECRET} RTP/AVP 0", 5),
        (GOOD + "m=audio 4000 RTP/AVP 0 (", 5),
        (GOOD + "m=audio 4000 RTP/AVP 0\nt=0 0", 6),
        (GOOD + "a=x\0y", 5),
        (GOOD + "m=audio 0 RTP/AVP 0\n" * 17, 21),
        (GOOD + "a=x\n" * MAX_LINES, MAX_LINES),
    ],
)
def test_what_is_malformed_names_its_line_and_not_its_text(text: str, line: int) -> None:
    with pytest.raises(MalformedSdpError) as caught:
        parse(lines(text) if text else b"")
    assert caught.value.line == line
    assert SECRET not in str(caught.value)


def test_size_and_encoding() -> None:
    with pytest.raises(MalformedSdpError, match="at most"):
        parse(CARRIER + b"a=x\r\n" * MAX_BYTES)


def test_names_in_another_character_set_are_no_reason_to_refuse_a_call() -> None:
    body = CARRIER.replace(b"s=SIP Media Capabilities", b"s=B\xfcro") + b"a=label:\xff\r\n"
    assert serialise(parse(body)) == body


def test_blanks_behind_an_address_are_not_part_of_it() -> None:
    blanks = CARRIER.replace(b"203.0.113.7\r\n", b"203.0.113.7 \r\n").replace(b"113.8\r\n", b"113.8  \r\n")
    assert blanks != CARRIER
    assert parse(blanks) == parse(CARRIER)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_mutation_raises_anything_else(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from([CARRIER, WITH_VIDEO, UNKNOWN_LINES])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        description = parse(bytes(body))
    except MalformedSdpError:
        return
    canonical = serialise(description)
    assert serialise(parse(canonical)) == canonical


def test_the_repr_shows_no_text_of_the_peer() -> None:
    assert "SIP Media Capabilities" not in repr(parse(CARRIER))
    assert "annexb" not in repr(parse(CARRIER))
