"""The control socket between the controller and one worker: frames both ways, sockets handed over. It refuses to block and to grow."""

import socket
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tonevault.cde.edge.relay.control_frames import FRAME_LIMIT

PENDING_FRAMES: Final = 4096
"""Frames that wait for a peer that does not read. A relay reads every few milliseconds; a thousand calls that all change at once are 4,000
frames. More means that the peer hangs, and a hanging relay is as lost as a dead one."""
SOCKETS_A_FRAME: Final = 4
"""RTP and RTCP of two legs."""
_DESCRIPTOR: Final = struct.Struct("@i")


class ChannelFullError(Exception):
    """The peer has stopped reading."""


@dataclass(slots=True, eq=False)
class _Pending:
    frame: bytearray
    sockets: tuple[socket.socket, ...]


class ControlChannel:
    """One end of a Unix socket pair of type SOCK_SEQPACKET: frames keep their bounds, and the peer's death is an end of file."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._pending: deque[_Pending] = deque()
        self._buffer = bytearray(FRAME_LIMIT)

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    @property
    def is_pending(self) -> bool:
        """Whether frames wait until the socket takes more."""
        return bool(self._pending)

    def send(self, frame: bytearray, sockets: tuple[socket.socket, ...] = ()) -> None:
        """Send a frame and hand over sockets, now or as soon as the peer reads. The frame is overwritten and the sockets are closed here
        once they are sent. Raises ChannelFullError, and BrokenPipeError or ConnectionResetError if the peer is gone."""
        if len(self._pending) >= PENDING_FRAMES:
            raise ChannelFullError("control channel: the relay has stopped reading")
        self._pending.append(_Pending(frame, sockets))
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the socket takes it."""
        while self._pending:
            head = self._pending[0]
            try:
                self._socket.sendmsg([head.frame], _rights(head.sockets))
            except BlockingIOError:
                return
            self._pending.popleft()
            _done(head)

    def receive(self) -> Iterator[tuple[memoryview, list[socket.socket]]]:
        """All frames that have come, each overwritten when the next is asked for. Raises EOFError when the peer is gone."""
        while True:
            try:
                count, ancillary, _, _ = self._socket.recvmsg_into(
                    [self._buffer], socket.CMSG_SPACE(SOCKETS_A_FRAME * _DESCRIPTOR.size)
                )
            except BlockingIOError:
                return
            except ConnectionResetError:
                raise EOFError from None
            if count == 0:
                raise EOFError
            with memoryview(self._buffer)[:count] as frame:
                try:
                    yield frame, _taken(ancillary)
                finally:
                    frame[:] = bytes(count)

    def close(self) -> None:
        """Close the socket, and overwrite and drop what was not sent."""
        self._socket.close()
        while self._pending:
            _done(self._pending.popleft())


def _rights(sockets: tuple[socket.socket, ...]) -> list[tuple[int, int, bytes]]:
    """The ancillary data that hands sockets over (unix(7), SCM_RIGHTS)."""
    if not sockets:
        return []
    numbers = b"".join(_DESCRIPTOR.pack(one.fileno()) for one in sockets)
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)]


def _taken(ancillary: list[tuple[int, int, bytes]]) -> list[socket.socket]:
    """The sockets that came with a frame; their family is read from the kernel."""
    return [
        socket.socket(fileno=number)
        for level, kind, data in ancillary
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS
        for (number,) in _DESCRIPTOR.iter_unpack(data[: len(data) - len(data) % _DESCRIPTOR.size])
    ]


def _done(pending: _Pending) -> None:
    pending.frame[:] = bytes(len(pending.frame))
    for one in pending.sockets:
        one.close()
