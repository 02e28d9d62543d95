"""Every packet that crossed the loopback interface during a test: the proof of what did and did not reach a peer."""

import os
import secrets
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from tests.e2e.peers.failure import PeerError
from tests.e2e.peers.packet_capture import END_OF_STREAM, RECORD
from tests.e2e.peers.ports import LOOPBACK
from tests.e2e.peers.rtp import RtpPacket, parse_rtp

_ROOT = Path(__file__).resolve().parents[3]

_START_TIMEOUT_S = 10.0
_CATCH_UP_TIMEOUT_S = 10.0

_UDP, _TCP = 17, 6


@dataclass(frozen=True, slots=True)
class WirePacket:
    """One UDP datagram or TCP segment with a payload; ports say who sent it to whom, `at` is time.monotonic()."""

    at: float
    protocol: int
    source_port: int
    destination_port: int
    tcp_sequence: int
    payload: bytes

    def __repr__(self) -> str:
        """Without the payload, which may hold digits."""
        return f"WirePacket({self.source_port} -> {self.destination_port}, {len(self.payload)} bytes)"


def parse_ipv4(packet: bytes, at: float) -> WirePacket | None:
    """The UDP or TCP payload of an IPv4 packet; None for other protocols and for empty segments."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    header, total = (packet[0] & 0x0F) * 4, struct.unpack_from(">H", packet, 2)[0]
    protocol, segment = packet[9], packet[header : total or len(packet)]
    if protocol == _UDP and len(segment) > 8:
        source, destination = struct.unpack_from(">HH", segment)
        return WirePacket(at, protocol, source, destination, 0, segment[8:])
    if protocol == _TCP and len(segment) >= 20:
        source, destination, sequence = struct.unpack_from(">HHI", segment)
        payload = segment[(segment[12] >> 4) * 4 :]
        return WirePacket(at, protocol, source, destination, sequence, payload) if payload else None
    return None


class WireTap:
    """Captures from `start` to `stop`. Reading first waits until all that was sent before has been captured."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._changed = threading.Condition()
        self._packets: list[WirePacket] = []
        self._ready = False
        self._ended = False
        self._dropped = 0
        self._marker = b""
        self._reader = threading.Thread(target=self._read, name="wire-tap", daemon=True)

    def start(self) -> Self:
        """Begins to capture: needs root, CAP_NET_RAW or sudo without a password."""
        command = [sys.executable, "-m", "tests.e2e.peers.packet_capture"]
        if os.geteuid() != 0 and shutil.which("sudo"):
            command = ["sudo", "-n", *command]
        self._child = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._reader.start()
        if not self._wait(lambda: self._ready, _START_TIMEOUT_S):
            self.stop()
            raise PeerError("capturing on lo needs root, CAP_NET_RAW or sudo without a password")
        return self

    def stop(self) -> None:
        """Ends the capture; a packet that the kernel had to drop is a failure, because it may have been the leak."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.terminate()
        self._reader.join(_CATCH_UP_TIMEOUT_S)
        self._child.wait(_CATCH_UP_TIMEOUT_S)
        for pipe in (self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        self._child = None
        if self._dropped:
            raise PeerError(f"the kernel dropped {self._dropped} packets before they could be captured")

    # -- what crossed the wire -------------------------------------------------------------------------------

    def packets(
        self, *, to_ports: Collection[int] | None = None, from_ports: Collection[int] | None = None
    ) -> list[WirePacket]:
        """The packets so far, optionally only those to or from some ports."""
        self._catch_up()
        with self._changed:
            return [
                one
                for one in self._packets
                if (to_ports is None or one.destination_port in to_ports)
                and (from_ports is None or one.source_port in from_ports)
            ]

    def rtp(
        self, *, to_ports: Collection[int] | None = None, from_ports: Collection[int] | None = None
    ) -> list[RtpPacket]:
        """The RTP packets so far in the order of their capture: to an agent's phone, `to_ports=phone.rtp_ports`."""
        datagrams = self.packets(to_ports=to_ports, from_ports=from_ports)
        parsed = (parse_rtp(one.payload, one.at) for one in datagrams if one.protocol == _UDP)
        return [one for one in parsed if one is not None]

    def tcp_streams(
        self, *, to_ports: Collection[int] | None = None, from_ports: Collection[int] | None = None
    ) -> Iterator[bytes]:
        """The bytes of each TCP direction so far, retransmissions taken out: what a search must read as one."""
        streams: dict[tuple[int, int], list[WirePacket]] = {}
        for one in self.packets(to_ports=to_ports, from_ports=from_ports):
            if one.protocol == _TCP:
                streams.setdefault((one.source_port, one.destination_port), []).append(one)
        for segments in streams.values():
            yield _joined(segments)

    # -- inside ----------------------------------------------------------------------------------------------

    def _wait(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: ready() or self._ended, timeout_s) and ready()

    def _catch_up(self) -> None:
        """Sends a marker over loopback and waits until it was captured: everything before it was, too."""
        if self._child is None:
            return
        self._marker = secrets.token_bytes(24)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
            sink.bind((LOOPBACK, 0))
            sink.sendto(self._marker, sink.getsockname())
        if not self._wait(lambda: self._marker == b"", _CATCH_UP_TIMEOUT_S):
            raise PeerError("the packet capture has stopped")

    def _read(self) -> None:
        stream = self._child.stdout if self._child else None
        if stream is None:
            return
        while (record := _exactly(stream, RECORD.size)) is not None:
            at, length = RECORD.unpack(record)
            if length == END_OF_STREAM:
                self._dropped = int(at)
                break
            packet = _exactly(stream, length)
            if packet is None:
                break
            self._take(at, packet)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take(self, at: float, packet: bytes) -> None:
        parsed = parse_ipv4(packet, at)
        with self._changed:
            self._ready = True
            if parsed is not None and parsed.payload == self._marker:
                self._marker = b""
            elif parsed is not None:
                self._packets.append(parsed)
            self._changed.notify_all()


def _exactly(stream: IO[bytes], length: int) -> bytes | None:
    data = stream.read(length) if length else b""
    return data if len(data) == length else None


def _joined(segments: list[WirePacket]) -> bytes:
    """One direction of a connection by sequence numbers; the first segment seen starts it."""
    stream = bytearray()
    base = segments[0].tcp_sequence
    for one in segments:
        offset = (one.tcp_sequence - base) % 0x1_0000_0000
        if offset > len(stream):
            # A new connection on the same ports, or a gap: keep the bytes apart, so that no false run forms.
            stream += b"\n\n"
            base = (one.tcp_sequence - len(stream)) % 0x1_0000_0000
            offset = len(stream)
        stream[offset : offset + len(one.payload)] = one.payload
    return bytes(stream)
