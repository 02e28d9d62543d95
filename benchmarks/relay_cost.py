"""What a relay worker costs: CPU per 100 calls of bidirectional G.711 over loopback, plain and in capture, with delay and loss.

    .venv/bin/python benchmarks/relay_cost.py [--calls 100 300] [--capturing 0 20] [--seconds 5]

A generator process plays both phones of every call and stamps each packet with the time; the worker's CPU is what the kernel charged it.
"""

import argparse
import asyncio
import multiprocessing
import selectors
import socket
import struct
import time
from dataclasses import dataclass

import numpy as np
import psutil

from tonevault.cde.edge.relay.controller import RelayPlane, RelaySettings
from tonevault.cde.edge.relay.port_pool import MediaInterface
from tonevault.cde.media import Codec, KeyReport, Leg, LegMedia, MaskMode, MediaAddress
from tonevault.kernel.ids import CallId

PACKET_S = 0.02
WARM_UP_S = 1.0
STAMP = struct.Struct("!d")
VOICE = bytes(152)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Measured:
    """Of one run: packets sent and received by the generator, and the delays of those that carry a stamp, in seconds."""

    sent: int
    received: int
    delays: list[float]


class DeafSink:
    """Hears nothing of the relays."""

    def key_pressed(self, report: KeyReport) -> None:
        """No keys are pressed."""

    def mask_changed(self, call_id: CallId, mode: MaskMode) -> None:
        """No mask changes."""

    def media_lost(self, call_id: CallId) -> None:
        """A lost call shows as loss."""


def generate(
    phones: list[socket.socket], ports: list[int], seconds: float, results: "multiprocessing.Queue[Measured]"
) -> None:
    """Send a packet from each phone every 20 ms, evenly spread, and receive all the while."""
    selector = selectors.DefaultSelector()
    for phone in phones:
        phone.setblocking(False)
        selector.register(phone, selectors.EVENT_READ, phone.recv)
    targets = [("127.0.0.1", port) for port in ports]
    sent = received = 0
    delays: list[float] = []
    start = time.monotonic()
    while (now := time.monotonic()) < start + seconds:
        due = int((now - start) / PACKET_S * len(phones))
        while sent < due:
            number, turn = sent % len(phones), sent // len(phones)
            header = struct.pack("!BBHII", 0x80, 0, turn & 0xFFFF, turn * 160 & 0xFFFFFFFF, number)
            phones[number].sendto(header + STAMP.pack(time.monotonic()) + VOICE, targets[number])
            sent += 1
        for key, _ in selector.select(0.0005):
            datagram = key.data(2048)
            received += 1
            delays.append(time.monotonic() - STAMP.unpack_from(datagram, 12)[0])
    results.put(Measured(sent, received, delays))


async def measure(calls: int, capturing: int, seconds: float) -> str:
    """One row of the table."""
    plane = RelayPlane(RelaySettings(MediaInterface("127.0.0.1", 30000, 39999)))
    await plane.start(DeafSink())
    phones: list[socket.socket] = []
    ports: list[int] = []
    for number in range(calls):
        call_id = CallId(f"call_{LETTERS[number // 26 % 26]}{LETTERS[number % 26]}{LETTERS[number // 676]}")
        relay = plane.open(call_id)
        for leg in Leg:
            phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            phone.bind(("127.0.0.1", 0))
            phones.append(phone)
            ports.append(relay.of(leg).port)
            port = phone.getsockname()[1]
            plane.configure(
                call_id,
                leg,
                LegMedia(MediaAddress("127.0.0.1", port, port + 1), (Codec(0, "PCMU", 8000),), ()),
            )
        if number < capturing:
            plane.start_capture(call_id, MaskMode.TALK)
    worker = psutil.Process(plane.worker_pids[0])
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[Measured] = context.Queue()
    generator = context.Process(target=generate, args=(phones, ports, seconds + WARM_UP_S, results))
    generator.start()
    await asyncio.sleep(WARM_UP_S)
    before, began = worker.cpu_times(), time.monotonic()
    await asyncio.sleep(seconds - 0.2)
    after, ended = worker.cpu_times(), time.monotonic()
    measured = await asyncio.to_thread(results.get)
    generator.join()
    await plane.stop()
    for phone in phones:
        phone.close()
    busy = (after.user + after.system - before.user - before.system) / (ended - began)
    plain = sorted(delay for delay in measured.delays if 0 <= delay < 10)
    p50, p99 = np.percentile(plain, (50, 99)) if plain else (0.0, 0.0)
    lost = 1 - measured.received / measured.sent
    return (
        f"{calls:6d} {capturing:10d} {100 * busy:8.1f} % {100 * busy * 100 / calls:14.1f} % "
        f"{1000 * p50:8.2f} {1000 * p99:8.2f} {100 * lost:8.2f} %"
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--capturing", type=int, nargs="+", default=[0, 20])
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    print(" calls  capturing    CPU used  CPU / 100 calls   p50 ms   p99 ms     lost")
    for calls in options.calls:
        for capturing in options.capturing:
            print(asyncio.run(measure(calls, min(capturing, calls), options.seconds)), flush=True)


if __name__ == "__main__":
    main()
