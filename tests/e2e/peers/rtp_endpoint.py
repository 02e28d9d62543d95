"""An RTP party without SIP: the sound of a sipp call. It hears everything, speaks, and presses keys in exact ways.

Where baresip's telephone-events come in one fixed shape, these can be short, long, doubled by their tone, or lossy.
"""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from tests.e2e.peers import g711
from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.keypad import EVENT_CODES
from tests.e2e.peers.ports import LOOPBACK
from tests.e2e.peers.rtp import RtpPacket, event_payload, parse_rtp
from tests.e2e.peers.wav import Sound, key_tone, silence

PACKET_S = 0.02
_PACKET_SAMPLES = 160

# RFC 4733 section 2.5.1.4: the final packet of an event is sent three times in all.
_END_PACKETS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """What is sent in one tick of 20 ms: audio or a telephone-event, or nothing."""

    audio: g711.Pcm | None = None
    key: str = ""
    start_tick: int = 0
    ticks: int = 0
    ends: int = 0


def audio_steps(sound: Sound) -> list[Step]:
    """A sound as steps; the last one is filled up with silence."""
    samples = sound.samples
    return [
        Step(audio=np.pad(part, (0, _PACKET_SAMPLES - len(part))))
        for part in (samples[at : at + _PACKET_SAMPLES] for at in range(0, len(samples), _PACKET_SAMPLES))
    ]


def key_steps(key: str, press_s: float = 0.1, gap_s: float = 0.06, *, with_tone: bool = False) -> list[Step]:
    """One press as telephone-events; with `with_tone` its audible tone goes along in the audio, as some gateways do."""
    ticks = max(1, round(press_s / PACKET_S))
    tone = audio_steps(key_tone(key, ticks * PACKET_S)) if with_tone else [Step()] * ticks
    down = [
        Step(
            audio=tone[tick].audio,
            key=key,
            start_tick=tick,
            ticks=tick + 1,
            ends=_END_PACKETS if tick + 1 == ticks else 0,
        )
        for tick in range(ticks)
    ]
    return down + audio_steps(silence(gap_s))


class RtpEndpoint:
    """A UDP socket that records RTP from the start and sends steps every 20 ms once it is told where to."""

    def __init__(
        self, port: int, payload_type: int = g711.PCMU, event_type: int = 101, seed: int = 1
    ) -> None:
        self._payload_type, self._event_type = payload_type, event_type
        numbers = random.Random(seed)
        self._source = numbers.getrandbits(32)
        self._sequence = numbers.getrandbits(16)
        self._timestamp = numbers.getrandbits(31)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, port))
        self._changed = threading.Condition()
        self._received: list[RtpPacket] = []
        self._steps: list[Step] = []
        self._remote: tuple[str, int] | None = None
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._speak)]
        self.lost: Callable[[int], bool] = lambda _sequence: False

    def start(self, remote_port: int) -> Self:
        """Begins to listen, and to send silence to a port."""
        self._remote = (LOOPBACK, remote_port)
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2.0)
        self._socket.close()

    def send(self, steps: list[Step], *, wait: bool = True) -> None:
        """Queues steps; with `wait` until they have all been sent."""
        with self._changed:
            self._steps += steps
            length_s = len(self._steps) * PACKET_S
            if wait and not self._changed.wait_for(lambda: not self._steps, length_s * 2 + 5):
                raise PeerError("the RTP endpoint has not sent what it was given")

    def say(self, sound: Sound, *, wait: bool = True) -> None:
        self.send(audio_steps(sound), wait=wait)

    def press(self, keys: str, press_s: float = 0.1, gap_s: float = 0.06, *, with_tone: bool = False) -> None:
        """Presses keys as telephone-events, one after the other, and waits until they are sent."""
        self.send([step for key in keys for step in key_steps(key, press_s, gap_s, with_tone=with_tone)])

    def received(self) -> list[RtpPacket]:
        """Every RTP packet that has come."""
        with self._changed:
            return list(self._received)

    def wait_received(self, count: int, timeout_s: float = 5.0) -> list[RtpPacket]:
        """The packets, once there are at least so many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._received) >= count, timeout_s):
                raise PeerError(f"the RTP endpoint has got {len(self._received)} packets, not {count}")
        return self.received()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram = self._socket.recv(2048)
            except OSError:
                return
            packet = parse_rtp(datagram, time.monotonic())
            if packet is not None:
                with self._changed:
                    self._received.append(packet)
                    self._changed.notify_all()

    def _speak(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += PACKET_S
            with self._changed:
                step = (
                    self._steps.pop(0)
                    if self._steps
                    else Step(audio=np.zeros(_PACKET_SAMPLES, dtype=np.int16))
                )
            self._send_step(step)
            self._timestamp = (self._timestamp + _PACKET_SAMPLES) % 0x1_0000_0000
            with self._changed:
                self._changed.notify_all()

    def _send_step(self, step: Step) -> None:
        if step.audio is not None:
            self._send(self._payload_type, self._timestamp, g711.encode(self._payload_type, step.audio))
        if step.key:
            start = (self._timestamp - step.start_tick * _PACKET_SAMPLES) % 0x1_0000_0000
            for repeat in range(max(1, step.ends)):
                payload = event_payload(
                    EVENT_CODES[step.key], end=step.ends > 0, duration=step.ticks * _PACKET_SAMPLES
                )
                self._send(self._event_type, start, payload, marker=step.start_tick == 0 and repeat == 0)

    def _send(self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool = False) -> None:
        packet = RtpPacket(0.0, payload_type, marker, self._sequence, timestamp, self._source, payload)
        if self._remote is not None and not self.lost(self._sequence):
            with contextlib.suppress(OSError):
                self._socket.sendto(packet.pack(), self._remote)
        self._sequence = (self._sequence + 1) % 0x1_0000
