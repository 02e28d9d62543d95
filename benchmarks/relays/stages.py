"""What a packet costs and where: the steps of a relay worker, each timed by itself over many packets on real sockets."""

import select
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from typing import TypeVar

from benchmarks.relays.contender import HOST

from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.direct_path import DirectPath
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.lanes import Lanes
from tonevault.cde.edge.relay.latch import Address
from tonevault.cde.edge.relay.media_socket import MediaSocket
from tonevault.cde.edge.relay.track import CLOSED
from tonevault.cde.media import Codec, Leg, LegMedia, MaskMode, MediaAddress
from tonevault.cde.wire.rtp import HEADER

PCMU = (Codec(0, "PCMU", 8000),)
WARM_UP = 40
"""Packet times that are not counted: peers latch, sockets settle, the ear fills."""

Made = TypeVar("Made")


class Watch:
    """CPU seconds of this thread, by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.counts = False

    def time(self, step: str, work: Callable[[], Made]) -> Made:
        """Do some work for many packets at once."""
        began = time.thread_time()
        made = work()
        if self.counts:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.thread_time() - began
        return made


class Bench:
    """Calls of phones and worker sockets of loopback, without the worker's loop."""

    def __init__(self, calls: int) -> None:
        self.engine = MediaEngine(Random(1).randrange)
        self.phones: list[socket.socket] = []
        self.sockets: dict[int, MediaSocket] = {}
        self.paths: dict[int, tuple[DirectPath, int]] = {}
        """By the socket that is read: what carries its packets, and the socket that they are sent from."""
        self.poller = select.epoll()
        self.lanes = Lanes(self.poller.fileno())
        for call in range(calls):
            self._open(call)

    def _open(self, call: int) -> None:
        legs = []
        for _ in Leg:
            phone, own = _bound(), _bound()
            phone.connect(own.getsockname())
            self.phones.append(phone)
            self.sockets[own.fileno()] = MediaSocket(own)
            self.poller.register(own.fileno(), select.EPOLLIN)
            # RTCP has no part in this; its sockets are numbers that nothing comes to.
            legs.append(LegSockets(own.fileno(), -own.fileno()))
        customer, agent = legs
        self.engine.open(call, customer, agent, 0.0)
        for leg, phone in zip(Leg, self.phones[-2:], strict=True):
            port = phone.getsockname()[1]
            self.engine.configure(call, leg, LegMedia(MediaAddress(HOST, port, port + 1), PCMU, ()))
        for one, other in (legs, legs[::-1]):
            path = self.engine.direct_path(one.rtp)
            if path is not None:
                self.paths[one.rtp] = (path, other.rtp)

    def settle(self, now: float) -> None:
        """Narrow every socket to its phone."""
        for number, one in self.sockets.items():
            one.settle(self.engine.settled_on(number, now))
            one.trust()

    def close(self) -> None:
        """Close every socket."""
        for one in (*self.phones, *(each.socket for each in self.sockets.values())):
            one.close()
        self.poller.close()


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    made.setblocking(False)
    return made


def _say(phones: Iterable[socket.socket], turn: int, payloads: Sequence[bytes]) -> None:
    for number, phone in enumerate(phones):
        header = HEADER.pack(0x80, 0, turn & 0xFFFF, turn * 160, number)
        phone.send(header + payloads[(turn + 37 * number) % len(payloads)])


def _hear(phones: Iterable[socket.socket]) -> None:
    for phone in phones:
        try:
            while True:
                phone.recv(2048)
        except BlockingIOError:
            continue


def plain_steps(calls: int, turns: int) -> dict[str, float]:
    """µs of each step of a plain packet, `2 × calls` of them gathered. The compiled loop reads, carries and writes in
    one go, so three turns are compared: one whose packets are refused once they have been read, one that writes to nobody, one as it is."""
    bench, watch = Bench(calls), Watch()
    for turn in range(WARM_UP + 3 * turns):
        now = 1.0 + 0.02 * turn
        _say(bench.phones, turn, [bytes(160)])
        watch.counts = turn >= WARM_UP
        if watch.counts:
            _served(bench, watch, _WAYS[turn % 3], now)
        else:
            for number, one in bench.sockets.items():
                datagram, source = one.socket.recvfrom(2048)
                bench.engine.receive(number, datagram, source, now)
            bench.engine.outbox.clear()
            bench.settle(now)
        _hear(bench.phones)
    bench.close()
    spent = {step: seconds * 1e6 / (2 * calls * turns) for step, seconds in watch.seconds.items()}
    read, carried, whole = (spent[way] for way in _WAYS)
    return {
        "wait: epoll": spent["wait"] / 3,
        "read: recv": read,
        "carry: checks, header, jitter": carried - read,
        "write: send, and the way through the kernel to the phone": whole - carried,
    }


_WAYS = ("refused", "to nobody", "whole")


def _served(bench: Bench, watch: Watch, way: str, now: float) -> None:
    """One turn of the compiled loop."""
    lanes, closed = bench.lanes, {}
    for number, (path, hearer) in bench.paths.items():
        lanes.lay(number, path.track, -1 if way == "to nobody" else hearer)
        if way == "refused":
            closed[number] = path.track.last
            path.track.last = CLOSED
    watch.time("wait", partial(lanes.wait, 0.0))
    left = watch.time(way, partial(lanes.serve, now))
    if len(list(left)) != len(closed):
        raise RuntimeError("stages: a packet was not plainly the next one")
    for number, last in closed.items():
        track = bench.paths[number][0].track
        track.newest, track.last = track.newest + track.stride, last


def captured_steps(calls: int, turns: int, payloads: Sequence[bytes]) -> dict[str, float]:
    """µs of each step of a captured packet between its reading and its writing, `calls` of them gathered."""
    bench, watch = Bench(calls), Watch()
    engine, customers = bench.engine, list(bench.sockets)[::2]
    sources = [phone.getsockname() for phone in bench.phones[::2]]
    for call in range(calls):
        engine.start_capture(call, MaskMode.TALK, 1.0)
    for turn in range(turns + WARM_UP):
        watch.counts = turn >= WARM_UP
        now = 1.0 + 0.02 * turn
        header = [HEADER.pack(0x80, 0, turn & 0xFFFF, turn * 160, number) for number in range(calls)]
        said = [one + payloads[(turn + 371 * number) % len(payloads)] for number, one in enumerate(header)]

        datagrams = list(zip(customers, said, sources, strict=True))
        watch.time("order, clock, mask, header", partial(_take, engine, datagrams, now))
        watch.time("tick", partial(engine.tick, now))
        engine.outbox.clear()
        engine.take_reports()
    bench.close()
    return {step: seconds * 1e6 / (calls * turns) for step, seconds in watch.seconds.items()}


def _take(engine: MediaEngine, datagrams: list[tuple[int, bytes, Address]], now: float) -> None:
    for number, datagram, source in datagrams:
        engine.receive(number, datagram, source, now)
