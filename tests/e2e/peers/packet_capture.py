"""A program of its own: writes every IPv4 packet on the loopback interface to standard output, for `WireTap`.

It needs CAP_NET_RAW, so it runs in a child process that can be started through sudo, while the tests need not be root.
"""

import contextlib
import signal
import socket
import struct
import sys
import time
from types import FrameType

_ETH_P_IP = 0x0800
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_PACKET_OUTGOING = (
    4  # Loopback packets go out and come in; a socket for one protocol is shown the second only.
)
_SO_RCVBUFFORCE = 33

# Room for several seconds of everything that a busy machine may send over loopback.
_RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024

# Loopback's largest packet is its MTU.
_LARGEST_PACKET = 65_536

# A record: seconds (monotonic, the same clock in every process of the machine) and length, then the packet.
RECORD = struct.Struct(">dI")

# The record that ends the stream carries, in place of the time, how many packets the kernel dropped.
END_OF_STREAM = 0xFFFF_FFFF


class _Stopped(Exception):  # noqa: N818 - not an error: it ends the loop.
    pass


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


def _open(interface: str) -> socket.socket:
    capture = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP))
    with contextlib.suppress(OSError):
        capture.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER_BYTES)
    capture.bind((interface, _ETH_P_IP))
    return capture


def main() -> None:
    """Captures until SIGTERM, then reports what the kernel dropped."""
    out = sys.stdout.buffer
    with _open("lo") as capture:
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        out.write(RECORD.pack(time.monotonic(), 0))
        out.flush()
        with contextlib.suppress(_Stopped, BrokenPipeError):
            while True:
                packet, (_, _, kind, _, _) = capture.recvfrom(_LARGEST_PACKET)
                if kind != _PACKET_OUTGOING:
                    out.write(RECORD.pack(time.monotonic(), len(packet)) + packet)
                    out.flush()
        _, dropped = struct.unpack("II", capture.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
        with contextlib.suppress(BrokenPipeError):
            out.write(RECORD.pack(dropped, END_OF_STREAM))
            out.flush()


if __name__ == "__main__":
    main()
