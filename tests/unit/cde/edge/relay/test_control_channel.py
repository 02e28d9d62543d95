"""The control channel: frames keep their bounds, keys are overwritten on both sides, sockets change hands, nothing blocks or grows."""

import socket

import pytest

from tonevault.cde.edge.relay import control_channel
from tonevault.cde.edge.relay.control_channel import ChannelFullError, ControlChannel
from tonevault.cde.edge.relay.control_frames import Kind, key_frame
from tonevault.cde.media import Carrier
from tonevault.cde.sealed.key import Key


def pair() -> tuple[ControlChannel, ControlChannel]:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return ControlChannel(left), ControlChannel(right)


def fill(channel: ControlChannel) -> int:
    """Send until the channel is full; how many frames it took."""
    for sent in range(1_000_000):
        try:
            channel.send(bytearray(b"frame"))
        except ChannelFullError:
            return sent
    raise AssertionError("the channel grows without a limit")


def test_frames_keep_their_bounds_and_order() -> None:
    ours, theirs = pair()
    for n in range(5):
        ours.send(bytearray(bytes((n,)) * (n + 1)))
    assert [bytes(frame) for frame, _ in theirs.receive()] == [bytes((n,)) * (n + 1) for n in range(5)]
    ours.close()
    theirs.close()


def test_a_key_is_overwritten_where_it_was_sent_and_where_it_was_read() -> None:
    ours, theirs = pair()
    frame = key_frame(Kind.PRESSED, 1, Key.from_event(7), Carrier.EVENT, 3.0)
    ours.send(frame)
    assert frame == bytes(len(frame))
    assert sum(1 for _ in theirs.receive()) == 1
    assert theirs._buffer == bytes(len(theirs._buffer))
    ours.close()
    theirs.close()


def test_sockets_change_hands() -> None:
    ours, theirs = pair()
    given = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    given.bind(("127.0.0.1", 0))
    address = given.getsockname()
    ours.send(bytearray(b"x"), (given,))
    assert given.fileno() == -1
    ((_, taken),) = [(bytes(frame), sockets) for frame, sockets in theirs.receive()]
    assert [(one.family, one.type, one.getsockname()) for one in taken] == [
        (socket.AF_INET, socket.SOCK_DGRAM, address)
    ]
    for one in taken:
        one.close()
    ours.close()
    theirs.close()


def test_a_peer_that_does_not_read_fills_a_bounded_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_channel, "PENDING_FRAMES", 10)
    ours, theirs = pair()
    sent = fill(ours)
    pending_then = ours.is_pending
    received = sum(1 for _ in theirs.receive())
    ours.flush()
    received += sum(1 for _ in theirs.receive())
    assert (received, pending_then, ours.is_pending) == (sent, True, False)
    ours.close()
    theirs.close()


def test_the_peers_end_is_told() -> None:
    ours, theirs = pair()
    theirs.close()
    with pytest.raises(EOFError):
        list(ours.receive())
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        ours.send(bytearray(b"x"))
    ours.close()


def test_what_was_not_sent_is_overwritten_at_the_close() -> None:
    ours, theirs = pair()
    frames = [bytearray(b"secret" * 1000) for _ in range(100)]
    for frame in frames:
        ours.send(frame)
    ours.close()
    theirs.close()
    assert all(not any(frame) for frame in frames)
