"""Real sockets on loopback: settled peers get a lane and nobody else a word; what changes takes the lane away."""

import random
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import pairwise

import pytest

from tonevault.cde.edge.relay.call_sockets import SETTLE_EVERY_S, SETTLED_AT_ONCE, CallSockets
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.latch import SILENCE_S
from tonevault.cde.media import Codec, Leg, LegMedia, MaskMode, MediaAddress
from tonevault.cde.wire.rtp import RtpPacket, build_rtp, parse_rtp

HOST = "127.0.0.1"
PCMU, EVENTS = Codec(0, "PCMU", 8000), Codec(101, "TELEPHONE-EVENT", 8000)
PATIENCE_S = 20.0
CHANCE = random.Random()


class Phone:
    """One end of a leg, and the socket of ours that it speaks to."""

    def __init__(self, ours: socket.socket, bound: socket.socket) -> None:
        bound.bind((HOST, 0))
        bound.settimeout(PATIENCE_S)
        self.end, self.ours = bound, ours
        self.number = 0

    @property
    def media(self) -> LegMedia:
        return LegMedia(MediaAddress(HOST, self.end.getsockname()[1], 9), (PCMU,), (EVENTS,))

    def say(self, payload: bytes) -> None:
        packet = RtpPacket(0, self.number, 160 * self.number, 5, payload)
        self.number += 1
        self.end.sendto(build_rtp(packet), self.ours.getsockname())

    def hear(self) -> RtpPacket:
        return parse_rtp(self.end.recv(2048))


