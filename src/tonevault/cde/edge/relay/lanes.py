"""The relay worker's compiled loop: it waits for datagrams, carries those between settled peers, and leaves the rest to be looked at."""

import ctypes
from collections.abc import Iterator
from ctypes import c_double, c_int32, c_int64, c_uint8, c_void_p
from typing import Final

from tonevault.cde.edge.relay.media_socket import LARGEST_DATAGRAM
from tonevault.cde.edge.relay.track import JUMP_S, LANES, Track

EVENTS_A_TURN: Final = 64
"""Sockets served before the clock and the controller are looked at again: half a millisecond of work."""
BEHIND: Final = 24
"""After a turn of so many the worker is behind, and the next one comes at once."""
NOT_READ: Final = -1
NO_CONTROL: Final = -1
FIRST_LANES: Final = 64
"""Descriptors for which there is room at first; it doubles when one has none."""


class _Lane(ctypes.Structure):
    track: int | None
    hearer: int

    _fields_ = (("track", c_void_p), ("hearer", c_int32))


class _Left(ctypes.Structure):
    _fields_ = (("descriptor", c_int32), ("length", c_int32))


class _Lanes(ctypes.Structure):
    """`c/lanes.h` explains each."""

    gather_s: float
    now: float
    received: int
    sent: int
    failures: int
    lane: int | None
    lane_count: int
    poller: int
    control: int
    asked: int
    hurries: int
    ready_count: int
    left_count: int

    _fields_ = (
        ("gather_s", c_double),
        ("now", c_double),
        ("received", c_int64),
        ("sent", c_int64),
        ("failures", c_int64),
        ("lane", c_void_p),
        ("lane_count", c_int32),
        ("poller", c_int32),
        ("control", c_int32),
        ("asked", c_int32),
        ("hurries", c_int32),
        ("ready_count", c_int32),
        ("left_count", c_int32),
        ("ready", c_int32 * EVENTS_A_TURN),
        ("left", _Left * EVENTS_A_TURN),
        ("datagrams", c_uint8 * LARGEST_DATAGRAM * EVENTS_A_TURN),
    )


class Lanes:
    """Of one worker. Everything is known by file descriptors. Raises CompiledError where the compiled loops are missing.

    `run`, or `wait` and then `serve`, gives what is left; it is to be looked at before the next turn, which wipes it.
    """

    def __init__(self, poller: int, control: int = NO_CONTROL) -> None:
        """`poller` is an epoll(7) that reports descriptors; `control` the one of the controller's socket, if it has one."""
        limits = (LARGEST_DATAGRAM, EVENTS_A_TURN, BEHIND, round(1000 * JUMP_S))
        LANES.require("lanes_fit", (*limits, *map(ctypes.sizeof, (Track, _Lane, _Lanes))))
        self._state = _Lanes(poller=poller, control=control)
        self._place = ctypes.addressof(self._state)
        self._run = LANES.function("lanes_run", "pd")
        self._await = LANES.function("lanes_await", "pd")
        self._serve = LANES.function("lanes_serve", "pd")
        self._kept: dict[int, Track] = {}
        """What the lanes point to."""
        whole = memoryview(self._state).cast("B")
        left, datagrams = _Lanes.left.offset, _Lanes.datagrams.offset
        self._left = whole[left:datagrams].cast("i")
        self._datagrams = whole[datagrams : datagrams + EVENTS_A_TURN * LARGEST_DATAGRAM]
        self._table = (_Lane * FIRST_LANES)()
        self._point_to_table()

    def lay(self, descriptor: int, track: Track, hearer: int) -> None:
        """From now on what comes to a socket goes on by `track` to who the socket `hearer` is connected to."""
        if descriptor >= self._state.lane_count:
            self._make_room(max(descriptor + 1, 2 * self._state.lane_count))
        self._kept[descriptor] = track
        lane = self._table[descriptor]
        lane.track, lane.hearer = ctypes.addressof(track), hearer

    def lift(self, descriptor: int) -> None:
        """This socket has no lane any more; nothing, if it has none."""
        if self._kept.pop(descriptor, None) is not None:
            self._table[descriptor].track = None

    def heard_since(self, descriptor: int, time: float) -> bool:
        """Whether the socket has a lane, and something came on it since."""
        track = self._kept.get(descriptor)
        return track is not None and track.heard_at >= time

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def _make_room(self, count: int) -> None:
        grown = (_Lane * count)()
        ctypes.memmove(grown, self._table, ctypes.sizeof(self._table))
        self._table = grown
        self._point_to_table()

    def _point_to_table(self) -> None:
        self._state.lane, self._state.lane_count = ctypes.addressof(self._table), len(self._table)

    def run(self, until: float) -> Iterator[tuple[int, memoryview | None]]:
        """Turn after turn, until something is left, the controller asks for something, or it is `until` by the monotonic clock."""
        self._run(self._place, until)
        return self._leftovers()

    def wait(self, longest_s: float) -> None:
        """Find out which sockets have something, at most for so long."""
        self._await(self._place, longest_s)

    def serve(self, now: float) -> Iterator[tuple[int, memoryview | None]]:
        """Read a datagram of each socket that has one, and send it on where there is a lane for it."""
        self._serve(self._place, now)
        return self._leftovers()

    def _leftovers(self) -> Iterator[tuple[int, memoryview | None]]:
        """Each socket, and the datagram that was read from it; None: it has no lane, and is to be read."""
        left = self._left
        for at in range(self._state.left_count):
            descriptor, length = left[2 * at], left[2 * at + 1]
            begin = at * LARGEST_DATAGRAM
            yield descriptor, None if length == NOT_READ else self._datagrams[begin : begin + length]

    @property
    def now(self) -> float:
        """Monotonic seconds of the last turn."""
        return self._state.now

    @property
    def asked(self) -> int:
        """What epoll said of the controller's socket in the last turn, in which then nothing was read."""
        return self._state.asked

    @property
    def received(self) -> int:
        """Datagrams read so far."""
        return self._state.received

    @property
    def sent(self) -> int:
        """Datagrams sent so far."""
        return self._state.sent

    @property
    def failures(self) -> int:
        """Of them, those that the kernel refused."""
        return self._state.failures

    def gather(self, seconds: float) -> None:
        """For how long datagrams are let gather before a turn."""
        self._state.gather_s = seconds

    def hurry(self) -> None:
        """The next turn comes at once."""
        self._state.hurries = 1
