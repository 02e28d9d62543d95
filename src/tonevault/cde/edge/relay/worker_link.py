"""One relay worker as the controller sees it: its process, its channel, its calls. It refuses to outlive either."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.relay.control_channel import ChannelFullError, ControlChannel
from tonevault.cde.edge.relay.control_frames import Load
from tonevault.kernel.ids import CallId

WORKER_MODULE: Final = "tonevault.cde.edge.relay.worker"
INHERITED_SETTINGS: Final = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")
"""A worker gets no other environment: the secure process's may hold keys and passwords."""
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""A worker owns one core: numerical libraries must not start a thread for each other core."""

FrameTaker = Callable[["WorkerLink", memoryview], None]


@dataclass(frozen=True, slots=True)
class RelayedCall:
    """A call as the controller keeps it: its number on the wire, and the ports to give back."""

    call_id: CallId
    number: int
    port_numbers: tuple[int, int]


class WorkerLink:
    """Starts the process; from then on sends what it is told and passes on what comes, until the channel ends."""

    def __init__(
        self,
        taker: FrameTaker,
        on_death: Callable[["WorkerLink"], None],
        *,
        module: str | None = None,
        arguments: tuple[str, ...] = (),
    ) -> None:
        """`module` is run as a process, with the number of its descriptor and `arguments`: a relay worker, unless told otherwise."""
        self._taker = taker
        self._on_death = on_death
        self._loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: os.environ[name] for name in INHERITED_SETTINGS if name in os.environ}
        command = (sys.executable, "-m", module or WORKER_MODULE, str(theirs.fileno()), *arguments)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, env=environment | ONE_THREAD
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._channel = ControlChannel(ours)
        self._closed = False
        self.is_dead = False
        """Whether it ended without being told to."""
        self._waits_for_room = False
        self.calls: dict[int, RelayedCall] = {}
        self.is_ready = asyncio.Event()
        """Set when the worker has told that it serves, and when it died."""
        self.load = Load(0, 0, 0, 0, 0, 0, 0)
        self.started_at = self.heard_at = self._loop.time()
        self._loop.add_reader(self._channel.fileno(), self._read)

    @property
    def is_over(self) -> bool:
        """Whether it ended, told to or not."""
        return self._closed

    @property
    def pid(self) -> int:
        """Of the worker's process."""
        return self._process.pid

    def send(self, frame: bytearray, sockets: tuple[socket.socket, ...] = ()) -> None:
        """Send a frame. A worker that is gone or reads no more is given up; its calls are then lost."""
        if self._closed:
            return
        try:
            self._channel.send(frame, sockets)
        except (ChannelFullError, BrokenPipeError, ConnectionResetError):
            self._loop.call_soon(self._die)
            return
        self._watch_room()

    def _watch_room(self) -> None:
        if self._channel.is_pending and not self._waits_for_room:
            self._waits_for_room = True
            self._loop.add_writer(self._channel.fileno(), self._flush)

    def _flush(self) -> None:
        try:
            self._channel.flush()
        except (BrokenPipeError, ConnectionResetError):
            self._die()
            return
        if not self._channel.is_pending:
            self._waits_for_room = False
            self._loop.remove_writer(self._channel.fileno())

    def _read(self) -> None:
        try:
            for frame, _ in self._channel.receive():
                self.heard_at = self._loop.time()
                self._taker(self, frame)
        except EOFError:
            self._die()

    def give_up(self) -> None:
        """Treat a worker that hangs as one that died."""
        self._die()

    def _die(self) -> None:
        if self._closed:
            return
        self.hang_up()
        self._process.kill()
        self.is_dead = True
        self.is_ready.set()
        self._on_death(self)

    def hang_up(self) -> None:
        """Close the channel: the worker ends by itself when it reads the end of file."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._channel.fileno())
        if self._waits_for_room:
            self._loop.remove_writer(self._channel.fileno())
        self._channel.close()

    async def reap(self, patience_s: float) -> None:
        """Wait until the process has ended; kill it after `patience_s`."""
        try:
            await asyncio.to_thread(self._process.wait, patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