class Relay:
    """Calls without the worker's loop: time is the test's."""

    def __init__(self, stack: ExitStack) -> None:
        self.engine = MediaEngine(random.Random(1).randrange)
        self.poller = stack.enter_context(select.epoll())
        self.sockets = CallSockets(self.engine, self.poller, 0.0)
        self.phones: list[tuple[Phone, Phone]] = []
        self.now = 0.0
        self._stack = stack

    def _bound(self) -> socket.socket:
        """At a port that was asked for, as the controller does: one of the kernel's choice is lost with the peer."""
        made = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        while True:
            with suppress(OSError):
                made.bind((HOST, CHANCE.randrange(20_000, 32_000)))
                return made

    def call(self) -> tuple[Phone, Phone]:
        call, ours = len(self.phones), [self._bound() for _ in range(4)]
        ends = (self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in Leg)
        customer, agent = (Phone(own, end) for own, end in zip(ours[::2], ends, strict=True))
        self.sockets.open(call, ours, self.now)
        for leg, phone in zip(Leg, (customer, agent), strict=True):
            self.configure(call, leg, phone)
        self.phones.append((customer, agent))
        return customer, agent

    def configure(self, call: int, leg: Leg, phone: Phone) -> None:
        self.engine.configure(call, leg, phone.media)
        self.sockets.open_up(call, self.now)

    def serve(self, datagrams: int = 1) -> None:
        """Until so many were received."""
        wanted, until = self.sockets.received + datagrams, time.monotonic() + PATIENCE_S
        while self.sockets.received < wanted:
            assert time.monotonic() < until
            self.sockets.lanes.wait(PATIENCE_S)
            self.sockets.take(self.sockets.lanes.serve(self.now), self.now)

    def passes(self, said: Phone, heard: Phone, payload: bytes) -> None:
        self.now += 0.02
        said.say(payload)
        self.serve()
        assert heard.hear().payload == payload

    def settle(self) -> None:
        """Everybody once."""
        for _ in range(1 + len(self.phones) // SETTLED_AT_ONCE):
            self.sockets.settle(self.now)

    def settled_call(self) -> tuple[Phone, Phone]:
        customer, agent = self.call()
        for number in range(3):
            for one, other in ((customer, agent), (agent, customer)):
                self.passes(one, other, bytes([number] * 160))
            self.settle()
        assert self.lanes(customer, agent) == [True, True]
        return customer, agent

    def lanes(self, *phones: Phone) -> list[bool]:
        return [phone.ours.fileno() in self.sockets.lanes for phone in phones]


@pytest.fixture
def relay() -> Iterator[Relay]:
    with ExitStack() as stack:
        yield Relay(stack)


def test_voice_passes_before_peers_have_settled_and_after(relay: Relay) -> None:
    customer, agent = relay.settled_call()
    for number in range(5):
        relay.passes(customer, agent, bytes([10 + number] * 160))
        relay.passes(agent, customer, bytes([20 + number] * 80))
    assert (relay.sockets.received, relay.sockets.sent) == (16, 16)
    assert relay.engine.counters(0).relayed == 16


def test_nobody_else_is_heard_on_a_lane(relay: Relay) -> None:
    customer, agent = relay.settled_call()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((HOST, 0))
        packet = RtpPacket(0, customer.number, 160 * customer.number, 5, bytes(160))
        stranger.sendto(build_rtp(packet), customer.ours.getsockname())
        relay.passes(customer, agent, bytes([7] * 160))
    assert relay.sockets.received == 7, "the kernel dropped what the stranger sent"


def test_what_is_not_plainly_the_next_is_still_carried(relay: Relay) -> None:
    customer, agent = relay.settled_call()
    customer.number += 5
    relay.passes(customer, agent, bytes([1] * 160))
    relay.passes(customer, agent, bytes([2] * 160))
    assert relay.engine.counters(0).relayed == 8


def test_a_capture_takes_the_voice_off_the_lane_at_once(relay: Relay) -> None:
    customer, agent = relay.settled_call()
    relay.engine.start_capture(0, MaskMode.HUSH, relay.now)
    for _ in range(8):
        relay.now += 0.02
        customer.say(bytes([0x80]) * 160)
        relay.serve()
    assert agent.hear().payload != bytes([0x80]) * 160


def test_a_peer_that_falls_silent_loses_its_lane_and_gets_it_back(relay: Relay) -> None:
    customer, agent = relay.settled_call()
    relay.now += SILENCE_S + 0.1
    relay.passes(agent, customer, bytes(160))
    relay.settle()
    assert relay.lanes(customer, agent) == [False, False]
    for _ in range(3):
        relay.passes(customer, agent, bytes(160))
        relay.settle()
    assert relay.lanes(customer, agent) == [True, True]


def test_a_peer_that_moves_is_heard_at_once(relay: Relay) -> None:
    customer, agent = relay.settled_call()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        moved = Phone(agent.ours, end)
        relay.configure(0, Leg.AGENT, moved)
        assert relay.lanes(customer, agent) == [False, False]
        relay.passes(moved, customer, bytes([3] * 160))
        relay.passes(customer, moved, bytes([4] * 160))


def test_a_peer_that_refuses_packets_takes_none_away(relay: Relay) -> None:
    """An ICMP message is told with the next send, which must not be lost for it."""
    customer, agent = relay.settled_call()
    port = agent.end.getsockname()
    agent.end.close()
    relay.now += 0.02
    customer.say(bytes(160))
    relay.serve()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(port)
        again.settimeout(PATIENCE_S)
        relay.now += 0.02
        customer.say(bytes([9] * 160))
        relay.serve()
        assert parse_rtp(again.recv(2048)).payload == bytes([9] * 160)
    assert relay.sockets.failures == 0


def test_a_call_that_ended_leaves_nothing_behind(relay: Relay) -> None:
    customer, _ = relay.settled_call()
    customer.say(bytes(160))
    relay.sockets.lanes.wait(PATIENCE_S)
    relay.engine.close(0, relay.now)
    relay.engine.outbox.clear()
    relay.sockets.close(0)
    relay.sockets.take(relay.sockets.lanes.serve(relay.now), relay.now)
    relay.settle()
    assert relay.sockets.received == 6
    assert not len(relay.sockets.lanes)


def test_calls_are_settled_a_few_at_a_time_and_each_in_every_round(relay: Relay) -> None:
    calls = [relay.call() for _ in range(2 * SETTLED_AT_ONCE + 3)]
    for _ in range(3):
        for customer, agent in calls:
            relay.passes(customer, agent, bytes(160))
            relay.passes(agent, customer, bytes(160))
    laid, pieces = [0], -(-2 * len(calls) // SETTLED_AT_ONCE)
    for _ in range(pieces):
        relay.now = relay.sockets.settle_at
        relay.sockets.settle(relay.now)
        laid.append(sum(sum(relay.lanes(*phones)) for phones in calls))
    assert laid[-1] == 2 * len(calls), "each twice: connected, then trusted"
    assert max(after - before for before, after in pairwise(laid)) == 2 * SETTLED_AT_ONCE
    assert relay.now <= 3 * SETTLE_EVERY_S
