"""Messages out of a stream, however it is cut, and the keep-alives between them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonevault.cde.wire.sip.errors import SipParseError
from tonevault.cde.wire.sip.framing import StreamFramer

FIRST = b"INFO sip:h SIP/2.0\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
SECOND = b"SIP/2.0 200 OK\r\nl : \r\n 0\r\n\r\n"


def take_all(framer: StreamFramer) -> list[bytes]:
    messages: list[bytes] = []
    while (message := framer.next_message()) is not None:
        messages.append(message)
    return messages


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_any_cut_gives_the_same_messages(sizes: list[int]) -> None:
    stream = FIRST + b"\r\n\r\n" + SECOND + FIRST + b"\r\n" + SECOND
    framer = StreamFramer()
    messages: list[bytes] = []
    pings = position = turn = 0
    while position < len(stream):
        size = sizes[turn % len(sizes)]
        framer.receive(stream[position : position + size])
        messages += take_all(framer)
        pings += framer.take_pings()
        position, turn = position + size, turn + 1
    assert messages == [FIRST, SECOND, FIRST, SECOND]
    assert pings == 1
    assert framer.is_between_messages


def test_a_double_line_break_is_a_ping_and_a_single_one_a_pong() -> None:
    framer = StreamFramer()
    for data, expected in ((b"\r\n\r\n", 1), (b"\r", 0), (b"\n", 0), (b"\r\n", 1), (b"\r\n\r\n\r\n\r\n", 2)):
        framer.receive(data)
        assert take_all(framer) == []
        assert framer.take_pings() == expected


def test_half_a_message_is_owed() -> None:
    framer = StreamFramer()
    framer.receive(FIRST[:30])
    assert framer.next_message() is None
    assert not framer.is_between_messages


@pytest.mark.parametrize(
    "data",
    [
        b"INFO sip:h SIP/2.0\r\n\r\n",
        b"INFO sip:h SIP/2.0\r\nContent-Length: x\r\n\r\n",
        b"INFO sip:h SIP/2.0\r\nContent-Length: -1\r\n\r\n",
        b"INFO sip:h SIP/2.0\r\nContent-Length: 1\r\nl: 1\r\n\r\nx",
        b"INFO sip:h SIP/2.0\r\nContent-Length: 9999999\r\n\r\n",
        b"INFO sip:h SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_a_stream_that_cannot_be_followed_is_given_up(data: bytes) -> None:
    framer = StreamFramer()
    framer.receive(data)
    with pytest.raises(SipParseError):
        take_all(framer)
