"""What SRTP costs a relay worker: CPU per 100 calls of bidirectional G.711 over loopback, plain beside SRTP on both legs, in one run.

    .venv/bin/python benchmarks/srtp_cost.py [--calls 100] [--seconds 5] [--suites AES_CM_128_HMAC_SHA1_80 AEAD_AES_256_GCM]

A generator process plays both phones of every call; what it sends is locked before the clock starts, and what it hears is opened after it
stopped, so that the worker's CPU, which the kernel charged it, is all there is to compare. The run is over in less than a minute.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import selectors
import socket
import time
from dataclasses import dataclass, replace
from random import Random

import psutil
from pylibsrtp import Policy, Session

from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings
from tonevault.cde.edge.relay.port_pool import MediaInterface
from tonevault.cde.edge.relay.srtp import PROFILES
from tonevault.cde.media import Codec, KeyReport, Leg, LegMedia, MaskMode, MediaAddress, Srtp, SrtpSuite
from tonevault.cde.sealed.media_key import MediaKey
from tonevault.cde.wire.rtp import RtpPacket, build_rtp, is_rtcp
from tonevault.kernel.ids import CallId

PACKET_S = 0.02
WARM_UP_S = 1.0
VOICE = bytes(range(160))
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class DeafSink:
    """Hears nothing of the relays."""

    def key_pressed(self, report: KeyReport) -> None:
        """No keys are pressed."""

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        """No mask changes."""

    def media_lost(self, call_id: CallId) -> None:
        """A lost call shows as loss."""


@dataclass(frozen=True)
class Phone:
    """One far end: its socket, the relay's port, the packets it will send, and the key that opens what it hears."""

    socket: socket.socket
    target: tuple[str, int]
    packets: list[bytes]
    opener: Session | None


@dataclass(frozen=True)
class Measured:
    """Packets sent and received by all phones, and how many of a sample opened to the voice that was said."""

    sent: int
    received: int
    sampled: int
    sound: int


def session(suite: SrtpSuite, key: bytes, direction: int) -> Session:
    """One way of a phone's SRTP."""
    return Session(Policy(key, direction, 0, PROFILES[suite]))


def make_phone(
    number: int, suite: SrtpSuite | None, port: int, count: int, chance: Random
) -> tuple[Phone, LegMedia]:
    """A phone with all it is going to say, and what the relay is told of it."""
    end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    end.bind(("127.0.0.1", 0))
    end.setblocking(False)
    own = end.getsockname()[1]
    media = LegMedia(MediaAddress("127.0.0.1", own, own + 1), (Codec(0, "PCMU", 8000),), ())
    packets = [build_rtp(RtpPacket(0, turn & 0xFFFF, turn * 160, number, VOICE)) for turn in range(count)]
    if suite is None:
        return Phone(end, ("127.0.0.1", port), packets, None), media
    ours, theirs = chance.randbytes(suite.key_octets), chance.randbytes(suite.key_octets)
    locker = session(suite, ours, Policy.SSRC_ANY_OUTBOUND)
    security = Srtp(suite, sends=MediaKey(bytearray(theirs)), receives=MediaKey(bytearray(ours)))
    opener = session(suite, theirs, Policy.SSRC_ANY_INBOUND)
    locked = [locker.protect(packet) for packet in packets]
    return Phone(end, ("127.0.0.1", port), locked, opener), replace(media, security=security)


def generate(phones: list[Phone], seconds: float, results: "multiprocessing.Queue[Measured]") -> None:
    """Send a packet from each phone every 20 ms, evenly spread, and receive all the while."""
    selector = selectors.DefaultSelector()
    heard: dict[int, list[bytes]] = {}
    for phone in phones:
        heard[phone.socket.fileno()] = []
        selector.register(phone.socket, selectors.EVENT_READ)
    sent = received = 0
    start = time.monotonic()
    while (now := time.monotonic()) < start + seconds:
        due = int((now - start) / PACKET_S * len(phones))
        while sent < due:
            phone, turn = phones[sent % len(phones)], sent // len(phones)
            phone.socket.sendto(phone.packets[turn], phone.target)
            sent += 1
        for key, _ in selector.select(0.0005):
            with contextlib.suppress(BlockingIOError):
                datagram = key.fileobj.recv(2048)  # type: ignore[union-attr]
                if is_rtcp(datagram):
                    continue
                received += 1
                if len(kept := heard[key.fd]) < 5:
                    kept.append(datagram)
    sampled = [(phone, one) for phone in phones for one in heard[phone.socket.fileno()]]
    opened = [phone.opener.unprotect(one) if phone.opener else one for phone, one in sampled]
    results.put(Measured(sent, received, len(opened), sum(one[12:] == VOICE for one in opened)))


async def measure(calls: int, suite: SrtpSuite | None, seconds: float) -> tuple[float, str]:
    """The CPU of 100 calls in percent of a core, and a row of the table."""
    plane = RelayPlane(RelaySettings(MediaInterface("127.0.0.1", 30000, 39999)))
    await plane.start(DeafSink())
    chance, phones = Random(1), []
    count = int((seconds + WARM_UP_S) / PACKET_S) + 2
    for number in range(calls):
        call_id = CallId(f"call_{LETTERS[number // 26 % 26]}{LETTERS[number % 26]}{LETTERS[number // 676]}")
        relay = plane.open(call_id)
        for leg in Leg:
            phone, media = make_phone(number, suite, relay.of(leg).port, count, chance)
            phones.append(phone)
            plane.configure(call_id, leg, media)
    worker = psutil.Process(plane.worker_pids[0])
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[Measured] = context.Queue()
    generator = context.Process(target=generate, args=(phones, seconds + WARM_UP_S, results))
    generator.start()
    await asyncio.sleep(WARM_UP_S)
    before, began = worker.cpu_times(), time.monotonic()
    await asyncio.sleep(seconds - 0.2)
    after, ended = worker.cpu_times(), time.monotonic()
    measured = await asyncio.to_thread(results.get)
    generator.join()
    memory = worker.memory_info().rss / calls / 1024
    await plane.stop()
    for phone in phones:
        phone.socket.close()
    busy = 100 * (after.user + after.system - before.user - before.system) / (ended - began)
    lost = 1 - measured.received / measured.sent
    name = suite.value if suite else "plain RTP"
    row = (
        f"{name:26s} {calls:5d} {busy:8.1f} % {100 * busy / calls:12.1f} % {100 * lost:7.2f} % "
        f"{measured.sound:7d} of {measured.sampled:d} {memory:9.0f} kB"
    )
    return 100 * busy / calls, row


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--suites", type=SrtpSuite, nargs="+", default=[SrtpSuite.CM_SHA1_80, SrtpSuite.GCM_256]
    )
    options = parser.parse_args()
    print(
        "both legs                  calls   CPU used  CPU/100 calls     lost   opened sound   RSS a call",
        flush=True,
    )
    plain, row = asyncio.run(measure(options.calls, None, options.seconds))
    print(row, flush=True)
    for suite in options.suites:
        cost, row = asyncio.run(measure(options.calls, suite, options.seconds))
        print(f"{row}   {cost / plain:.2f} times plain", flush=True)


if __name__ == "__main__":
    main()
