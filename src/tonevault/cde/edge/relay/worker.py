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
from pathlib import Path
from typing import Final, Never, assert_never

from tonevault.cde.edge.relay.call_sockets import CallSockets
from tonevault.cde.edge.relay.control_channel import ControlChannel
from tonevault.cde.edge.relay.control_frames import (
    Kind,
    Load,
    closed_frame,
    held_frame,
    key_frame,
    kind_of,
    load_frame,
    mode_frame,
    plain_frame,
    read_configure,
    read_key,
    read_mode,
    read_record,
)
from tonevault.cde.edge.relay.engine import MediaEngine
from tonevault.cde.edge.relay.held_keys import Held
from tonevault.cde.edge.relay.masked_flow import MaskChanged, Pressed
from tonevault.cde.edge.relay.recording_feed import RecordingFeed
from tonevault.cde.media import MaskMode
from tonevault.cde.wire.tone.masking_line import MaskingLine
from tonevault.kernel.compiled import CompiledError
from tonevault.plumbing.process import harden_process, sleep_exactly

GATHERED: Final = 7
LOOKED_AT_GATHERED: Final = 20
"""So many datagrams are let gather for a turn where there are few calls: waking up costs as much as two of them do that lanes carry, and
more where Python looks at them, in captures and on secured legs."""
HURRY_S: Final = 0.00016
LOOKED_AT_HURRY_S: Final = 0.00055
"""So much less time is given than they take to come. It is little with few calls, and most of it with 300, whose delay would add up with
that of a busy core: there two or three gather."""
SHORTEST_GATHER_S: Final = 0.00003
"""A shorter sleep costs more than it saves; it is not worth it from some 370 calls on."""
LONGEST_GATHER_S: Final = 0.002
"""What gathering may cost in delay at most: a tenth of a packet's 20 ms. It is 0.5 ms with 100 calls, 0.07 ms with 300."""
PACE_EVERY_S: Final = 0.2
"""How often it is counted how many come."""
STATM: Final = Path("/proc/self/statm")
LOAD_EVERY_S: Final = 5.0
"""How often a worker tells its load."""


