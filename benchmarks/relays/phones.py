"""The phones of many calls in one process: each sends a packet every 20 ms, and some note how late the other's arrive. It refuses to be
the slower part: packets are made before the clock starts, the kernel tells when they arrive (SO_TIMESTAMPNS, socket(7)), so that it does
not count how late they are read, and what is heard is judged after the clock stopped."""

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import numpy as np
from benchmarks.relays.contender import HOST, Keys
from pylibsrtp import Policy, Session

from tonevault.cde.edge.relay.srtp import PROFILES
from tonevault.cde.media import Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.wire.rtp import HEADER, HEADER_OCTETS, is_rtcp

PACKET_S = 0.02
FRAME = 160
LONGEST_WAIT_S = 0.0005
STAMP = struct.Struct("!d")
HEARD_AT_ONCE = 32
"""Then it is looked who is to speak: phones that listen too long would speak in bursts."""
SO_TIMESTAMPNS = 35
"""asm-generic/socket.h; Python's socket module does not name it."""
TIMESPEC = struct.Struct("@qq")
TIMED = 8
"""Of so many calls one has stamped packets: each stamp and each look at the kernel's time keeps the phones from speaking in time."""
SOUND_SAMPLE = 3
"""Packets of each phone that are opened after the clock stopped, on secured legs."""


@dataclass(frozen=True, slots=True)
class Measured:
    """By all phones: packets sent and received, delays in seconds of those with a stamp, and of a sample how many were what was said."""

    sent: int
    received: int
    delays: list[float]
    sampled: int
    sound: int

    @property
    def lost(self) -> float:
        """The share of packets that was not received."""
        return 1 - self.received / self.sent if self.sent else 1.0

    def delay_ms(self, percent: float) -> float:
        """A percentile."""
        return float(np.percentile(self.delays, percent)) * 1000 if self.delays else float("nan")


class Results(Protocol):
    """Where a generator leaves what it measured: a queue between processes."""

    def put(self, item: Measured, /) -> None:
        """Once."""


@dataclass(slots=True)
class Phone:
    """One end of a call. Payloads go round; a stamped one has the time of sending, of CLOCK_REALTIME, in its first octets."""

    end: socket.socket
    number: int
    payloads: Sequence[bytes]
    stamped: bool
    lock: Session | None = None
    opener: Session | None = None
    target: tuple[str, int] = (HOST, 0)
    made: list[bytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it receives."""
        return int(self.end.getsockname()[1])

    def packet(self, turn: int) -> bytes:
        """What it sends in its `turn`, without stamp."""
        header = HEADER.pack(0x80, 0, turn & 0xFFFF, turn * FRAME & 0xFFFFFFFF, self.number)
        plain = header + self.payloads[(turn + 37 * self.number) % len(self.payloads)]
        return plain if self.lock is None else self.lock.protect(plain)


def phone(number: int, payloads: Sequence[bytes], *, stamped: bool) -> Phone:
    """A phone at a port of the kernel's choice. Where packets are `stamped`, those of every TIMED-th call are."""
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind((HOST, 0))
    end.setblocking(False)
    stamped = stamped and number // 2 % TIMED == 0
    if stamped:
        end.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    return Phone(end, number, payloads, stamped)


def secured(customer: Phone, agent: Phone, suite: SrtpSuite, chance: Random) -> Keys:
    """Give two phones keys, and tell what the relay must know of them."""
    sides = []
    for one in (customer, agent):
        ours, theirs = chance.randbytes(suite.key_octets), chance.randbytes(suite.key_octets)
        one.lock = Session(Policy(ours, Policy.SSRC_ANY_OUTBOUND, 0, PROFILES[suite]))
        one.opener = Session(Policy(theirs, Policy.SSRC_ANY_INBOUND, 0, PROFILES[suite]))
        sides.append(Srtp(suite, sends=MediaKey(bytearray(theirs)), receives=MediaKey(bytearray(ours))))
    return Keys(*sides)


def generate(phones: list[Phone], core: int, warm_up: float, seconds: float, results: Results) -> None:
    """Send from each phone in its turn, evenly spread, and receive all the while. Delays count after the warm-up. To be run in a process of
    its own."""
    os.sched_setaffinity(0, {core})
    poller, by_number = select.epoll(), {}
    for one in phones:
        one.made = [one.packet(turn) for turn in range(int((warm_up + seconds) / PACKET_S) + 2)]
        poller.register(one.end.fileno(), select.EPOLLIN)
        by_number[one.end.fileno()] = one
    sent = received = 0
    delays: list[float] = []
    start, counts_from = time.monotonic(), time.time() + warm_up
    while (now := time.monotonic()) < start + warm_up + seconds:
        due = int((now - start) / PACKET_S * len(phones))
        while sent < due:
            one, turn = phones[sent % len(phones)], sent // len(phones)
            datagram = one.made[turn]
            if one.stamped:
                stamp = STAMP.pack(time.time())
                datagram = datagram[:HEADER_OCTETS] + stamp + datagram[HEADER_OCTETS + STAMP.size :]
            with contextlib.suppress(OSError):
                one.end.sendto(datagram, one.target)
            sent += 1
        for number, _ in poller.poll(LONGEST_WAIT_S, HEARD_AT_ONCE):
            one = by_number[number]
            with contextlib.suppress(OSError):
                datagram, arrived = _read(one)
                if is_rtcp(datagram):
                    continue
                received += 1
                if arrived is not None:
                    said = STAMP.unpack_from(datagram, HEADER_OCTETS)[0]
                    if said >= counts_from:
                        delays.append(arrived - said)
                elif len(one.heard) < SOUND_SAMPLE:
                    one.heard.append(datagram)
    sampled, sound = _judged(phones)
    results.put(Measured(sent, received, delays, sampled, sound))


def _read(one: Phone) -> tuple[bytes, float | None]:
    """A datagram and, of a stamped one, when the kernel had it, in seconds of CLOCK_REALTIME."""
    if not one.stamped:
        return one.end.recv(2048), None
    datagram, ancillary, _, _ = one.end.recvmsg(2048, socket.CMSG_SPACE(TIMESPEC.size))
    seconds, nanoseconds = TIMESPEC.unpack(ancillary[0][2])
    return datagram, seconds + nanoseconds * 1e-9


def _judged(phones: list[Phone]) -> tuple[int, int]:
    """How many packets of the sample were taken, and how many opened to something that was said."""
    sampled = sound = 0
    for one in phones:
        said = set(one.payloads)
        for datagram in one.heard:
            plain = datagram if one.opener is None else one.opener.unprotect(datagram)
            sampled += 1
            sound += plain[HEADER_OCTETS:] in said
    return sampled, sound
