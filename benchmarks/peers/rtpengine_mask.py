"""rtpengine as a mask under measurement: lines played through calls of it in real time, and what its far end heard, sample for sample."""

import asyncio
import select
import socket
import time
from typing import Final

import numpy as np
from benchmarks.peers.detector import PeerMissingError, Samples
from benchmarks.relays.contender import HOST
from benchmarks.relays.rtpengine import Rtpengine, RtpengineError

from tonevault.cde.wire.g711 import Law, decode, encode

FRAME: Final = 160
PILOT: Final = np.random.default_rng(1).normal(0, 3000, 480).astype(np.int16)
"""60 ms of noise before each line, by which what was heard is aligned with what was said: no mask takes it for a key."""
QUIET: Final = np.zeros(1600, np.int16)
"""200 ms after the pilot, so that it is no part of what is judged."""
TAIL: Final = np.zeros(3200, np.int16)
"""400 ms after each line: more than any delay, and the pause between two."""
HEADER: Final = 12


class RtpengineMask:
    """Some calls of one daemon, customer to agent, each a customer's and an agent's socket. Raises PeerMissingError."""

    def __init__(self, calls: int) -> None:
        self._daemon = Rtpengine(detects=True, events=False)
        try:
            asyncio.run(self._daemon.start())
        except RtpengineError as fault:
            raise PeerMissingError(str(fault)) from None
        self._customers = [_phone() for _ in range(calls)]
        self._agents = [_phone() for _ in range(calls)]
        for customer, agent in zip(self._customers, self._agents, strict=True):
            ports = asyncio.run(self._daemon.open(customer.getsockname()[1], agent.getsockname()[1], None))
            customer.connect((HOST, ports[0]))
            agent.connect((HOST, ports[1]))
        asyncio.run(self._daemon.mask())
        self._sent = 0

    def stop(self) -> None:
        """End the daemon."""
        for phone in self._customers + self._agents:
            phone.close()
        asyncio.run(self._daemon.stop())

    def play(self, lines: list[Samples]) -> list[Samples]:
        """What the agents hear of one line each, as long as that and with the delay taken off. The lines are at most as many as the calls
        and equally long."""
        padded = [np.concatenate([PILOT, QUIET, line, TAIL]) for line in lines]
        frames = -(-len(padded[0]) // FRAME)
        octets = [encode(Law.ULAW, line) for line in padded]
        heard: list[dict[int, bytes]] = [{} for _ in lines]
        begun = time.monotonic()
        for frame in range(frames):
            for number in range(len(lines)):
                payload = octets[number][frame * FRAME : (frame + 1) * FRAME]
                self._customers[number].send(self._packet(number, payload))
                self._agents[number].send(self._packet(number + 1000, b"\xff" * FRAME))
            self._sent += 1
            self._receive(heard, begun + 0.02 * (frame + 1))
        self._receive(heard, time.monotonic() + 0.2)
        return [_aligned(packets, line) for packets, line in zip(heard, lines, strict=True)]

    def _packet(self, source: int, payload: bytes) -> bytes:
        header = bytes((0x80, 0)) + (self._sent & 0xFFFF).to_bytes(2, "big")
        return header + (self._sent * FRAME).to_bytes(4, "big") + source.to_bytes(4, "big") + payload

    def _receive(self, heard: list[dict[int, bytes]], until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            for phone in select.select(self._agents[: len(heard)], [], [], left)[0]:
                packet = phone.recv(2048)
                heard[self._agents.index(phone)][int.from_bytes(packet[4:8], "big")] = packet[HEADER:]


def _phone() -> socket.socket:
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.bind((HOST, 0))
    return phone


def _aligned(packets: dict[int, bytes], line: Samples) -> Samples:
    first = min(packets)
    output = np.zeros(max(packets) - first + 8 * FRAME + len(line) + len(QUIET), np.int16)
    for stamp, payload in packets.items():
        output[stamp - first : stamp - first + len(payload)] = decode(Law.ULAW, payload)
    searched = output[: len(PILOT) + 8 * FRAME].astype(np.float64)
    begin = int(np.correlate(searched, PILOT.astype(np.float64), "valid").argmax()) + len(PILOT) + len(QUIET)
    return output[begin : begin + len(line)]