class RelayWorker:
    """The loop. Everything it decides is the engine's; it only reads, sends and tells."""

    def __init__(self, channel: ControlChannel) -> None:
        self._channel = channel
        self._engine = MediaEngine(secrets.randbelow)
        self._feed = RecordingFeed()
        self._records = False
        """Whether there is a recorder."""
        self._poller = select.epoll()
        self._poller.register(channel.fileno(), select.EPOLLIN)
        self._sockets = CallSockets(self._engine, self._poller, time.monotonic(), channel.fileno())
        self._awaits_room = False
        """Whether the controller has frames to read before more can be sent."""
        self._load_at = time.monotonic() + LOAD_EVERY_S
        self._received_before = self._carried_before = 0
        self._paced_at = time.monotonic()
        self._busy_before = time.process_time()

    def run(self) -> None:
        """Serve until the controller closes the control socket."""
        try:
            self._channel.send(plain_frame(Kind.READY))
            self._turn_for_ever()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return

    def _turn_for_ever(self) -> Never:
        """Plain calls pass in the lanes' own loop, which comes back when there is something to look at."""
        engine, sockets, lanes, tick_at = self._engine, self._sockets, self._sockets.lanes, 0.0
        while True:
            left = lanes.run(tick_at)
            self._feed.now = now = lanes.now
            obeys, is_due = bool(lanes.asked), now >= tick_at
            if obeys:
                self._obey(lanes.asked, now)
            sockets.take(left, now)
            if is_due:
                self._tick(now)
                lanes.hurry()
            if is_due or obeys or self._records or engine.captures:
                self._tell()
                self._feed.flush()
            if is_due or obeys:
                due = min(engine.next_tick(now), sockets.settle_at)
                tick_at = due if is_due else min(tick_at, due)

    def _tick(self, now: float) -> None:
        """What time alone asks for."""
        self._engine.tick(now)
        self._sockets.send()
        self._tell_load(now)
        if now >= self._sockets.settle_at:
            self._pace(now)
            self._sockets.settle(now)

    def _pace(self, now: float) -> None:
        """How long datagrams gather from here on, by how many came of late."""
        if now - self._paced_at < PACE_EVERY_S:
            return
        lanes, received = self._sockets.lanes, self._sockets.received
        came, carried = received - self._received_before, lanes.sent - self._carried_before
        lanes.gather(gathering_s(came, carried, now - self._paced_at))
        self._received_before, self._carried_before, self._paced_at = received, lanes.sent, now

    def _tell(self) -> None:
        """Pass on what captures told."""
        for told in self._engine.take_reports():
            match told.report:
                case Pressed(key, carrier, onset):
                    self._channel.send(key_frame(Kind.PRESSED, told.call, key, carrier, onset))
                case Held(carrier, until):
                    self._channel.send(held_frame(told.call, carrier, until))
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
            self._engine.calls,
            permille,
            resident_memory(),
            self._sockets.received,
            self._sockets.sent,
            self._sockets.failures,
            self._feed.missed,
        )
        self._channel.send(load_frame(load))

    def _obey(self, mask: int, now: float) -> None:
        if mask & select.EPOLLOUT:
            self._channel.flush()
        for frame, sockets in self._channel.receive():
            kind, call = kind_of(frame)
            if kind is Kind.OPEN:
                self._sockets.open(call, sockets, now)
            elif kind is Kind.RECORD_TO:
                self._feed.connect(*sockets)
                self._records = True
            elif call in self._sockets.calls:
                self._obey_call(kind, call, frame, now)

    def _obey_call(self, kind: Kind, call: int, frame: memoryview, now: float) -> None:
        engine = self._engine
        match kind:
            case Kind.CONFIGURE:
                engine.configure(call, *read_configure(frame))
                self._sockets.open_up(call, now)
            case Kind.START:
                engine.start_capture(call, read_mode(frame), now)
            case Kind.SET_MASK:
                engine.set_mask(call, read_mode(frame))
            case Kind.STOP:
                engine.stop_capture(call, now)
            case Kind.BEEP:
                engine.beep(call, read_key(frame)[0])
            case Kind.RECORD:
                self._feed.begin(call, read_record(frame))
                engine.record(call, self._feed)
            case Kind.CLOSE:
                self._close(call, now)
            case _:
                pass

    def _close(self, call: int, now: float) -> None:
        self._tell()
        counters = self._engine.close(call, now)
        self._feed.end(call)
        self._sockets.send()
        self._sockets.close(call)
        self._channel.send(closed_frame(call, counters))
        if not self._sockets.calls:
            gc.collect()


def gathering_s(received: int, carried: int, elapsed_s: float) -> float:
    """How long the worker sleeps between two turns, where so many datagrams came in so much time, and lanes carried so many of them."""
    looked_at = 1 - carried / received if received else 1.0
    gathered = GATHERED + looked_at * (LOOKED_AT_GATHERED - GATHERED)
    hurry_s = HURRY_S + looked_at * (LOOKED_AT_HURRY_S - HURRY_S)
    wanted = gathered * elapsed_s / max(received, 1) - hurry_s
    return min(wanted, LONGEST_GATHER_S) if wanted >= SHORTEST_GATHER_S else 0.0


def resident_memory() -> int:
    """Octets of this process's memory, by proc(5)."""
    return int(STATM.read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def main() -> None:
    """`python -m tonevault.cde.edge.relay.worker N`: N is the inherited file descriptor of the control socket."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    harden_process()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        MaskingLine(MaskMode.TALK)
        worker = RelayWorker(ControlChannel(socket.socket(fileno=int(sys.argv[1]))))
    except CompiledError as error:
        sys.exit(f"tonevault relay worker: {error}")
    sleep_exactly()
    # A full collection is 17 ms of silence to 300 calls, and finds nothing: a call that ends leaves no cycle (`CallMedia.wipe`).
    gc.freeze()
    gc.disable()
    worker.run()


if __name__ == "__main__":
    main()
