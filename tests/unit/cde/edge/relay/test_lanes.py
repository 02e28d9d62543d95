"""The compiled loop: what it carries by itself, what it leaves, when it comes back; and never a step beyond its memory."""

import random
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.sanitised import WHOLE, run_sanitised

from tonevault.app.compiled_doctor import relay_findings, require
from tonevault.cde.edge.relay import lanes as lanes_module
from tonevault.cde.edge.relay.lanes import BEHIND, EVENTS_A_TURN, FIRST_LANES, Lanes
from tonevault.cde.edge.relay.media_socket import LARGEST_DATAGRAM
from tonevault.cde.edge.relay.track import LANES, Track
from tonevault.cde.wire.rtp import HEADER_OCTETS, RtpPacket, build_rtp, parse_rtp
from tonevault.kernel.compiled import Compiled
from tonevault.plumbing.settings import SettingsError

SOURCES = LANES.path.parent / "c"
PATIENCE_S = 20.0
STEP = 160


def datagram(number: int, payload: bytes = bytes(range(160))) -> bytes:
    """The number-th of a stream of PCMU."""
    return build_rtp(RtpPacket(0, number, STEP * number, 5, payload))


def open_track() -> Track:
    """After packet 0 of that stream; it goes on to the stream 77 as it came, but for its SSRC."""
    newest = int.from_bytes(datagram(0)[:8])
    stride = (1 << 32) + STEP
    last, now = newest + 60_000 * stride, time.monotonic()
    return Track(newest=newest, stride=stride, last=last, heard_at=now, ssrc=5, stream_ssrc=77)


class Pair:
    """Two ends of a datagram line: what is said at `far` comes to `ours`, and the other way round."""

    def __init__(self, stack: ExitStack, poller: select.epoll) -> None:
        ours, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ours, self.far = stack.enter_context(ours), stack.enter_context(far)
        self.ours.setblocking(False)
        self.far.settimeout(PATIENCE_S)
        poller.register(self.ours.fileno(), select.EPOLLIN)

    @property
    def number(self) -> int:
        return self.ours.fileno()


class Stage:
    """Lanes over real sockets."""

    def __init__(self, stack: ExitStack) -> None:
        self.poller = stack.enter_context(select.epoll())
        self.stack = stack
        self.control = self.pair()
        self.lanes = Lanes(self.poller.fileno(), self.control.number)

    def pair(self) -> Pair:
        return Pair(self.stack, self.poller)

    def run(self) -> list[tuple[int, bytes | None]]:
        """Until something is left, which is kept."""
        left = self.lanes.run(time.monotonic() + PATIENCE_S)
        return [(number, None if said is None else bytes(said)) for number, said in left]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack)


def test_what_is_plainly_next_is_carried_and_the_rest_is_left(stage: Stage) -> None:
    customer, agent, track = stage.pair(), stage.pair(), open_track()
    stage.lanes.lay(customer.number, track, agent.number)
    customer.far.send(datagram(1))
    customer.far.send(datagram(2))
    customer.far.send(datagram(9))
    assert stage.run() == [(customer.number, datagram(9))]
    heard = [parse_rtp(agent.far.recv(2048)) for _ in range(2)]
    assert [(one.sequence, one.ssrc, one.payload) for one in heard] == [
        (number, 77, bytes(range(160))) for number in (1, 2)
    ]
    assert (stage.lanes.received, stage.lanes.sent, stage.lanes.failures) == (3, 2, 0)
    assert (track.packets, track.octets) == (2, 2 * (HEADER_OCTETS + 160))
    assert 0 <= stage.lanes.now - track.heard_at < PATIENCE_S


def test_a_socket_without_a_lane_is_not_read(stage: Stage) -> None:
    other, lifted, hearer = stage.pair(), stage.pair(), stage.pair()
    stage.lanes.lay(lifted.number, open_track(), hearer.number)
    stage.lanes.lift(lifted.number)
    other.far.send(b"anything")
    lifted.far.send(datagram(1))
    assert sorted(stage.run()) == sorted([(other.number, None), (lifted.number, None)])
    assert (other.ours.recv(2048), lifted.ours.recv(2048)) == (b"anything", datagram(1))
    assert stage.lanes.received == 0


def test_what_the_controller_asks_for_comes_before_any_datagram(stage: Stage) -> None:
    customer, agent = stage.pair(), stage.pair()
    stage.lanes.lay(customer.number, open_track(), agent.number)
    customer.far.send(datagram(1))
    stage.control.far.send(b"start a capture")
    assert stage.run() == []
    assert stage.lanes.asked & select.EPOLLIN
    assert stage.lanes.received == 0
    stage.control.ours.recv(2048)
    stage.lanes.lift(customer.number)
    assert stage.run() == [(customer.number, None)], "what was asked for takes the lane away in time"
    assert stage.lanes.asked == 0


