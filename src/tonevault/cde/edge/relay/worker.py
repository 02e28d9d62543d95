"""A relay worker process: epoll on its calls' sockets, the media engine between. It refuses any file, network or secret but what the
controller hands it over its control socket."""

import gc
import resource
import secrets
import select
import signal
import socket
import sys
import time
from typing import Final, Never, assert_never

from tonevault.cde.edge.relay.call_media import LegSockets
from tonevault.cde.edge.relay.control_channel import ControlChannel
from tonevault.cde.edge.relay.control_frames import (
    Kind,
    Load,
    closed_frame,
    key_frame,
    kind_of,
    load_frame,
    mode_frame,
    plain_frame,
    read_configure,
    read_key,
    read_mode,
)
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.masked_flow import MaskChanged, Pressed
from tonevault.plumbing.process import harden_process

LARGEST_DATAGRAM: Final = 2048
"""RTP of a call stays below an Ethernet frame (1,500 octets); what is longer is cut off: it is no telephone audio."""
EVENTS_A_TURN: Final = 256
"""Sockets served before the clock is looked at again: some 3 ms of work."""
GATHER_S: Final = 0.001
"""Between turns datagrams gather for a millisecond, so that a turn serves several: measured with 300 calls, a third less CPU. Packets that
come every 20 ms lose nothing by it."""
LONGEST_WAIT_S: Final = 1.0
"""An idle worker looks at the clock this often."""
LOAD_EVERY_S: Final = 5.0
"""How often a worker tells its load."""


class RelayWorker:
    """The loop. Everything it decides is the engine's; it only reads, sends and tells."""

    def __init__(self, channel: ControlChannel) -> None:
        self._channel = channel
        self._engine = MediaEngine(secrets.randbelow)
        self._sockets: dict[int, socket.socket] = {}
        """By file descriptor, which is also the engine's socket id."""
        self._calls: dict[int, tuple[int, ...]] = {}
        self._poller = select.epoll()
        self._poller.register(channel.fileno(), select.EPOLLIN)
        self._awaits_room = False
        """Whether the controller has frames to read before more can be sent."""
        self._datagrams_in = 0
        self._datagrams_out = 0
        self._send_failures = 0
        self._load_at = time.monotonic() + LOAD_EVERY_S
        self._busy_before = time.process_time()

    def run(self) -> None:
        """Serve until the controller closes the control socket."""
        try:
            self._channel.send(plain_frame(Kind.READY))
            self._turn_for_ever()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return

    def _turn_for_ever(self) -> Never:
        tick_at = 0.0
        while True:
            wait_s = max(0.0, min(tick_at - time.monotonic(), LONGEST_WAIT_S))
            time.sleep(GATHER_S)
            ready = self._poller.poll(wait_s, EVENTS_A_TURN)
            now = time.monotonic()
            self._serve(ready, now)
            if now >= tick_at:
                self._engine.tick(now)
                self._send()
                self._tell_load(now)
            self._tell()
            tick_at = (
                min(tick_at, self._engine.next_tick(now)) if tick_at > now else self._engine.next_tick(now)
            )

    def _serve(self, ready: list[tuple[int, int]], now: float) -> None:
        control = self._channel.fileno()
        for descriptor, mask in ready:
            if descriptor == control:
                # Before any datagram: a capture that was asked for holds for all that is read from now on.
                self._obey(mask, now)
        receive, sockets = self._engine.receive, self._sockets
        for descriptor, _ in ready:
            one = sockets.get(descriptor)
            if one is None:
                continue
            try:
                datagram, source = one.recvfrom(LARGEST_DATAGRAM)
            except OSError:
                continue
            self._datagrams_in += 1
            receive(descriptor, datagram, source[:2] if len(source) > 2 else source, now)
        self._send()

    def _send(self) -> None:
        outbox, sockets = self._engine.outbox, self._sockets
        for descriptor, datagram, target in outbox:
            try:
                sockets[descriptor].sendto(datagram, target)
            except OSError:
                self._send_failures += 1
        self._datagrams_out += len(outbox)
        outbox.clear()

    def _tell(self) -> None:
        """Pass on what captures told."""
        for told in self._engine.take_reports():
            match told.report:
                case Pressed(key, carrier, onset):
                    self._channel.send(key_frame(Kind.PRESSED, told.call, key, carrier, onset))
                case MaskChanged(mode):
                    self._channel.send(mode_frame(Kind.MASK_CHANGED, told.call, mode))
                case _:
                    assert_never(told.report)
        if self._channel.is_pending != self._awaits_room:
            self._awaits_room = self._channel.is_pending
            wanted = select.EPOLLIN | (select.EPOLLOUT if self._awaits_room else 0)
            self._poller.modify(self._channel.fileno(), wanted)

    def _tell_load(self, now: float) -> None:
        if now < self._load_at:
            return
        busy = time.process_time()
        permille = int(1000 * (busy - self._busy_before) / (now - self._load_at + LOAD_EVERY_S))
        self._busy_before, self._load_at = busy, now + LOAD_EVERY_S
        load = Load(
            self._engine.calls, permille, self._datagrams_in, self._datagrams_out, self._send_failures
        )
        self._channel.send(load_frame(load))

    def _obey(self, mask: int, now: float) -> None:
        if mask & select.EPOLLOUT:
            self._channel.flush()
        for frame, sockets in self._channel.receive():
            kind, call = kind_of(frame)
            if kind is Kind.OPEN:
                self._open(call, sockets, now)
            elif call in self._calls:
                self._obey_call(kind, call, frame, now)

    def _obey_call(self, kind: Kind, call: int, frame: memoryview, now: float) -> None:
        engine = self._engine
        match kind:
            case Kind.CONFIGURE:
                engine.configure(call, *read_configure(frame))
            case Kind.START:
                engine.start_capture(call, read_mode(frame), now)
            case Kind.SET_MASK:
                engine.set_mask(call, read_mode(frame))
            case Kind.STOP:
                engine.stop_capture(call, now)
            case Kind.BEEP:
                engine.beep(call, read_key(frame)[0])
            case Kind.CLOSE:
                self._close(call, now)
            case _:
                pass

    def _open(self, call: int, sockets: list[socket.socket], now: float) -> None:
        numbers = tuple(one.fileno() for one in sockets)
        customer_rtp, customer_rtcp, agent_rtp, agent_rtcp = numbers
        for one in sockets:
            one.setblocking(False)
            self._sockets[one.fileno()] = one
            self._poller.register(one.fileno(), select.EPOLLIN)
        self._calls[call] = numbers
        self._engine.open(
            call, LegSockets(customer_rtp, customer_rtcp), LegSockets(agent_rtp, agent_rtcp), now
        )

    def _close(self, call: int, now: float) -> None:
        self._tell()
        counters = self._engine.close(call, now)
        self._send()
        for number in self._calls.pop(call):
            self._poller.unregister(number)
            self._sockets.pop(number).close()
        self._channel.send(closed_frame(call, counters))


def main() -> None:
    """`python -m tonevault.cde.edge.relay.worker N`: N is the inherited file descriptor of the control socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    harden_process()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    worker = RelayWorker(ControlChannel(socket.socket(fileno=int(sys.argv[1]))))
    gc.freeze()
    worker.run()


if __name__ == "__main__":
    main()
