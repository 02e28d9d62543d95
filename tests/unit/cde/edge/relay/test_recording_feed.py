"""The worker tells the recorder what it sends, in batches; a recorder that does not listen costs a bounded amount and no time."""

import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonevault.cde.edge.relay import recording_feed
from tonevault.cde.edge.relay.direct_path import Datagram
from tonevault.cde.edge.relay.recording_batch import (
    Begun,
    Ended,
    Entry,
    Sent,
    batch,
    begun_entry,
    ended_entry,
    read_batch,
    sent_entry,
)
from tonevault.cde.edge.relay.recording_feed import RecordingFeed, RecordingTap
from tonevault.cde.media import Codec, Leg, LegMedia, MediaAddress
from tonevault.cde.wire.rtp import RtpPacket, build_rtp

MEDIA = LegMedia(
    MediaAddress("192.0.2.1", 4000, 4001),
    (Codec(96, "PCMA", 8000), Codec(3, "GSM", 8000)),
    (Codec(101, "TELEPHONE-EVENT", 8000),),
)
ENTRY = st.one_of(
    st.builds(Begun, st.integers(0, 2**32 - 1), st.text("abc_-", max_size=40)),
    st.builds(Ended, st.integers(0, 2**32 - 1)),
    st.builds(
        Sent,
        st.integers(0, 2**32 - 1),
        st.integers(0, 1),
        st.integers(0, 3),
        st.integers(0, 2**32 - 1),
        st.floats(0, 1e9),
        st.binary(max_size=200),
    ),
)


def written(entry: Entry) -> bytes:
    match entry:
        case Begun(call, name):
            return begun_entry(call, name)
        case Ended(call):
            return ended_entry(call)
        case Sent(call, side, codec, timestamp, at, payload):
            return sent_entry(call, side, codec, timestamp, at, payload)


@given(st.lists(ENTRY, max_size=20), st.floats(0, 1e9))
def test_a_batch_says_what_it_was_made_of(entries: list[Entry], now: float) -> None:
    told, found = read_batch(batch([written(entry) for entry in entries], now))
    assert (told, list(found)) == (now, entries)


def test_a_payload_is_not_in_a_repr() -> None:
    assert "secret" not in repr(Sent(1, 0, 0, 0, 0.0, b"secret"))


def received(end: socket.socket) -> list[Entry]:
    found: list[Entry] = []
    while True:
        try:
            found += read_batch(end.recv(65536))[1]
        except BlockingIOError:
            return found


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.setblocking(False)
    return ours, theirs


def test_voice_is_told_and_passed_on_and_events_are_passed_on_alone() -> None:
    ours, theirs = pair()
    feed, outbox = RecordingFeed(), list[Datagram]()
    feed.connect(ours)
    feed.begin(7, "call_a")
    feed.now = 5.0
    tap = RecordingTap(feed, 7, Leg.AGENT, MEDIA, outbox)
    for payload_type in (96, 3, 101):
        packet = RtpPacket(payload_type, 1, 1600, 2, b"\x55" * 160, marker=True)
        tap.append((3, build_rtp(packet), ("192.0.2.1", 4000)))
    feed.end(7)
    feed.flush()
    with ours, theirs:
        assert received(theirs) == [Begun(7, "call_a"), Sent(7, 0, 1, 1600, 5.0, b"\x55" * 160), Ended(7)]
    assert len(outbox) == 3
    assert feed.missed == 0


def test_who_does_not_listen_is_told_no_more_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_feed, "WAITING_LIMIT", 100_000)
    ours, theirs = pair()
    feed = RecordingFeed()
    feed.connect(ours)
    feed.begin(7, "call_a")
    chance = random.Random(1)
    datagram = build_rtp(RtpPacket(0, 1, 0, 2, chance.randbytes(160)))
    for turn in range(5000):
        feed.now = turn * 0.02
        feed.sent(7, 0, 0, datagram)
        feed.flush()
    assert feed.missed > 1000
    assert feed._waiting_octets < 100_000 + 2 * 16_384
    feed.end(7)
    kept: list[Entry] = []
    for _ in range(100):
        kept += received(theirs)
        feed.now += 1
        feed.flush()
    theirs.close()
    ours.close()
    assert kept[0] == Begun(7, "call_a")
    assert kept[-1] == Ended(7)
    assert sum(isinstance(entry, Sent) for entry in kept) == 5000 - feed.missed


def test_another_recorder_is_told_of_every_call_anew() -> None:
    ours, theirs = pair()
    feed = RecordingFeed()
    feed.connect(ours)
    feed.begin(7, "call_a")
    feed.begin(8, "call_b")
    feed.end(8)
    theirs.close()
    feed.now = 1.0
    feed.flush()
    feed.sent(7, 0, 0, build_rtp(RtpPacket(0, 1, 0, 2, b"\x55" * 160)))
    assert feed.missed == 1
    ours, theirs = pair()
    feed.connect(ours)
    feed.now = 2.0
    feed.flush()
    with theirs:
        assert received(theirs) == [Begun(7, "call_a")]
    ours.close()