def test_it_comes_back_in_time_whether_or_not_anything_comes(stage: Stage) -> None:
    for gathered in (0.0, 0.001):
        stage.lanes.gather(gathered)
        until = time.monotonic() + 0.02
        assert list(stage.lanes.run(until)) == []
        assert stage.lanes.now >= until
    begun = time.monotonic()
    assert list(stage.lanes.run(0.0)) == []
    assert stage.lanes.now >= begun


def test_what_was_left_is_wiped_before_the_next_turn(stage: Stage) -> None:
    customer, agent = stage.pair(), stage.pair()
    stage.lanes.lay(customer.number, Track(), agent.number)
    customer.far.send(datagram(1, bytes([7] * 160)))
    ((_, said),) = stage.lanes.run(time.monotonic() + PATIENCE_S)
    assert said is not None
    assert bytes(said) == datagram(1, bytes([7] * 160))
    stage.lanes.run(0.0)
    assert bytes(said) == bytes(172)


def test_a_hearer_that_takes_nothing_is_counted_and_keeps_nobody_waiting(stage: Stage) -> None:
    customer, agent = stage.pair(), stage.pair()
    stage.lanes.lay(customer.number, open_track(), agent.number)
    agent.far.close()
    customer.far.send(datagram(1))
    customer.far.send(b"last")
    assert stage.run() == [(customer.number, b"last")]
    assert (stage.lanes.sent, stage.lanes.failures) == (1, 1)


def test_many_sockets_are_served_in_turns(stage: Stage) -> None:
    pairs = [stage.pair() for _ in range(EVENTS_A_TURN + FIRST_LANES)]
    tracks = {pair.number: Track() for pair in pairs}
    for pair in pairs:
        stage.lanes.lay(pair.number, tracks[pair.number], pair.number)
        pair.far.send(bytes([pair.number % 256]) * 20)
    assert len(stage.lanes) == len(pairs)
    heard: dict[int, bytes | None] = {}
    while len(heard) < len(pairs):
        left = stage.run()
        assert 0 < len(left) <= EVENTS_A_TURN
        heard |= dict(left)
    assert heard == {pair.number: bytes([pair.number % 256]) * 20 for pair in pairs}
    assert BEHIND < EVENTS_A_TURN


def test_without_the_library_no_relay_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "LANES", Compiled(tmp_path / "liblanes.so", "the loops"))
    (finding,) = relay_findings()
    assert finding.is_fault
    with pytest.raises(SettingsError, match=r"relay: the loops, liblanes\.so, are missing"):
        require(relay_findings())


def feed_anything() -> None:
    """All that the loop can be asked for, with datagrams of every length and lanes that come and go."""
    chance = random.Random(1)
    table = bytes(reversed(range(256)))
    with ExitStack() as stack:
        stage = Stage(stack)
        pairs = [stage.pair() for _ in range(90)]
        by_number = {pair.number: pair for pair in pairs}
        turns = dict.fromkeys(range(len(pairs)), 0)
        for _ in range(400):
            for place in chance.sample(range(len(pairs)), 70):
                one, turns[place] = pairs[place], turns[place] + 1
                kind, length = chance.randrange(8), chance.choice([0, 1, 11, 12, 13, 2048, 2049, 9000])
                one.far.setblocking(False)
                try:
                    one.far.send(datagram(turns[place]) if kind else chance.randbytes(length))
                    while chance.randrange(3):
                        one.far.recv(4096)
                except BlockingIOError:
                    pass
            for place in chance.sample(range(len(pairs)), 8):
                one, track = pairs[place], open_track()
                track.table = chance.choice([None, table])
                track.newest += turns[place] * track.stride
                stage.lanes.lay(one.number, track, chance.choice([one.number, pairs[0].number, -1, 100_000]))
                if chance.randrange(4) == 0:
                    stage.lanes.lift(one.number)
            if chance.randrange(9) == 0:
                stage.control.far.send(b"ask")
            for number, said in stage.lanes.run(time.monotonic() + 0.001):
                if said is None:
                    by_number[number].ours.recv(LARGEST_DATAGRAM)
                else:
                    assert len(said) <= LARGEST_DATAGRAM
            if stage.lanes.asked:
                stage.control.ours.recv(64)
            stage.lanes.gather(chance.choice([0.0, 0.0001]))
        stage.lanes.lay(5000, open_track(), 5001)
        for length in (0, 12, 13, LARGEST_DATAGRAM, LARGEST_DATAGRAM + 1):
            open_track().forward(datagram(1)[:length].ljust(length, b"\0"), 1.0)


def test_anything_at_all_stays_within_its_memory(tmp_path: Path) -> None:
    library = tmp_path / "liblanes.so"
    program = f"import {__name__} as this; this.LANES.path = this.Path({str(library)!r}); this.feed_anything(); print('whole')"
    assert run_sanitised(SOURCES, library, program) == WHOLE
